"""A second word is typed when a namespace goes, and only then."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aurora_tui.actions.consent import SecondConsent, second_consent
from aurora_tui.actions.plan import Plan, PlannedStep
from aurora_tui.situation.runbook import Delete


def plan(goal: Mapping[str, Any], already: bool = False) -> Plan:
    step = PlannedStep(number=2, step=Delete(path="x"), title="Delete", goal=dict(goal), already=already)
    return Plan(
        run="r", runbook="halt", title="halt", environment="drill", namespace="aurora", cluster=None,
        made_at="2026-01-01T00:00:00Z", steps=(step,),
    )  # fmt: skip


WHOLE = {"namespace": "aurora", "others": ["Secret s", "ConfigMap c"], "others_count": 2, "known": ["1", "2"]}


def test_deleting_a_namespace_asks_for_its_name_and_lists_who_lives_there() -> None:
    consent = second_consent(plan(WHOLE))
    assert consent == SecondConsent(word="aurora", living=("Secret s", "ConfigMap c"), count=2)
    assert consent.question.endswith("2 more objects live in it, and will be gone:")


def test_an_empty_namespace_asks_all_the_same() -> None:
    consent = second_consent(plan({**WHOLE, "others": [], "others_count": 0}))
    assert consent is not None
    assert consent.question.endswith("Nothing else lives in it.")


def test_without_a_namespace_one_consent_is_enough() -> None:
    assert second_consent(plan({"sha256": "0", "pods": []})) is None


def test_what_is_gone_already_asks_for_nothing() -> None:
    assert second_consent(plan(WHOLE, already=True)) is None
