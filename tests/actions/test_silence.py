"""Silences are made once, however often a step is carried out; notes are done when they are said."""

from __future__ import annotations

import asyncio
import dataclasses
import shlex
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aiohttp import web

from aurora_tui.actions.operation import Impossible, Reach
from aurora_tui.actions.operations import alertmanager, operation_of
from aurora_tui.actions.operations.note import NoteOperation
from aurora_tui.actions.operations.silence import SilenceOperation
from aurora_tui.actions.plan import Change, Plan, PlannedStep, as_data, from_data
from aurora_tui.clock import WALL
from aurora_tui.drill.alertmanager import read
from aurora_tui.kube.errors import Unreachable
from aurora_tui.situation.duration import Duration
from aurora_tui.situation.mission import HttpSource
from aurora_tui.situation.runbook import Note, Silence
from tests.actions.worlds import World, world
from tests.contract.alertmanager_pair import embedded
from tests.servers_alertmanager import CONFIG, PROGRAM, fire, real_alertmanager, silence
from tests.sources.stand_in import page

HIGH = Silence(matchers={"alertname": "RTTHigh", "treaty_id": "A"}, lasting=Duration(3600))


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[World]:
    async with world(tmp_path) as made:
        yield made


def with_alertmanager(here: World, url: str | None, **changes: Any) -> Reach:
    """The reach with its Alertmanager there; by the wall's clock, as a real one has."""
    where = None if url is None else HttpSource(url=url)
    environment = msgspec.structs.replace(here.settings.environment, alertmanager=where)
    settings = dataclasses.replace(here.settings, environment=environment)
    return dataclasses.replace(here.reach, **({"settings": settings, "clock": WALL} | changes))


async def planned(reach: Reach, step: Silence = HIGH, number: int = 2) -> PlannedStep:
    return await SilenceOperation().plan(step, number, reach)


async def all_of(reach: Reach) -> list[alertmanager.Silence]:
    where = reach.settings.environment.alertmanager
    assert where is not None
    return list(await alertmanager.silences(where))


@pytest.mark.needs(PROGRAM)
async def test_a_silence_is_made_once_in_the_name_of_its_run(here: World, tmp_path: Path) -> None:
    async with real_alertmanager(tmp_path / "am") as server:
        reach = with_alertmanager(here, server.url)
        await fire(server, {"alertname": "RTTHigh", "treaty_id": "A"})
        one = await planned(reach)
        assert isinstance(operation_of(HIGH), SilenceOperation)
        assert one.changes == (
            Change(what="alerts with alertname=RTTHigh, treaty_id=A", now="heard", after="silenced for 1h"),
        )
        before = await SilenceOperation().standing(one, reach)
        assert (before.done, before.words) == (False, "alertname=RTTHigh, treaty_id=A not silenced yet")
        await SilenceOperation().rehearse(one, reach)
        assert await all_of(reach) == []
        for _ in range(2):
            await SilenceOperation().carry_out(one, reach)
        (made,) = await all_of(reach)
        assert made.comment == f"aurora-tui run {reach.run}, step 2"
        assert made.asks(HIGH.matchers)
        assert made.ends == pytest.approx(WALL.now() + 3600, abs=30)
        assert "@" in made.createdBy
        after = await SilenceOperation().standing(one, reach)
        assert after.done
        assert after.words.startswith("silenced until 20")


@pytest.mark.needs(PROGRAM)
async def test_a_silence_that_somebody_ended_is_not_made_anew(here: World, tmp_path: Path) -> None:
    async with real_alertmanager(tmp_path / "am") as server:
        reach = with_alertmanager(here, server.url)
        one = await planned(reach)
        await SilenceOperation().carry_out(one, reach)
        (made,) = await all_of(reach)
        where = reach.settings.environment.alertmanager
        assert where is not None
        for _ in range(2):
            await alertmanager.end_silence(where, made.id)
        ended = await SilenceOperation().standing(one, reach)
        assert ended.done
        assert ended.words.startswith("was silenced until 20")
        # Another run makes its own.
        assert not (await SilenceOperation().standing(one, dataclasses.replace(reach, run="another"))).done


@pytest.mark.needs(PROGRAM)
async def test_another_s_silence_will_do_when_it_lasts_as_long(here: World, tmp_path: Path) -> None:
    async with real_alertmanager(tmp_path / "am") as server:
        reach = with_alertmanager(here, server.url)
        now = WALL.now()
        await silence(server, now, now + 1800, **HIGH.matchers)
        await silence(server, now, now + 7200, **HIGH.matchers, severity="critical")
        assert not (await planned(reach)).already
        await silence(server, now, now + 7200, **HIGH.matchers)
        one = await planned(reach)
        assert one.already
        assert one.changes == ()
        assert one.why.endswith("by eva")
        assert (await SilenceOperation().standing(one, reach)).done
        await SilenceOperation().carry_out(one, reach)
        assert len(await all_of(reach)) == 3


