"""Arithmetic and formatting of floats as Go does them: no exception for division by zero or overflow."""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable
from decimal import Decimal

INF = math.inf
NAN = math.nan
_FLOAT = re.compile(r"[+-]?(?:\d(?:_?\d)*\.?\d*(?:e[+-]?\d+)?|\.\d+(?:e[+-]?\d+)?|inf|infinity|nan)", re.IGNORECASE)


def divide(dividend: float, divisor: float) -> float:
    try:
        return dividend / divisor
    except ZeroDivisionError:
        if dividend == 0 or dividend != dividend:
            return NAN
        return math.copysign(INF, dividend) * math.copysign(1.0, divisor)


def modulo(dividend: float, divisor: float) -> float:
    try:
        return math.fmod(dividend, divisor)
    except ValueError:
        return NAN


def power(base: float, exponent: float) -> float:
    odd = math.isfinite(exponent) and exponent % 2 == 1
    try:
        return math.pow(base, exponent)
    except OverflowError:
        return -INF if base < 0 and odd else INF
    except ValueError:
        if base == 0:
            return math.copysign(INF, base) if odd else INF
        return NAN


ARITHMETIC: dict[str, Callable[[float, float], float]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": divide,
    "%": modulo,
    "^": power,
    "atan2": math.atan2,
}
COMPARISON: dict[str, Callable[[float, float], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    ">": operator.gt,
    "<": operator.lt,
    ">=": operator.ge,
    "<=": operator.le,
}


def parse_float(text: str) -> float | None:
    """A number as strconv.ParseFloat reads it; None when it is not one."""
    return float(text) if _FLOAT.fullmatch(text) else None


def format_float(value: float) -> str:
    """The shortest text that reads back as `value`, in the shape of Prometheus' API (jsonutil.MarshalFloat)."""
    if value != value:
        return "NaN"
    if value in (INF, -INF):
        return "+Inf" if value > 0 else "-Inf"
    text = repr(value)
    if text.endswith(".0"):
        return text[:-2]
    if "e" in text and 1e-6 <= abs(value) < 1e21:
        return format(Decimal(text), "f")
    return text


def format_exponent(value: float) -> str:
    """The shortest text with an exponent, as strconv.FormatFloat(value, 'e', -1, 64): an alert's value."""
    if not math.isfinite(value):
        return format_float(value)
    sign, digits, exponent = Decimal(repr(value)).normalize().as_tuple()
    assert isinstance(exponent, int)
    rest = "".join(map(str, digits[1:]))
    power = exponent + len(digits) - 1 if value else 0
    return f"{'-' * sign}{digits[0]}{'.' + rest if rest else ''}e{'-' if power < 0 else '+'}{abs(power):02d}"
