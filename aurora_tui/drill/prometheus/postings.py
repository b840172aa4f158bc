"""Which series have which label: what makes a selector cheap among thousands of series."""

from __future__ import annotations

from collections.abc import Sequence

from aurora_tui.drill.prometheus.labels import value_of
from aurora_tui.drill.prometheus.matchers import EQUAL, Matcher
from aurora_tui.drill.prometheus.series import Series

_REMEMBERED = 2048


class Postings:
    """Series by label value. Series are added, never taken away."""

    def __init__(self) -> None:
        self._all: list[Series] = []
        self._by_value: dict[str, dict[str, list[Series]]] = {}
        self._selected: dict[tuple[Matcher, ...], tuple[int, list[Series]]] = {}

    def add(self, series: Series) -> None:
        self._all.append(series)
        for name, value in series.labels:
            self._by_value.setdefault(name, {}).setdefault(value, []).append(series)

    def select(self, matchers: Sequence[Matcher]) -> list[Series]:
        """The series that every matcher accepts, sorted by labels as Prometheus sorts them."""
        key = tuple(matchers)
        size = len(self._all)
        known, found = self._selected.get(key, (-1, []))
        if known != size:
            found = self._search(key)
            if len(self._selected) >= _REMEMBERED:
                self._selected.clear()
            self._selected[key] = (size, found)
        return found

    def _search(self, matchers: tuple[Matcher, ...]) -> list[Series]:
        accepted = [(matcher.name, self._accepted(matcher)) for matcher in matchers]
        candidates = self._all
        for name, values in accepted:
            if "" in values:
                continue  # series without the label are wanted too
            having = self._by_value.get(name, {})
            if sum(len(having[value]) for value in values) < len(candidates):
                candidates = [series for value in values for series in having[value]]
        chosen = [
            series
            for series in list(candidates)
            if all(value_of(series.labels, name) in values for name, values in accepted)
        ]
        chosen.sort(key=lambda series: series.labels)
        return chosen

    def _accepted(self, matcher: Matcher) -> frozenset[str]:
        """The label's values that the matcher accepts; "" among them: series without the label are accepted."""
        having = self._by_value.get(matcher.name, {})
        if matcher.kind == EQUAL:
            return frozenset((matcher.value,)) if matcher.value in having or not matcher.value else frozenset()
        return frozenset(value for value in ("", *having) if matcher.accepts_value(value))
