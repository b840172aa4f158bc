"""Pictures of whole screens. Changed on purpose? Look at them, then run pytest with --snapshot-update."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from textual.pilot import Pilot

from aurora_tui.console.app import AuroraApp
from aurora_tui.situation.run import RunState
from aurora_tui.situation.situation import Situation
from tests.console import plans_made_up as plans
from tests.console import situations as made_up
from tests.console.plans_made_up import MadeUpDesk
from tests.console.situations import MadeUpFeed

LARGE, SMALL = (120, 36), (80, 24)
Compare = Callable[..., bool]


@pytest.fixture(autouse=True)
def _queries_are_fine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aurora_tui.console.following.check_queries", lambda settings: None)


def console(situation: Situation, theme: str = "aurora-dark") -> AuroraApp:
    """A console whose clock stands still."""
    return AuroraApp(made_up.settings(theme), lambda: MadeUpFeed(situation), monotonic=lambda: 100.0)


def typed(*keys: str) -> Callable[[Pilot[Any]], Any]:
    """Wait for the first Situation, then type."""

    async def before(pilot: Pilot[Any]) -> None:
        app = pilot.app
        assert isinstance(app, AuroraApp)
        for _ in range(500):
            if "waiting for metrics" not in app.canvas("banner").text:
                break
            await pilot.pause(0.01)
        await pilot.press(*keys)
        await pilot.pause()

    return before


@pytest.mark.parametrize("size", [LARGE, SMALL], ids=["120x36", "80x24"])
@pytest.mark.parametrize("name", ["go", "breaching", "blind", "crowd"])
def test_a_verdict(snap_compare: Compare, name: str, size: tuple[int, int]) -> None:
    assert snap_compare(console(getattr(made_up, name)()), terminal_size=size, run_before=typed())


@pytest.mark.parametrize(
    "keys",
    [("down", "enter"), ("3", "down", "enter"), ("question_mark",)],
    ids=["slo", "pod", "help"],
)
@pytest.mark.parametrize("size", [LARGE, SMALL], ids=["120x36", "80x24"])
def test_details(snap_compare: Compare, keys: tuple[str, ...], size: tuple[int, int]) -> None:
    assert snap_compare(console(made_up.breaching()), terminal_size=size, run_before=typed(*keys))


@pytest.mark.parametrize("theme", ["aurora-light", "high-contrast", "colour-blind-safe", "ansi-16"])
def test_a_theme(snap_compare: Compare, theme: str) -> None:
    assert snap_compare(console(made_up.breaching(), theme), terminal_size=LARGE, run_before=typed())


def pressed(met: str, *keys: str) -> Callable[[Pilot[Any]], Any]:
    """Type, and wait until the layer that acting happens on says `met`."""

    async def before(pilot: Pilot[Any]) -> None:
        app = pilot.app
        assert isinstance(app, AuroraApp)
        await typed(*keys)(pilot)
        for _ in range(1000):
            layer = app.acting.layer
            if layer is not None and met in layer.text:
                break
            await pilot.pause(0.01)
        app.draw()

    return before


@pytest.mark.parametrize(
    ("desk", "situation", "met", "keys"),
    [
        (MadeUpDesk(), made_up.breaching(), "holds for", ("R",)),
        (MadeUpDesk(answer=lambda wish: plans.refused()), made_up.breaching(), "holds for", ("R",)),
        (MadeUpDesk(), plans.while_running(), "RUNNING", ("o",)),
        (MadeUpDesk(), plans.while_running(RunState.FAILED), "FAILED", ("o",)),
    ],
    ids=["plan", "refused", "running", "failed"],
)
@pytest.mark.parametrize("size", [LARGE, SMALL], ids=["120x36", "80x24"])
def test_acting(
    snap_compare: Compare,
    desk: MadeUpDesk,
    situation: Situation,
    met: str,
    keys: tuple[str, ...],
    size: tuple[int, int],
) -> None:
    app = AuroraApp(plans.settings(), lambda: MadeUpFeed(situation), make_desk=lambda: desk, monotonic=lambda: 100.0)
    assert snap_compare(app, terminal_size=size, run_before=pressed(met, *keys))
