"""What acting needs is made ready behind a filled screen: not sooner, off the loop; the cluster is told apart once."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from aurora_tui.actions.desk import Desk as ActionsDesk
from aurora_tui.actions.plan import Cluster
from aurora_tui.console import readying
from aurora_tui.console.acting.real import RealDesk
from aurora_tui.console.app import AuroraApp
from aurora_tui.errors import AuroraError
from tests.console import plans_made_up as plans
from tests.console import situations as made_up
from tests.console.plans_made_up import MadeUpDesk
from tests.console.situations import MadeUpFeed
from tests.console.test_acting_dialog import until

CHECKOUT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def _queries_are_fine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aurora_tui.console.following.check_queries", lambda settings: None)
    monkeypatch.setattr(readying, "_FIRST_PAUSE", 0.01)


def console(desk: MadeUpDesk, made_in: list[int], *, read_only: bool = False, after: float | None = 0.0) -> AuroraApp:
    """A console that may make its desk by itself, and tells in which threads it did."""

    def make() -> MadeUpDesk:
        made_in.append(threading.get_ident())
        return desk

    situation = made_up.go()
    return AuroraApp(
        plans.settings(read_only=read_only), lambda: MadeUpFeed(situation), make_desk=make, ready_after=after
    )


async def test_the_desk_is_made_in_a_thread_and_asked_which_cluster_it_is_until_it_knows() -> None:
    desk, made_in = MadeUpDesk(unreachable=3), list[int]()
    app = console(desk, made_in)
    async with app.run_test() as pilot:
        await until(pilot, lambda: desk.recognised == 1)
        assert desk.unreachable == 0
        assert len(made_in) == 1
        assert made_in[0] != threading.get_ident()
        await pilot.press("R")
        await until(pilot, lambda: bool(desk.wishes))
        assert len(made_in) == 1


async def test_not_before_its_seconds_are_over_and_not_before_anything_was_told() -> None:
    desk, made_in = MadeUpDesk(), list[int]()
    app = console(desk, made_in, after=3600.0)
    async with app.run_test() as pilot:
        await until(pilot, lambda: app._readying is not None)
        for _ in range(20):
            await pilot.pause(0.01)
        assert made_in == []
        assert app._acting is None


@pytest.mark.parametrize(("read_only", "after"), [(True, 0.0), (False, None)])
async def test_a_console_that_only_looks_or_was_not_asked_to_makes_nothing(
    read_only: bool, after: float | None
) -> None:
    desk, made_in = MadeUpDesk(), list[int]()
    app = console(desk, made_in, read_only=read_only, after=after)
    async with app.run_test() as pilot:
        await until(pilot, lambda: app.pulse.situation is not None)
        for _ in range(20):
            await pilot.pause(0.01)
        assert made_in == []


def test_launch_makes_ready_some_seconds_behind_the_screen_and_imports_nothing_of_it_before() -> None:
    script = (
        "import sys, aurora_tui.console.readying, aurora_tui.console.launch as launch\n"
        "assert launch.READY_AFTER >= 3\n"
        "rooms = ('aurora_tui.actions', 'aurora_tui.console.acting', 'aurora_tui.kube', 'kubernetes', 'aiohttp')\n"
        "assert not [name for name in sys.modules if name.startswith(rooms)]\n"
    )
    run = subprocess.run([sys.executable, "-c", script], cwd=CHECKOUT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr


# The real desk -------------------------------------------------------------------------------------------------------


def answers(monkeypatch: pytest.MonkeyPatch, *contexts: str) -> list[str]:
    """The contexts that the kubeconfig leads to, one after the other; those that were asked."""
    asked: list[str] = []

    async def identify(self: ActionsDesk) -> Cluster:
        asked.append(contexts[min(len(asked), len(contexts) - 1)])
        return Cluster(context=asked[-1], server="https://k8s.aurora.example:6443", uid="u")

    monkeypatch.setattr(ActionsDesk, "identify", identify)
    return asked


async def test_the_cluster_is_identified_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = answers(monkeypatch, "bastion-eu")
    desk = RealDesk(plans.settings())
    for _ in range(3):
        await desk.recognise(made_up.go())
    assert asked == ["bastion-eu"]


async def test_a_context_other_than_the_one_on_the_screen_is_refused_until_it_is_that_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answers(monkeypatch, "staging", "bastion-eu")
    desk = RealDesk(plans.settings())
    with pytest.raises(AuroraError, match="shows context bastion-eu, and the kubeconfig now leads to staging"):
        await desk.recognise(made_up.go())
    await desk.recognise(made_up.go())
    assert desk._seen is not None
    assert desk._seen.context == "bastion-eu"
