"""`aurora-tui act`: what the console's dialog does, without a screen: plan, show, ask for the word, approve, follow."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import click

from aurora_tui.commands.completion import runbook_ids
from aurora_tui.commands.options import LoadSettings, settings_options
from aurora_tui.commands.outcomes import CANCELLED, FAILED, VERIFIED, exit_code
from aurora_tui.commands.recording import not_blank
from aurora_tui.commands.status import wait_option

if TYPE_CHECKING:
    from aurora_tui.actions.desk import Asked, Desk
    from aurora_tui.actions.plan import Cluster, Plan
    from aurora_tui.settings import Settings
    from aurora_tui.situation.runbook import Runbook
    from aurora_tui.situation.situation import Situation


@dataclass(slots=True, kw_only=True)
class Order:
    """What the command line says. `run`: what came of it, once it is approved."""

    runbook: str | None
    take_back: str | None
    choice: str | None
    stage: str | None
    plan_only: bool
    as_json: bool
    word: str | None
    second: str | None
    reason: str | None
    override: str | None
    on_what_we_know: bool
    take_over: bool
    without_ledger: bool
    follow: bool
    wait: float
    run: str | None = field(default=None, init=False)


@click.command("act")
@click.argument("runbook", required=False, shell_complete=runbook_ids)
@click.option("--take-back", metavar="RUN", help="Instead of a runbook: take back what this run did.")
@click.option("--choice", metavar="ID", help="Another way to the same end, as the runbook names it.")
@click.option("--stage", metavar="ID", help="A stage of the runbook; the next one when left out.")
@click.option("--plan-only", is_flag=True, help="Show what would be done, and do nothing.")
@click.option("--json", "as_json", is_flag=True, help="One line of JSON: the plan with --plan-only, else the run.")
@click.option("--yes", "word", metavar="WORD", help="The environment's word, instead of being asked for it.")
@click.option("--second", metavar="WORD", help="The second word, where more is taken away than the runbook names.")
@click.option("--reason", callback=not_blank, metavar="TEXT", help="Why; it stands in the ledger.")
@click.option("--override", callback=not_blank, metavar="TEXT", help="Pass a gate that does not hold, for this reason.")
@click.option("--on-what-we-know", is_flag=True, help="Act although health cannot be proved; it is recorded.")
@click.option("--take-over", is_flag=True, help="Take the lock from whoever holds it.")
@click.option("--without-ledger", is_flag=True, help="Although the ledger cannot be written, where RUNBOOK allows it.")
@click.option("--follow/--no-follow", default=True, help="Watch the run to its end.", show_default=True)
@settings_options
@wait_option
def command(load_settings: LoadSettings, **options: object) -> int:
    """Carry out RUNBOOK: show the plan, ask for the word, follow it until it is verified.

    Exit code: 0 verified, 1 failed or refused, 2 usage, 3 cancelled; 130 when following ended by ctrl+C, and the run
    goes on.
    """
    from aurora_tui.settings import check_queries

    order = Order(**options)  # type: ignore[arg-type]
    settings = load_settings()
    check_queries(settings)
    _refuse_what_cannot_be(order, settings)
    try:
        return asyncio.run(_act(settings, order))
    except KeyboardInterrupt:
        _left(order)
        return 128 + signal.SIGINT


def _refuse_what_cannot_be(order: Order, settings: Settings) -> None:
    """UsageError for what no look at the world can make right."""
    from aurora_tui.commands.asking import can_ask
    from aurora_tui.commands.consenting import word_of
    from aurora_tui.errors import UsageError

    if (order.runbook is None) == (order.take_back is None):
        known = ", ".join(one.id for one in settings.mission.runbook)
        raise UsageError("Name one runbook, or one run with --take-back", f"Runbooks: {known}.")
    if order.runbook is not None:
        _runbook(order.runbook, settings)
    if order.plan_only:
        return
    if order.word is not None and order.word != word_of(settings):
        raise UsageError(
            f"--yes {order.word}: that is not the word of environment {settings.environment_name}",
            f"It is {word_of(settings)}.",
        )
    missing = [flag for flag, given in (("--yes WORD", order.word), ("--reason TEXT", order.reason)) if given is None]
    if missing and not can_ask():
        raise UsageError(
            f"Nobody can be asked: this is not a terminal, and {' and '.join(missing)} must be given",
            f"Do so, with the word of {settings.environment_name}; or look first, with --plan-only.",
        )


def _runbook(name: str, settings: Settings) -> Runbook:
    from aurora_tui.errors import UsageError

    for runbook in settings.mission.runbook:
        if runbook.id == name:
            return runbook
    known = ", ".join(one.id for one in settings.mission.runbook)
    raise UsageError(f"There is no runbook {name!r} in the mission", f"Name one of: {known}.")


async def _act(settings: Settings, order: Order) -> int:
    from aurora_tui.actions.desk import Desk
    from aurora_tui.commands.glimpse import glimpse
    from aurora_tui.warroom import Warroom

    async with Desk(settings) as desk:
        # Asked before all else: the cluster that the situation is of must be the one that is planned for.
        seen = await desk.identify()
        situation = await glimpse(Warroom(settings), order.wait)
        ask = await _asked(desk, settings, order, situation, seen)
        plan = await desk.plan(ask, situation)
        if order.plan_only:
            _show(plan, settings, order, as_json=order.as_json)
            return FAILED if plan.refusals else VERIFIED
        _show(plan, settings, order)
        if plan.refusals:
            return _told_refused(plan)
        approved = await _approve(desk, settings, order, plan, lambda: desk.plan(ask, situation))
        kept = settings if order.run is None else desk.settings_of(order.run)
        if order.run is not None and desk.clock_words:
            click.echo(f"aurora-tui: {desk.clock_words}", err=True)
    if order.run is None:
        return approved
    if kept is not settings:
        await _tell_spare(kept, order.run)
    return await _follow(kept, order, order.run)


async def _tell_spare(kept: Settings, run: str) -> None:
    """Where a run is kept whose ledger could not be written, and what was approved: on stderr, for the record."""
    from aurora_tui.actions.book import approved_plan
    from aurora_tui.actions.plan import as_data
    from aurora_tui.actions.spare import config_of
    from aurora_tui.commands.json_line import json_line

    click.echo(json_line(as_data(await approved_plan(kept, run))), err=True)
    click.echo(
        f"aurora-tui: the ledger could not be written. Run {run} is kept in {kept.ledger}; give "
        f"--config {config_of(kept)} to runs, resume and abandon.",
        err=True,
    )


async def _asked(desk: Desk, settings: Settings, order: Order, situation: Situation, seen: Cluster | None) -> Asked:
    from aurora_tui.actions.desk import Asked

    verdict = situation.verdict
    reasons = "; ".join(reason.text for reason in verdict.reasons if reason.word is verdict.word)
    ground = f"{verdict.word.value}: {reasons}" if reasons else verdict.word.value
    if order.take_back is not None:
        return await desk.inverse(
            order.take_back, ground=ground, on_what_we_know=order.on_what_we_know, take_over=order.take_over, seen=seen
        )
    assert order.runbook is not None
    return Asked(
        runbook=_runbook(order.runbook, settings),
        choice=order.choice,
        stage=order.stage,
        ground=ground,
        on_what_we_know=order.on_what_we_know,
        override=order.override or "",
        take_over=order.take_over,
        without_ledger=order.without_ledger,
        seen=seen,
    )


def _show(plan: Plan, settings: Settings, order: Order, *, as_json: bool = False) -> None:
    """The plan: as JSON, or for a person, who reads it on stderr when stdout is for JSON."""
    from aurora_tui.actions.plan import as_data
    from aurora_tui.commands.json_line import json_line
    from aurora_tui.commands.plan_lines import plan_lines
    from aurora_tui.commands.wrapping import columns

    if as_json:
        click.echo(json_line(as_data(plan)))
        return
    for line in plan_lines(plan, columns(), drill=settings.environment.drill):
        click.echo(line, err=order.as_json)


def _told_refused(plan: Plan) -> int:
    click.echo(f"aurora-tui: {plan.title} is refused. Nothing was done.", err=True)
    return FAILED


async def _approve(
    desk: Desk, settings: Settings, order: Order, plan: Plan, plan_again: Callable[[], Awaitable[Plan]]
) -> int:
    """Get consent to `plan` and approve it, which sets `order.run`; else the exit code of having done nothing.

    Whatever is approved means the same as what was consented to: when it would not, it is shown and asked again.
    """
    from aurora_tui.actions.desk import PlanChanged, PlanExpired
    from aurora_tui.commands.consenting import consents, second_in_words

    consented: str | None = None  # the meaning of the plan that the word was given for
    while order.run is None:
        if consented != plan.meaning:
            if not await consents(settings, order, plan, again=consented is not None):
                click.echo("Nothing was done.", err=True)
                return CANCELLED
            consented = plan.meaning
        try:
            order.run = await desk.approve(plan, order.reason or "", second_in_words(plan))
        except PlanExpired:
            plan = await plan_again()
        except PlanChanged as changed:
            click.echo(f"aurora-tui: {changed}", err=True)
            plan = changed.plan
        if order.run is None and consented != plan.meaning:
            _show(plan, settings, order)
            if plan.refusals:
                return _told_refused(plan)
    return VERIFIED


async def _follow(settings: Settings, order: Order, run: str) -> int:
    from aurora_tui.commands.following import LedgerTail, follow, leaving_lines
    from aurora_tui.commands.json_line import json_line

    if not order.follow:
        if order.as_json:
            click.echo(json_line((await LedgerTail(settings).journal()).runs[run]))
        else:
            click.echo("\n".join(leaving_lines(run)))
        return VERIFIED
    if not order.as_json:
        click.echo(f"run {run} approved")
    ended = await follow(settings, run, quiet=order.as_json)
    if order.as_json:
        click.echo(json_line(ended))
    return exit_code(ended)


def _left(order: Order) -> None:
    """What is to be known after ctrl+C."""
    from aurora_tui.commands.following import leaving_lines

    click.echo(err=True)
    lines = ["Nothing was done."] if order.run is None else leaving_lines(order.run)
    click.echo("\n".join(lines), err=True)
