"""Consent to a plan at the terminal: a reason, the environment's word, and a second one where more is taken away."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from aurora_tui.commands.asking import ask, can_ask
from aurora_tui.errors import UsageError
from aurora_tui.text import safe

if TYPE_CHECKING:
    from aurora_tui.actions.plan import Plan
    from aurora_tui.commands.act import Order
    from aurora_tui.settings import Settings


def word_of(settings: Settings) -> str:
    """What must be typed before anything is changed there."""
    environment = settings.environment
    namespace = environment.cluster.namespace if environment.cluster else None
    return environment.confirm_word or namespace or settings.environment_name


async def consents(settings: Settings, order: Order, plan: Plan, *, again: bool) -> bool:
    """Whether the person gives a reason and types the word, or gave them as options; UsageError when nobody can."""
    if again and not can_ask():
        raise UsageError("What was consented to is not what would be done now", "Look at the new plan, and act again.")
    if order.reason is None:
        said = await ask(f"Reason [{plan.ground}]: ")
        if said is None:
            return False
        order.reason = said or plan.ground
    word = word_of(settings)
    if (order.word is None or again) and not await _types(word, f"Type {word} to do it: "):
        return False
    return await _consents_twice(order, plan, again=again)


async def _consents_twice(order: Order, plan: Plan, *, again: bool) -> bool:
    """The second word, where more is taken away than the runbook names; it is told who lives there."""
    from aurora_tui.actions.consent import second_consent

    second = second_consent(plan)
    if second is None:
        return True
    click.echo(f"\n{safe(second.question)}", err=True)
    for one in second.living:
        click.echo(f"  {safe(one, 200)}", err=True)
    if second.count > len(second.living):
        click.echo(f"  … and {second.count - len(second.living)} more", err=True)
    if order.second == second.word and not again:
        return True
    if order.second not in (None, second.word) or not can_ask():
        raise UsageError(
            f"The namespace {second.word} goes too, and --second does not consent to that",
            f"Look at who lives there, then give --second {second.word}.",
        )
    return await _types(second.word, f"Type {second.word} to delete it: ")


def second_in_words(plan: Plan) -> tuple[str, ...]:
    """What the ledger is to say of the second consent; nothing where none was needed."""
    from aurora_tui.actions.consent import second_consent

    second = second_consent(plan)
    if second is None:
        return ()
    return (f"consented to the deletion of namespace {second.word} with {second.count} objects that nobody named",)


async def _types(word: str, question: str) -> bool:
    for _ in range(3):
        typed = await ask(question)
        if typed == word:
            return True
        if not typed:
            return False
        click.echo(f"That is not the word: {word}. An empty line cancels.", err=True)
    return False
