"""The part of Prometheus' templates that labels and annotations of alerts use.

`{{ $value }}`, `{{ $labels.name }}`, `printf "%.2f" $value`, and the filters humanize, humanizePercentage and
humanizeDuration. Anything else reads `<error expanding template …>`, as a bad template does in Prometheus.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

from aurora_tui.drill.prometheus.floats import format_exponent

_ACTION = re.compile(r"(?:\s*\{\{-\s|\{\{)\s*(.*?)\s*(?:\s-\}\}\s*|\}\})", re.DOTALL)
_PRINTF = re.compile(r'printf\s+"([^"]*)"(?:\s+(\S+))?')
_VERB = re.compile(r"%(?:\.\d+)?[fge]|%[sv]")
_BIG = ("", "k", "M", "G", "T", "P", "E", "Z", "Y")
_SMALL = ("", "m", "u", "n", "p", "f", "a", "z", "y")


class _Unknown(Exception):
    """An action outside the part understood here."""


def expand(template: str, labels: Mapping[str, str], value: float) -> str:
    """`template` filled in for an alert with these labels and this value."""
    try:
        return _ACTION.sub(lambda found: _run(found[1], labels, value), template)
    except _Unknown as error:
        return f"<error expanding template: {error}>"


def _run(action: str, labels: Mapping[str, str], value: float) -> str:
    stages = [stage.strip() for stage in action.split("|")]
    current = _term(stages[0], labels, value)
    for stage in stages[1:]:
        current = _filter(stage, current)
    return current if isinstance(current, str) else plain(current)


def _term(term: str, labels: Mapping[str, str], value: float) -> str | float:
    if term in ("$value", ".Value"):
        return value
    if term.startswith(("$labels.", ".Labels.")):
        return labels.get(term.partition("abels.")[2], "")
    if term.startswith('"') and term.endswith('"') and len(term) > 1:
        return term[1:-1]
    found = _PRINTF.fullmatch(term)
    if found and found[2]:
        return _printf(found[1], _term(found[2], labels, value))
    for name in ("humanizePercentage", "humanizeDuration", "humanize"):
        if term.startswith(name + " "):
            return _filter(name, _term(term[len(name) :].strip(), labels, value))
    raise _Unknown(f"{term!r} is not understood")


def _filter(name: str, current: str | float) -> str:
    found = _PRINTF.fullmatch(name)
    if found and not found[2]:
        return _printf(found[1], current)
    try:
        number = float(current)
    except ValueError as error:
        raise _Unknown(f"{current!r} is not a number") from error
    if name == "humanize":
        return _humanize(number)
    if name == "humanizePercentage":
        return f"{number * 100:.4g}%" if math.isfinite(number) else f"{plain(number)}%"
    if name == "humanizeDuration":
        return _humanize_duration(number)
    raise _Unknown(f"function {name!r} is not defined")


def _printf(form: str, current: str | float) -> str:
    verb = _VERB.search(form)
    if verb is None or form.replace("%%", "").count("%") != 1:
        raise _Unknown(f"printf {form!r} is not understood")
    if verb[0] in ("%s", "%v"):
        text = current if isinstance(current, str) else plain(current)
    elif isinstance(current, str):
        raise _Unknown(f"{current!r} is not a number")
    else:
        text = verb[0] % current if math.isfinite(current) else plain(current)
    return (form[: verb.start()] + text + form[verb.end() :]).replace("%%", "%")


def plain(value: float) -> str:
    """A float as Go's %v prints it: with an exponent from a million on, and below 0.0001."""
    if not math.isfinite(value):
        return "NaN" if value != value else ("+Inf" if value > 0 else "-Inf")
    if value == 0 or 1e-4 <= abs(value) < 1e6:
        return repr(value).removesuffix(".0")
    return format_exponent(value)


def _humanize(value: float) -> str:
    if value == 0 or not math.isfinite(value):
        return f"{value:.4g}" if math.isfinite(value) else plain(value)
    index = 0
    units = _BIG if abs(value) >= 1 else _SMALL
    while index < len(units) - 1 and (abs(value) >= 1000 if units is _BIG else abs(value) < 1):
        value = value / 1000 if units is _BIG else value * 1000
        index += 1
    return f"{value:.4g}{units[index]}"


def _humanize_duration(value: float) -> str:
    if not math.isfinite(value):
        return plain(value)
    if abs(value) < 1:
        return f"{_humanize(value)}s" if value else "0s"
    sign = "-" if value < 0 else ""
    seconds = int(abs(value))
    days, hours, minutes = seconds // 86400, seconds // 3600 % 24, seconds // 60 % 60
    if days:
        return f"{sign}{days}d {hours}h {minutes}m {seconds % 60}s"
    if hours:
        return f"{sign}{hours}h {minutes}m {seconds % 60}s"
    if minutes:
        return f"{sign}{minutes}m {seconds % 60}s"
    return f"{sign}{abs(value):.4g}s"
