"""A configuration as it works: a tree of routes to named receivers, inhibition, the resolve time-out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from aurora_tui.drill.alertmanager.matchers import Matcher, all_accept


@dataclass(frozen=True, slots=True)
class Route:
    """A node of the routing tree (dispatch/route.go). What a route does not say, it has from the one above it.

    group_by: names of the labels whose values make a group; None: all labels.
    goes_on: `continue`, whether routes after this one may match too.
    """

    receiver: str
    matchers: tuple[Matcher, ...] = ()
    group_by: frozenset[str] | None = frozenset()
    goes_on: bool = False
    routes: tuple[Route, ...] = ()

    def matching(self, labels: Mapping[str, str]) -> list[Route]:
        """The routes that an alert with these labels takes: the deepest that fit; none when this one does not."""
        if not all_accept(self.matchers, labels):
            return []
        found: list[Route] = []
        for child in self.routes:
            below = child.matching(labels)
            found += below
            if below and not child.goes_on:
                break
        return found or [self]

    def group(self, labels: Mapping[str, str]) -> dict[str, str]:
        """The labels that an alert with `labels` shares with its group here."""
        return {name: value for name, value in labels.items() if self.group_by is None or name in self.group_by}

    def tree(self) -> Iterator[Route]:
        """This route and all below it."""
        yield self
        for child in self.routes:
            yield from child.tree()


@dataclass(frozen=True, slots=True)
class Inhibition:
    """While an alert that `source` accepts is there, alerts that `target` accepts are inhibited, if they share with it
    the values of the labels in `equal`."""

    source: tuple[Matcher, ...]
    target: tuple[Matcher, ...]
    equal: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AlertmanagerConfig:
    """resolve_timeout: world seconds after which an alert that is posted without an end, and not again, is over.

    text: the file that says this to a real Alertmanager, and what GET /api/v2/status shows. No receiver in it has any
    integration: nothing can leave this machine by it.
    """

    route: Route
    receivers: tuple[str, ...]
    inhibitions: tuple[Inhibition, ...]
    resolve_timeout: float
    text: str