@pytest.mark.needs(PROGRAM)
async def test_it_is_taken_back_by_ending_what_runs_have_made_and_nothing_else(here: World, tmp_path: Path) -> None:
    async with real_alertmanager(tmp_path / "am") as server:
        reach = with_alertmanager(here, server.url)
        one = await planned(reach)
        (back,) = SilenceOperation().inverse(one)
        assert isinstance(back, Silence)
        nothing = await planned(reach, back)
        assert nothing.already
        assert nothing.changes == ()
        await SilenceOperation().carry_out(one, reach)
        now = WALL.now()
        await silence(server, now, now + 60, **HIGH.matchers)
        ending = from_data(as_data(_plan(await planned(reach, back)))).steps[0]
        (change,) = ending.changes
        assert change.now.startswith("silenced until 20")
        assert change.after == "heard"
        assert not (await SilenceOperation().standing(ending, reach)).done
        for _ in range(2):
            await SilenceOperation().carry_out(ending, reach)
        found = await SilenceOperation().standing(ending, reach)
        assert (found.done, found.words.partition("; ")[2]) == (True, "still silenced by eva")
        assert sorted(each.createdBy for each in await all_of(reach) if not each.over) == ["eva"]
        assert SilenceOperation().inverse(ending) == ()


@pytest.mark.needs(PROGRAM)
@pytest.mark.needs("amtool")
async def test_what_a_person_would_type_makes_the_same_silence(here: World, tmp_path: Path) -> None:
    async with real_alertmanager(tmp_path / "am") as server:
        reach = with_alertmanager(here, server.url)
        one = await planned(reach)
        typed = await asyncio.create_subprocess_exec(*shlex.split(one.kubectl), stdout=asyncio.subprocess.DEVNULL)
        assert await asyncio.wait_for(typed.wait(), 30) == 0
        (made,) = await all_of(reach)
        assert made.asks(HIGH.matchers)
        assert made.ends == pytest.approx(WALL.now() + 3600, abs=30)


@pytest.mark.needs(PROGRAM)
async def test_what_the_alertmanager_refuses_is_not_tried_again(here: World, tmp_path: Path) -> None:
    async with real_alertmanager(tmp_path / "am") as server:
        reach = with_alertmanager(here, server.url)
        nobody = Silence(matchers={"alertname": ""}, lasting=Duration(60))
        one = await planned(reach, nobody)
        with pytest.raises(Impossible, match="at least one matcher must not match the empty string"):
            await SilenceOperation().carry_out(one, reach)


async def test_the_drill_s_alertmanager_does_the_same_by_its_own_clock(here: World) -> None:
    async with embedded(read(CONFIG), here.clock.now) as url:
        reach = with_alertmanager(here, url, clock=here.clock)
        one = await planned(reach)
        for _ in range(2):
            await SilenceOperation().carry_out(one, reach)
        (made,) = await all_of(reach)
        assert made.ends == pytest.approx(here.clock.now() + 3600, abs=1)
        here.pass_time(3601)
        assert (await SilenceOperation().standing(one, reach)).words.startswith("was silenced until 2026-01-01T01:00")


async def test_an_alertmanager_that_does_not_answer_is_a_refusal_and_later_a_pause(here: World) -> None:
    gone = with_alertmanager(here, "http://127.0.0.1:9")
    refused = await planned(gone)
    assert "the Alertmanager cannot be asked: " in refused.refusals[0]
    with pytest.raises(Unreachable):
        await SilenceOperation().standing(refused, gone)

    async def busy(request: web.Request) -> web.StreamResponse:
        return web.Response(status=503)

    async with page(busy) as url:
        with pytest.raises(Unreachable):
            await SilenceOperation().standing(refused, with_alertmanager(here, url))


async def test_an_environment_without_an_alertmanager_skips_it_and_the_plan_says_so(here: World) -> None:
    reach = with_alertmanager(here, None)
    one = await planned(reach)
    assert one.warnings == ("this environment has no Alertmanager: skipped",)
    found = await SilenceOperation().standing(one, reach)
    assert (found.done, found.words) == (True, "skipped: this environment has no Alertmanager")


async def test_a_note_is_done_at_once_with_its_words(here: World) -> None:
    step = Note(text="call the provider\x1b[2J before noon")
    assert isinstance(operation_of(step), NoteOperation)
    one = await NoteOperation().plan(step, 1, here.reach)
    found = await NoteOperation().standing(one, here.reach)
    assert (found.done, found.words) == (True, "call the provider before noon")
    assert one.title == "Note: call the provider before noon"
    assert not one.already
    assert not here.asked


def _plan(*steps: PlannedStep) -> Plan:
    return Plan(run="r", runbook="x", title="x", environment="e", namespace="n", cluster=None, made_at="", steps=steps)
