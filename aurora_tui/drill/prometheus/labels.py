"""Label sets: sorted tuples of (name, value), the metric's name among them as `__name__`; no empty values."""

from __future__ import annotations

from collections.abc import Collection, Mapping

Labels = tuple[tuple[str, str], ...]

NAME = "__name__"
_ESCAPES = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n"})


def labels_of(mapping: Mapping[str, str]) -> Labels:
    """The label set of a mapping; an empty value means that the label is not there."""
    return tuple(sorted((name, value) for name, value in mapping.items() if value))


def value_of(labels: Labels, name: str) -> str:
    """The value of a label, "" when it is not there."""
    for key, value in labels:
        if key == name:
            return value
    return ""


def only(labels: Labels, names: Collection[str]) -> Labels:
    return tuple(pair for pair in labels if pair[0] in names)


def without(labels: Labels, names: Collection[str]) -> Labels:
    return tuple(pair for pair in labels if pair[0] not in names)


def drop_name(labels: Labels) -> Labels:
    return tuple(pair for pair in labels if pair[0] != NAME)


def with_label(labels: Labels, name: str, value: str) -> Labels:
    """`labels` with one label set anew, or taken away when `value` is empty."""
    rest = [pair for pair in labels if pair[0] != name]
    if value:
        rest.append((name, value))
        rest.sort()
    return tuple(rest)


def show(labels: Labels) -> str:
    """As Prometheus writes a label set in its errors: {a="b", c="d"}."""
    return "{" + ", ".join(f'{name}="{value.translate(_ESCAPES)}"' for name, value in labels) + "}"
