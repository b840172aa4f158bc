"""What is drawn once a Situation is there: imported behind the first paint, which has nothing to judge yet."""

from __future__ import annotations

from typing import NamedTuple

from aurora_tui.console.banner import headline
from aurora_tui.console.banner import lines as banner
from aurora_tui.console.ink import Row
from aurora_tui.console.moments import window_name
from aurora_tui.console.panels import alerts, checkpoints, slo, workloads
from aurora_tui.console.panels.slo import Head
from aurora_tui.settings import Settings
from aurora_tui.situation.situation import Situation

__all__ = ["Listing", "banner", "headline", "heads", "listing"]


class Listing(NamedTuple):
    """A panel's rows, its title when it counts something, and what both were made from."""

    of: tuple[object, ...]
    rows: list[Row]
    title: str | None = None


def listing(
    name: str,
    situation: Situation,
    now: float,
    width: int,
    settings: Settings,
    last: Listing | None,
    *,
    everything: bool,
    filtered: bool,
) -> Listing:
    """The rows of one panel for the width it has: `last` as it was, when nothing that they are made from changed.

    Thousands of rows are made anew only when the cluster or the alerts changed, or a second went by.
    """
    if name == "slo":
        window = window_name(settings.mission.mission.window)
        return Listing((), slo.rows(situation, now, width, window))
    if name == "checkpoints":
        return Listing((), checkpoints.rows(situation, now, width))
    dark = tuple(light for light in situation.lights if light.watched and not light.trusted(now))
    of: tuple[object, ...] = (int(now), width, everything, filtered, dark)
    if name == "workloads":
        of = (*of, situation.deployments, situation.pods)
        if last is not None and last.of == of:
            return last
        watched = settings.environment.cluster is not None
        made = workloads.rows(situation, now, width, everything, watched, opened=filtered)
        return Listing(of, made, workloads.title(situation))
    of = (*of, situation.alerts)
    if last is not None and last.of == of:
        return last
    return Listing(of, alerts.rows(situation, now, width, opened=everything or filtered), alerts.title(situation))


def heads(name: str, situation: Situation, width: int, settings: Settings) -> tuple[Head, ...]:
    """Names of columns for the panel's border."""
    return slo.heads(situation, width, window_name(settings.mission.mission.window)) if name == "slo" else ()
