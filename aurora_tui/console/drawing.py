"""What is drawn once a Situation is there: imported behind the first paint, which has nothing to judge yet."""

from __future__ import annotations

from aurora_tui.console.banner import headline
from aurora_tui.console.banner import lines as banner
from aurora_tui.console.ink import Row
from aurora_tui.console.moments import window_name
from aurora_tui.console.panels import alerts, checkpoints, slo, workloads
from aurora_tui.console.panels.slo import Head
from aurora_tui.settings import Settings
from aurora_tui.situation.situation import Situation

__all__ = ["alerts_title", "banner", "headline", "heads", "rows"]

alerts_title = alerts.title


def rows(name: str, situation: Situation, now: float, width: int, settings: Settings, every_pod: bool) -> list[Row]:
    """The rows of one panel for the width it has."""
    if name == "slo":
        return slo.rows(situation, now, width, window_name(settings.mission.mission.window))
    if name == "workloads":
        return workloads.rows(situation, now, width, every_pod, settings.environment.cluster is not None)
    return checkpoints.rows(situation, now, width) if name == "checkpoints" else alerts.rows(situation, now, width)


def heads(name: str, situation: Situation, width: int, settings: Settings) -> tuple[Head, ...]:
    """Names of columns for the panel's border."""
    return slo.heads(situation, width, window_name(settings.mission.mission.window)) if name == "slo" else ()
