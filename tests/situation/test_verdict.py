"""The verdict: the worst word any fact calls for; never GO on what is not known; reasons that do not mislead."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aurora_tui.situation.alert import AlertRow, AlertState
from aurora_tui.situation.checkpoint import Timer, TimerState
from aurora_tui.situation.criterion import CriterionState, CriterionStatus
from aurora_tui.situation.freshness import SourceLight
from aurora_tui.situation.mission import Direction, Severity
from aurora_tui.situation.probe import ProbeStatus
from aurora_tui.situation.slo import Level, SloState, SloStatus
from aurora_tui.situation.verdict import BRIDGED_INTERVALS, Evidence, Verdict, Word, decide
from aurora_tui.situation.workload import DeploymentStatus, PodStatus, Role, Rollout
from tests.situation.missions import GRID, NOW

RANK = {word: rank for rank, word in enumerate(Word)}
BRIDGED = BRIDGED_INTERVALS * GRID


def light(name: str = "metrics", **changes: Any) -> SourceLight:
    return SourceLight(**{"name": name, "title": name, "interval": 15.0, "observed_at": NOW - 5, **changes})


def slo(**changes: Any) -> SloStatus:
    values: dict[str, Any] = {
        "id": "rtt",
        "title": "RTT",
        "unit": "ms",
        "digits": 0,
        "direction": Direction.AT_MOST,
        "threshold": 350.0,
        "statistic": "p95",
        "query": "q",
        "state": SloState.MEETS,
        "level": Level.GOOD,
        "value": 280.0,
        "measured_at": NOW - 5,
    }
    return SloStatus(**{**values, **changes})


def criterion(**changes: Any) -> CriterionStatus:
    values: dict[str, Any] = {
        "id": "rtt-high",
        "title": "RTT p95 > 400 ms for 15 min",
        "then": "rollback",
        "state": CriterionState.OK,
        "slo": "rtt",
        "statistic": "p95",
        "op": ">",
        "limit": 400.0,
        "unit": "ms",
        "digits": 0,
        "hold": 900.0,
        "value": 280.0,
        "folded_to": NOW - 30,
    }
    return CriterionStatus(**{**values, **changes})


def breaching(**changes: Any) -> CriterionStatus:
    return criterion(
        **{
            "state": CriterionState.BREACHING,
            "value": 412.0,
            "since": NOW - 401,
            "trips_at": NOW + 499,
            **changes,
        }
    )


def alert(severity: Severity = Severity.SEV2, state: AlertState = AlertState.FIRING, **labels: str) -> AlertRow:
    return AlertRow(
        fingerprint="f",
        name="RTTHigh",
        severity=severity,
        severity_known=True,
        state=state,
        since=NOW - 60,
        labels=labels,
    )


def deployment(**changes: Any) -> DeploymentStatus:
    values: dict[str, Any] = {
        "uid": "d",
        "namespace": "aurora",
        "name": "aurora-bridge",
        "role": Role.CANARY,
        "revision": 7,
        "image": "1.0.0",
        "desired": 3,
        "ready": 3,
        "updated": 3,
        "available": 3,
        "rollout": Rollout.DONE,
    }
    return DeploymentStatus(**{**values, **changes})


def pod(**changes: Any) -> PodStatus:
    values: dict[str, Any] = {
        "uid": "p",
        "namespace": "aurora",
        "name": "aurora-bridge-x",
        "owner": "aurora-bridge",
        "reason": "CrashLoopBackOff",
        "healthy": False,
        "ready": 0,
        "containers_total": 1,
        "restarts": 7,
        "restarted_at": NOW - 60,
        "node": "n",
        "created_at": NOW - 9000,
    }
    return PodStatus(**{**values, **changes})


CALM = Evidence(
    now=NOW,
    scrape_interval=GRID,
    lights=(light(), light("cluster"), light("am"), light("ledger"), light("grafana")),
    essential=frozenset({"metrics", "cluster", "am", "ledger"}),
    slos=(slo(),),
    criteria=(criterion(), criterion(id="any-sev1", title="Any SEV1", op=None, slo=None)),
    alerts=(),
    deployments=(deployment(),),
    pods=(pod(healthy=True, reason="Running", restarts=0, restarted_at=None),),
    probes=(),
    timers=(),
    canary="aurora-bridge",
)


def verdict(**changes: Any) -> Verdict:
    return decide(msgspec.structs.replace(CALM, **changes))


def said(verdict: Verdict) -> list[tuple[Word, str]]:
    return [(reason.word, reason.text) for reason in verdict.reasons]


def with_light(name: str, **changes: Any) -> tuple[SourceLight, ...]:
    return tuple(light(name, **changes) if one.name == name else one for one in CALM.lights)


def test_all_well_is_go_and_says_on_what() -> None:
    assert said(verdict()) == [(Word.GO, "1 SLO met, 2 criteria clear")]


def test_go_names_what_is_not_watched() -> None:
    lights = (light(), light("ledger"), SourceLight(name="cluster", title="cluster", interval=1.0, watched=False))
    found = verdict(lights=lights, essential=frozenset({"metrics", "ledger"}), canary=None)
    assert said(found) == [(Word.GO, "1 SLO met, 2 criteria clear; not watched: cluster")]


# ROLL BACK


def test_a_trip_is_roll_back_with_its_runbook() -> None:
    tripped = criterion(state=CriterionState.TRIPPED, value=412.0, tripped_at=NOW - 60)
    found = verdict(criteria=(tripped,))
    assert said(found) == [(Word.ROLL_BACK, "RTT p95 > 400 for 15m; now 412 ms, still over")]
    assert (found.runbook, found.reasons[0].since) == ("rollback", NOW - 60)


def test_a_trip_that_is_over_does_not_read_as_if_it_were_good_or_still_on() -> None:
    tripped = criterion(state=CriterionState.TRIPPED, value=210.0, tripped_at=NOW - 3600)
    assert verdict(criteria=(tripped,)).reasons[0].text == "RTT p95 > 400 for 15m; now 210 ms: recovered, latched"
    unknown = criterion(state=CriterionState.TRIPPED, value=None, tripped_at=NOW - 3600)
    assert verdict(criteria=(unknown,)).reasons[0].text == "RTT p95 > 400 for 15m; now not known"


def test_a_sev1_names_the_alert() -> None:
    tripped = criterion(
        id="any-sev1",
        title="Any SEV1 alert fires",
        op=None,
        slo=None,
        state=CriterionState.TRIPPED,
        detail="CanaryDown fired",
        tripped_at=NOW,
    )
    assert said(verdict(criteria=(tripped,))) == [(Word.ROLL_BACK, "Any SEV1 alert fires: CanaryDown fired")]


def test_a_trip_stands_though_every_source_is_dark() -> None:
    dark = tuple(light(one.name, observed_at=NOW - 600, error="no route") for one in CALM.lights)
    found = verdict(lights=dark, criteria=(criterion(state=CriterionState.TRIPPED, tripped_at=NOW - 900),))
    assert found.word is Word.ROLL_BACK
    assert {reason.word for reason in found.reasons} == {Word.ROLL_BACK, Word.BLIND, Word.WATCH}


# BLIND


@pytest.mark.parametrize("name", sorted(CALM.essential))
@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"observed_at": None, "since": NOW}, "waiting for {name}"),
        ({"observed_at": NOW - 46}, "{name}: no answer"),
        ({"observed_at": NOW - 46, "error": "http://x refuses"}, "{name}: http://x refuses"),
        ({"observed_at": None, "error": "401"}, "{name}: 401"),
        ({"observed_at": NOW, "error": "ANOTHER CLUSTER", "disowned": True}, "{name}: ANOTHER CLUSTER"),
        ({"watched": False}, "{name} not configured"),
    ],
)
def test_an_essential_source_that_is_not_live_is_blind(name: str, changes: dict[str, Any], words: str) -> None:
    found = verdict(lights=with_light(name, **changes))
    assert found.word is Word.BLIND
    assert found.reasons[0].text == words.format(name=name)
    assert found.runbook is None


def test_a_source_that_failed_once_is_not_blind_while_its_answer_is_fresh() -> None:
    assert verdict(lights=with_light("metrics", error="timed out", failing_since=NOW)).word is Word.GO


def test_an_unknown_slo_is_blind_and_says_why() -> None:
    unknown = slo(state=SloState.UNKNOWN, why_unknown="not a number: nothing was observed in its window")
    assert said(verdict(slos=(unknown,))) == [(Word.BLIND, "RTT: not a number: nothing was observed in its window")]


def test_dark_metrics_are_said_once_and_not_for_every_slo() -> None:
    found = verdict(
        lights=with_light("metrics", observed_at=NOW - 600, error="refused"),
        slos=(slo(state=SloState.UNKNOWN), slo(id="fill", state=SloState.UNKNOWN)),
        criteria=(criterion(state=CriterionState.NO_DATA, folded_to=NOW - 600, since=NOW - 600),),
    )
    assert said(found) == [(Word.BLIND, "metrics: refused")]


def test_an_unverified_trip_is_blind_and_offers_the_runbook() -> None:
    found = verdict(criteria=(criterion(state=CriterionState.TRIPPED_UNVERIFIED, detail="no data for the hold"),))
    assert said(found) == [(Word.BLIND, "RTT p95: no data for the hold")]
    assert found.runbook == "rollback"


@pytest.mark.parametrize(("gap", "word"), [(30.0, Word.GO), (BRIDGED, Word.GO), (BRIDGED + 1, Word.BLIND)])
def test_a_short_gap_of_a_criterion_is_bridged_and_a_longer_one_is_blind(gap: float, word: Word) -> None:
    status = criterion(state=CriterionState.NO_DATA, since=NOW - gap, value=None, detail="no data: absent")
    assert verdict(criteria=(status,)).word is word


def test_a_question_that_failed_once_does_not_make_blind() -> None:
    assert verdict(criteria=(criterion(source_error="503"),)).word is Word.GO


def test_a_criterion_whose_questions_go_on_failing_is_blind_with_the_error() -> None:
    old = NOW - BRIDGED - 1
    status = criterion(state=CriterionState.NO_DATA, since=old, folded_to=old, source_error="503", detail="2 min ago")
    assert said(verdict(criteria=(status,))) == [(Word.BLIND, "RTT p95: 503")]
    assert verdict(criteria=(status,)).runbook is None


def test_a_history_still_being_read_is_blind() -> None:
    status = criterion(state=CriterionState.NO_DATA, folded_to=None, detail="its history is being read")
    found = verdict(criteria=(status,), judged_since={"rtt-high": NOW - 86400})
    assert said(found) == [(Word.BLIND, "RTT p95: its history is being read")]


def test_a_judgement_that_has_just_begun_is_neither_blind_nor_go() -> None:
    status = criterion(state=CriterionState.NO_DATA, folded_to=None, detail="its history is being read")
    began = {"rtt-high": NOW - 20}
    assert said(verdict(criteria=(status,), judged_since=began)) == [
        (Word.WATCH, "RTT p95 is judged anew: its first points are not in yet")
    ]
    late = verdict(criteria=(status,), judged_since={"rtt-high": NOW - BRIDGED - 1})
    assert late.word is Word.BLIND


def test_no_alert_source_that_answers_is_blind_at_once() -> None:
    status = criterion(
        id="any-sev1", op=None, slo=None, state=CriterionState.NO_DATA, folded_to=None, detail="no alert source answers"
    )
    assert verdict(criteria=(status,), judged_since={"any-sev1": NOW}).word is Word.BLIND


# ROLL BACK IN


def test_a_breach_counts_down_to_its_trip() -> None:
    found = verdict(criteria=(breaching(),))
    assert said(found) == [(Word.ROLL_BACK_IN, "RTT p95 412 ms > 400")]
    assert (found.deadline, found.runbook, found.reasons[0].since) == (NOW + 499, "rollback", NOW - 401)


def test_of_two_breaches_the_one_that_trips_first_leads() -> None:
    first = breaching(id="fill-low", then="halt", trips_at=NOW + 60)
    found = verdict(criteria=(breaching(), first))
    assert (found.deadline, found.runbook, found.reasons[0].about) == (NOW + 60, "halt", "fill-low")


def test_a_breach_over_a_bridged_point_shows_no_invented_value() -> None:
    assert verdict(criteria=(breaching(value=None),)).reasons[0].text == "RTT p95 > 400"


# WATCH


def test_a_missed_objective_is_watch() -> None:
    missed = slo(state=SloState.MISSES, value=361.0)
    assert said(verdict(slos=(missed,))) == [(Word.WATCH, "RTT p95 361 ms, objective ≤ 350")]


@pytest.mark.parametrize(
    ("row", "word"),
    [
        (alert(), Word.WATCH),
        (alert(Severity.SEV1), Word.WATCH),
        (alert(state=AlertState.LOST), Word.WATCH),
        (alert(Severity.SEV3), Word.GO),
        (alert(state=AlertState.SILENCED), Word.GO),
        (alert(state=AlertState.PENDING), Word.GO),
        (alert(state=AlertState.RESOLVED), Word.GO),
        (alert(drill="true"), Word.GO),
    ],
)
def test_grave_alerts_that_fire_or_are_lost_are_watch(row: AlertRow, word: Word) -> None:
    assert verdict(alerts=(row,)).word is word


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"pods": (pod(),)}, "aurora-bridge-x CrashLoopBackOff"),
        ({"pods": (pod(healthy=True, reason="Running"),)}, "aurora-bridge-x Running, restarted 7×"),
        (
            {"deployments": (deployment(rollout=Rollout.FAILED, rollout_detail="deadline"),)},
            "aurora-bridge rollout failed: deadline",
        ),
        ({"deployments": ()}, "aurora-bridge (canary) is not in the cluster"),
        ({"deployments": (deployment(desired=0, ready=0),)}, "aurora-bridge (canary) is scaled to 0"),
        ({"deployments": (deployment(ready=0),)}, "aurora-bridge (canary) has 0 of 3 ready"),
        ({"lights": with_light("grafana", observed_at=NOW - 60, error="502")}, "grafana: 502"),
        ({"lights": with_light("metrics", skew=-7.0)}, "this machine's clock and that of metrics differ by 7 s"),
        (
            {
                "probes": (
                    ProbeStatus(id="b", title="bridge", ok=False, detail="503 down", latency=0.1, checked_at=NOW),
                )
            },
            "bridge: 503 down",
        ),
        (
            {"criteria": (criterion(cannot_trip="this criterion cannot trip: x"),)},
            "RTT p95: this criterion cannot trip: x",
        ),
    ],
)
def test_what_else_is_worth_a_look_is_watch(changes: dict[str, Any], words: str) -> None:
    found = verdict(**changes)
    assert said(found) == [(Word.WATCH, words)]
    assert found.runbook is None


@pytest.mark.parametrize(
    "harmless",
    [
        pod(owner="something-else"),
        pod(namespace="elsewhere"),  # of a namesake
        pod(healthy=True, reason="Running", restarted_at=NOW - 3600),
        pod(reason="Terminating"),
        pod(reason="ContainerCreating", restarts=0, created_at=NOW - 60),
    ],
)
def test_pods_of_others_leaving_and_starting_are_no_reason(harmless: PodStatus) -> None:
    assert verdict(pods=(harmless,)).word is Word.GO


def test_a_canary_is_missed_only_when_one_is_expected() -> None:
    assert verdict(deployments=(), canary=None).word is Word.GO


# The next deadline


def test_the_verdict_names_what_is_due_next() -> None:
    rows = (
        Timer(id="a", title="T+24h report", state=TimerState.NEXT, due_at=NOW + 60),
        Timer(id="b", title="Morning", state=TimerState.OVERDUE, due_at=NOW - 60),
    )
    assert (verdict(timers=rows).next_due, verdict(timers=rows).next_due_title) == (NOW - 60, "Morning")
    assert verdict(timers=rows[:1]).next_due == NOW + 60
    assert verdict().next_due is None


# Laws

WORSE: list[tuple[str, Any]] = [
    ("slos", slo(id="x", state=SloState.MISSES)),
    ("slos", slo(id="y", state=SloState.UNKNOWN)),
    ("criteria", breaching(id="b")),
    ("criteria", criterion(id="c", state=CriterionState.TRIPPED)),
    ("criteria", criterion(id="d", state=CriterionState.TRIPPED_UNVERIFIED)),
    ("criteria", criterion(id="e", state=CriterionState.NO_DATA, since=NOW - 600)),
    ("criteria", criterion(id="f", cannot_trip="no")),
    ("alerts", alert()),
    ("alerts", alert(Severity.SEV1, AlertState.LOST)),
    ("pods", pod()),
    ("deployments", deployment(name="other", role=Role.STABLE, rollout=Rollout.FAILED)),
    ("lights", light("prom", observed_at=None, error="401")),
    ("probes", ProbeStatus(id="b", title="b", ok=False, detail="down", latency=0.1, checked_at=NOW)),
]
FACTS = st.lists(st.sampled_from(WORSE), max_size=6)


def adding(evidence: Evidence, facts: list[tuple[str, Any]]) -> Evidence:
    for name, fact in facts:
        evidence = msgspec.structs.replace(evidence, **{name: (*getattr(evidence, name), fact)})
    return evidence


@given(FACTS, st.sampled_from(WORSE))
def test_a_worse_fact_never_improves_the_verdict(facts: list[tuple[str, Any]], another: tuple[str, Any]) -> None:
    before = adding(CALM, facts)
    after = adding(before, [another])
    assert RANK[decide(after).word] <= RANK[decide(before).word]
    assert decide(after).word is not Word.GO


@given(FACTS)
def test_reasons_come_worst_first_and_the_word_is_the_first_ones(facts: list[tuple[str, Any]]) -> None:
    found = decide(adding(CALM, facts))
    ranks = [RANK[reason.word] for reason in found.reasons]
    assert ranks == sorted(ranks)
    assert found.word is found.reasons[0].word


@given(
    st.sampled_from(sorted(CALM.essential)),
    st.sampled_from(
        [{"observed_at": None}, {"observed_at": NOW - 100}, {"watched": False}, {"error": "x", "observed_at": None}]
    ),
    FACTS,
)
def test_with_an_essential_source_dark_it_is_blind_or_worse(
    name: str, changes: dict[str, Any], facts: list[tuple[str, Any]]
) -> None:
    dark = msgspec.structs.replace(CALM, lights=with_light(name, **changes))
    assert decide(adding(dark, facts)).word in (Word.BLIND, Word.ROLL_BACK)


# Many of a kind are one reason.


def test_many_grave_alerts_of_a_name_are_one_reason_with_their_count_since_the_first() -> None:
    many = tuple(msgspec.structs.replace(alert(), fingerprint=str(number), since=NOW - number) for number in range(200))
    found = [reason for reason in verdict(alerts=many).reasons if "firing" in reason.text]
    assert [(reason.text, reason.since) for reason in found] == [(f"SEV2 {many[0].name} ×200 firing", NOW - 199)]


def test_alerts_of_one_name_that_are_lost_are_told_apart_from_those_that_fire() -> None:
    both = (alert(), msgspec.structs.replace(alert(state=AlertState.LOST), fingerprint="other"))
    assert len([reason for reason in verdict(alerts=both).reasons if "SEV2" in reason.text]) == 2


def test_a_few_sick_pods_are_named_and_many_with_the_same_trouble_are_counted() -> None:
    def sick(count: int) -> list[str]:
        pods = tuple(pod(uid=str(number), name=f"aurora-bridge-{number}") for number in range(count))
        return [reason.text for reason in verdict(pods=pods).reasons]

    assert sick(3) == [f"aurora-bridge-{number} CrashLoopBackOff" for number in range(3)]
    assert sick(300) == ["300 pods of aurora-bridge CrashLoopBackOff"]
