"""A query's words, with the errors that Prometheus' lexer finds in them and where.

Source: promql/parser/lex.go of 2.42. Not imitated: between brackets it takes any letter for a colon, so that up[5m x]
is a subquery; here it is an error.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

KEYWORDS = frozenset(("offset", "by", "without", "on", "ignoring", "group_left", "group_right", "bool", "start", "end"))
AGGREGATORS = frozenset(
    ("sum", "avg", "count", "min", "max", "group", "stddev", "stdvar", "topk", "bottomk", "count_values", "quantile")
)
WORD_OPERATORS = frozenset(("and", "or", "unless", "atan2"))

NUMBER, DURATION, STRING = "number", "duration", "string"
IDENTIFIER, METRIC_IDENTIFIER = "identifier", "metric identifier"
END, ERROR, OPERATOR, SIGN = "end of input", "error", "operator", "sign"
KEYWORD, AGGREGATOR = "keyword", "aggregator"

_OPERATORS = ("==", "!=", "<=", ">=", "<", ">", "+", "-", "*", "/", "%", "^")
_SCANNED_NUMBER = re.compile(r"(?:0[xX][0-9a-fA-F]*(?:\.[0-9a-fA-F]*)?|\d*(?:\.\d*)?)(?:[eE][+-]?\d*)?")
_REST_OF_DURATION = re.compile(r"[smhdwy]s?(?:\d+[smhdw]s?)*")
_DURATION_AS_FAR_AS_READ = re.compile(r"(?:[smhdwy]s?(?:\d+[smhdw]s?)*\d*)?")
_WORD = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_ESCAPE = re.compile(r"""\\(?:[abfnrtv\\'"]|[0-7]{3}|x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8})""")
_ALPHANUMERIC = re.compile(r"[a-zA-Z0-9_]")


@dataclass(frozen=True, slots=True)
class Token:
    """`text` as written; `at` counts characters from 0. An ERROR's text is what is wrong; nothing comes after it."""

    kind: str
    text: str
    at: int

    @property
    def lower(self) -> str:
        return self.text.lower()

    def is_(self, *texts: str) -> bool:
        """Whether it is one of these signs, operators or keywords."""
        return self.kind in (SIGN, OPERATOR, KEYWORD) and self.lower in texts

    def described(self) -> str:
        """As Prometheus speaks of it after "unexpected"."""
        if self.kind == END:
            return END
        if self.kind == KEYWORD:
            return f"<{self.text}>"
        if self.kind == AGGREGATOR:
            return f"<aggr:{self.text}>"
        if self.kind == OPERATOR:
            return f"<op:{self.text}>"
        if self.text == "@":
            return '"<Item 57385>" <op:@>'  # it has forgotten to name this one
        shown = quoted(self.text)
        if self.kind not in (IDENTIFIER, METRIC_IDENTIFIER) and len(self.text) > 10:
            shown = f"{quoted(self.text[:10])}..."
        return shown if self.kind == SIGN else f"{self.kind} {shown}"


def quoted(text: str) -> str:
    """Go's %q, as far as queries need it."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\t", "\\t")
    return f'"{escaped}"'


_SIMPLE = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}


def unquoted(text: str) -> str:
    """What a STRING token says."""
    if text[0] == "`":
        return text[1:-1]

    def meant(found: re.Match[str]) -> str:
        body = found[0][1:]
        if body[0] in "01234567":
            return chr(int(body, 8))
        return chr(int(body[1:], 16)) if body[0] in "xuU" else _SIMPLE.get(body, body)

    return _ESCAPE.sub(meant, text[1:-1])


def character(text: str) -> str:
    """Go's %q of one character, or of what its lexer takes for the end."""
    if not text:
        return "'�'"
    return {"'": r"'\''", "\\": r"'\\'", "\n": r"'\n'", "\t": r"'\t'", "\r": r"'\r'"}.get(text, f"'{text}'")


class _Failed(Exception):
    """The lexer's error, at `at`."""

    def __init__(self, message: str, at: int) -> None:
        super().__init__(message)
        self.at = at


def tokens(text: str) -> Iterator[Token]:
    """The tokens of a query as they are asked for; the last is END or ERROR."""
    lexer = _Lexer(text)
    try:
        yield from lexer.run()
    except _Failed as failure:
        yield Token(ERROR, str(failure), failure.at)


class _Lexer:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.depth = 0
        self.in_bracket = self.got_colon = False

    def run(self) -> Iterator[Token]:
        in_braces = False
        while True:
            self._skip()
            sign = self._here()
            if not sign:
                yield self._end(in_braces)
                return
            token = self._in_braces(sign) if in_braces else self._statement(sign)
            self.at += len(token.text)
            yield token
            if token.kind == SIGN:
                in_braces = token.text == "{" or (in_braces and token.text != "}")
                yield from self._after_sign(token.text)

    def _here(self, ahead: int = 0) -> str:
        return self.text[self.at + ahead : self.at + ahead + 1]

    def _skip(self) -> None:
        while (here := self._here()) and here in " \t\n\r#":
            if here == "#":
                end = self.text.find("\n", self.at)
                self.at = len(self.text) if end < 0 else end
            else:
                self.at += 1

    def _end(self, in_braces: bool) -> Token:
        if in_braces:
            raise _Failed("unexpected end of input inside braces", self.at)
        if self.depth:
            raise _Failed("unclosed left parenthesis", self.at)
        if self.in_bracket:
            raise _Failed("unclosed left bracket", self.at)
        return Token(END, "", self.at)

    def _after_sign(self, sign: str) -> Iterator[Token]:
        if sign == "(":
            self.depth += 1
        elif sign == ")":
            self.depth -= 1
        elif sign == "]":
            self.in_bracket = False
        elif sign == "[":
            self.in_bracket, self.got_colon = True, False
            while (here := self._here()) and here in " \t\n\r":
                self.at += 1
            yield self._duration()

    def _statement(self, sign: str) -> Token:
        if sign == "=" and self._here(1) == "~":
            raise _Failed("unexpected character after '=': '~'", self.at)
        if sign == "!" and self._here(1) != "=":
            raise _Failed(f"unexpected character after '!': {character(self._here(1))}", self.at)
        for operator in _OPERATORS:
            if self.text.startswith(operator, self.at):
                return Token(OPERATOR, operator, self.at)
        if sign.isascii() and (sign.isdigit() or (sign == "." and self._here(1).isdigit())):
            return self._number_or_duration()
        if sign in "\"'`":
            return self._string(sign)
        if self.in_bracket and (sign == ":" or _WORD.match(sign)):
            if self.got_colon:
                raise _Failed(f"unexpected colon '{sign}'", self.at)
            if sign == ":":
                self.got_colon = True
                return Token(SIGN, sign, self.at)
        if found := _WORD.match(self.text, self.at):
            return _word(found[0], self.at)
        if (sign == "[" and self.in_bracket) or (sign == "]" and not self.in_bracket):
            side = "left" if sign == "[" else "right"
            raise _Failed(f"unexpected {side} bracket '{sign}'", self.at)
        if sign == ")" and not self.depth:
            raise _Failed("unexpected right parenthesis ')'", self.at + 1)
        if sign not in ",()[]{@=":
            raise _Failed(f"unexpected character: {character(sign)}", self.at)
        return Token(SIGN, sign, self.at)

    def _in_braces(self, sign: str) -> Token:
        if found := _LABEL.match(self.text, self.at):
            return Token(IDENTIFIER, found[0], self.at)
        if sign in "\"'`":
            return self._string(sign)
        if sign == "=":
            return Token(OPERATOR, "=~", self.at) if self._here(1) == "~" else Token(SIGN, "=", self.at)
        if sign == "!":
            if self._here(1) not in ("=", "~"):
                raise _Failed(f"unexpected character after '!' inside braces: {character(self._here(1))}", self.at)
            return Token(OPERATOR, sign + self._here(1), self.at)
        if sign == "{":
            raise _Failed("unexpected left brace '{'", self.at)
        if sign not in ",}":
            raise _Failed(f"unexpected character inside braces: {character(sign)}", self.at)
        return Token(SIGN, sign, self.at)

    def _string(self, quote: str) -> Token:
        at = self.at + 1
        while True:
            here = self.text[at : at + 1]
            if here == quote:
                return Token(STRING, self.text[self.at : at + 1], self.at)
            if not here or (here == "\n" and quote != "`"):
                raise _Failed(f"unterminated {'raw' if quote == '`' else 'quoted'} string", self.at)
            if here == "\\" and quote != "`":
                escape = _ESCAPE.match(self.text, at)
                if escape is None:
                    raise _Failed(_bad_escape(self.text[at + 1 : at + 2]), self.at)
                at = escape.end()
            else:
                at += 1

    def _number(self) -> int | None:
        """Where the number here ends; None when letters follow at once."""
        found = _SCANNED_NUMBER.match(self.text, self.at)
        assert found is not None
        return None if _ALPHANUMERIC.match(self.text, found.end()) else found.end()

    def _with_unit(self, failure: str) -> Token:
        number = _SCANNED_NUMBER.match(self.text, self.at)
        assert number is not None
        found = _REST_OF_DURATION.match(self.text, number.end())
        if found is None or _ALPHANUMERIC.match(self.text, found.end()):
            read = _DURATION_AS_FAR_AS_READ.match(self.text, number.end())
            assert read is not None
            end = read.end() + (found is not None and found.end() == read.end())  # it has looked at one more
            raise _Failed(f"{failure}: {quoted(self.text[self.at : end])}", self.at)
        return Token(DURATION, self.text[self.at : found.end()], self.at)

    def _number_or_duration(self) -> Token:
        end = self._number()
        if end is not None:
            return Token(NUMBER, self.text[self.at : end], self.at)
        return self._with_unit("bad number or duration syntax")

    def _duration(self) -> Token:
        if self._number() is not None:
            raise _Failed("missing unit character in duration", self.at)
        token = self._with_unit("bad duration syntax")
        self.at += len(token.text)
        return token


def _word(word: str, at: int) -> Token:
    lower = word.lower()
    if lower in ("inf", "nan"):
        return Token(NUMBER, word, at)
    for kind, words in ((KEYWORD, KEYWORDS), (AGGREGATOR, AGGREGATORS), (OPERATOR, WORD_OPERATORS)):
        if lower in words:
            return Token(kind, word, at)
    return Token(METRIC_IDENTIFIER if ":" in word else IDENTIFIER, word, at)


def _bad_escape(sign: str) -> str:
    return f"unknown escape sequence U+{ord(sign):04X} '{sign}'" if sign else "escape sequence not terminated"
