"""Observations folded into a picture, and what it means: failures change no clock, and old data is never GO."""

from __future__ import annotations

import math
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aurora_tui.situation.alert import AlertState, SourceAlert
from aurora_tui.situation.criterion import CriterionObserved, CriterionState
from aurora_tui.situation.freshness import SourceLight
from aurora_tui.situation.journal import Journal
from aurora_tui.situation.mission import ClusterSource, Environment, HttpSource, Mission, WorkloadRoles
from aurora_tui.situation.observation import (
    AlertsObserved,
    ClusterObserved,
    JournalObserved,
    MetricsObserved,
    Observation,
    ProbeObserved,
    SourceFailed,
)
from aurora_tui.situation.picture import Frame, Picture, assess, clock_moved, observe, start_of_judgement
from aurora_tui.situation.probe import ProbeStatus
from aurora_tui.situation.run import Run
from aurora_tui.situation.situation import Situation
from aurora_tui.situation.slo import SloState
from aurora_tui.situation.verdict import Word
from aurora_tui.situation.workload import Condition, DeploymentStatus, Role, Rollout, WorkloadsObserved
from tests.situation.missions import (
    DAY,
    HOUR,
    NOW,
    TREATY,
    alert,
    criterion_observed,
    ended,
    history,
    item,
    journal,
    mission,
    phase,
    slo_observed,
    started,
)

MISSION = mission(phase("soak", "7d", checklist=(item("green", "green_hours:168"), item("calm", "no_incidents:SEV2"))))
SOURCES = ("metrics", "am", "prom", "ledger")


class Console:
    """A picture that observations are told to, and what it means at a time counted from NOW."""

    def __init__(self, plan: Mission = MISSION, sources: tuple[str, ...] = SOURCES) -> None:
        self.mission = plan
        lights = [SourceLight(name=name, title=name, interval=15.0, since=NOW) for name in sources]
        if "metrics" not in sources:
            lights.append(SourceLight(name="metrics", title="metrics", interval=15.0, watched=False))
        self.picture = Picture(lights=tuple(lights))
        self.frame = Frame(
            mission=plan,
            environment_name="test",
            environment=Environment(prometheus=HttpSource(url="http://p"), cluster=ClusterSource(namespace="aurora")),
            treaty=TREATY,
            read_only=False,
        )

    def tell(self, *observations: Observation) -> None:
        for observation in observations:
            self.picture = observe(self.picture, observation, self.mission)

    def at(self, later: float) -> Situation:
        return assess(self.picture, self.frame, NOW + later)

    def word(self, later: float) -> Word:
        return self.at(later).verdict.word


def metrics(later: float = 0.0, **changes: Any) -> MetricsObserved:
    at = NOW + later
    values: dict[str, Any] = {
        "slos": (slo_observed(at=at),),
        "criteria": (criterion_observed(at=at),),
        "firing_known_from": NOW - 30 * DAY,
        "firing_known_to": at - 30,
        **changes,
    }
    return MetricsObserved(source="metrics", at=at, **values)


def alerts(source: str = "am", later: float = 0.0, *found: SourceAlert) -> AlertsObserved:
    return AlertsObserved(source=source, at=NOW + later, alerts=found)


def ledger(later: float = 0.0, entries: Journal | None = None) -> JournalObserved:
    return JournalObserved(source="ledger", at=NOW + later, journal=entries or journal(started(NOW - DAY, "soak")))


def calm(later: float = 0.0) -> tuple[Observation, ...]:
    """Every source answers, and all is well."""
    return metrics(later), alerts("am", later), alerts("prom", later), ledger(later)


def calm_console() -> Console:
    console = Console()
    console.tell(*calm())
    return console


def test_before_any_answer_it_is_blind_and_says_what_it_waits_for() -> None:
    situation = Console().at(1)
    assert situation.verdict.word is Word.BLIND
    assert "waiting for metrics" in [reason.text for reason in situation.verdict.reasons]


def test_when_every_source_answers_and_all_is_well_it_is_go() -> None:
    assert calm_console().word(1) is Word.GO


@pytest.mark.parametrize("source", SOURCES)
def test_a_failure_changes_the_light_of_its_source_and_nothing_else(source: str) -> None:
    console = calm_console()
    before = console.picture
    console.tell(SourceFailed(source=source, at=NOW + 5, error="http://x refuses. Start it."))
    after = msgspec.structs.replace(console.picture, lights=before.lights)
    assert after == before
    changed = [light for light in console.picture.lights if light not in before.lights]
    assert [(light.name, light.error, light.failing_since) for light in changed] == [
        (source, "http://x refuses. Start it.", NOW + 5)
    ]
    assert changed[0].observed_at == NOW


def test_the_first_of_many_failures_is_since_when_it_fails_and_an_answer_ends_it() -> None:
    console = calm_console()
    for later in (5, 6, 7):
        console.tell(SourceFailed(source="am", at=NOW + later, error="x"))
    light = next(light for light in console.picture.lights if light.name == "am")
    assert light.failing_since == NOW + 5
    console.tell(alerts("am", 8))
    light = next(light for light in console.picture.lights if light.name == "am")
    assert (light.failing_since, light.error, light.observed_at) == (None, None, NOW + 8)


@pytest.mark.parametrize("source", SOURCES)
def test_one_failed_look_does_not_make_blind_but_three_intervals_of_silence_do(source: str) -> None:
    console = calm_console()
    console.tell(SourceFailed(source=source, at=NOW + 15, error="timed out"))
    console.tell(*(one for one in calm(45) if one.source != source))
    assert console.word(45) is Word.GO
    assert console.word(46) is Word.BLIND


# One lost scrape


def lost_scrape(later: float, last: float) -> MetricsObserved:
    """After a failed scrape: the value is still read over its window, but Prometheus says its series has ended."""
    return metrics(later, slos=(slo_observed(at=NOW + later, newest={}),), criteria=(criterion_observed(NOW + last),))


def test_one_lost_scrape_does_not_flap_the_verdict() -> None:
    console = calm_console()
    console.tell(*calm(15)[1:], lost_scrape(15, 15))
    assert console.word(16) is Word.GO
    console.tell(*calm(30))
    assert console.word(31) is Word.GO


def test_an_exporter_that_stays_away_is_blind_after_three_intervals() -> None:
    console = calm_console()
    words = []
    for later in range(15, 106, 15):
        console.tell(*calm(later)[1:], lost_scrape(later, 0))
        words.append(console.word(later + 1))
    assert words[:2] == [Word.GO, Word.GO]
    assert set(words[2:]) == {Word.BLIND}


def test_a_value_that_one_scrape_took_away_is_kept_as_long_as_it_is_fresh() -> None:
    console = calm_console()
    gone = slo_observed(statistic=None, query=None, values={}, newest={})
    console.tell(*calm(15)[1:], metrics(15, slos=(gone,)))
    [status] = console.at(16).slos
    assert (status.state, status.value, status.statistic, status.measured_at) == (SloState.MEETS, 280.0, "p95", NOW - 5)
    console.tell(*calm(60)[1:], metrics(60, slos=(gone,)))
    [status] = console.at(60).slos
    assert (status.state, status.value) == (SloState.UNKNOWN, None)


def test_a_question_refused_once_is_bridged_and_refused_again_and_again_is_told() -> None:
    console = calm_console()
    for later in (15, 30, 45, 60):
        refused = slo_observed(at=NOW, error="503 overloaded")
        console.tell(*calm(later)[1:], metrics(later, slos=(refused,)))
        [status] = console.at(later + 1).slos
        if later <= 30:
            assert status.state is SloState.MEETS
    assert (status.state, status.why_unknown) == (SloState.UNKNOWN, "503 overloaded")


# Never GO on what is not known


def blank_criterion() -> CriterionObserved:
    return CriterionObserved(criterion="rtt-high", fold=None)


UNKNOWABLE: list[Observation] = [
    metrics(15, slos=()),
    metrics(15, slos=(slo_observed(value=math.nan),)),
    metrics(15, slos=(slo_observed(values={"OTHER": 1.0}, newest={"OTHER": NOW}, at=NOW - DAY),)),
    metrics(15, slos=(slo_observed(at=NOW - 60),)),
    metrics(15, criteria=()),
    metrics(15, firing_known_to=None),
    metrics(15, firing_known_to=None, firing_error="503"),
    metrics(15, firing_known_from=NOW - HOUR),
    metrics(15, firing_known_to=NOW - HOUR),
    metrics(15, firing_known_to=NOW + HOUR),
    metrics(15, criteria=(criterion_observed(at=NOW + HOUR),)),
    metrics(15, slos=(slo_observed(newest={TREATY: NOW + HOUR}),)),
    metrics(15, criteria=(blank_criterion(),)),
    metrics(15, criteria=(criterion_observed(at=NOW - HOUR),)),
    metrics(15, criteria=(criterion_observed(missing_since=NOW - 300, possible_since=NOW - 300),)),
]


@pytest.mark.parametrize("observation", UNKNOWABLE)
def test_what_is_missing_stale_or_not_a_number_is_blind(observation: Observation) -> None:
    console = Console()
    console.tell(*calm()[1:], observation)
    assert console.word(16) is Word.BLIND


@given(st.lists(st.sampled_from([*UNKNOWABLE, *calm(15), SourceFailed(source="am", at=NOW, error="x")]), max_size=8))
def test_go_is_only_said_with_every_essential_answer_at_hand(told: list[Observation]) -> None:
    console = Console()
    console.tell(*told)
    situation = console.at(16)
    if situation.verdict.word is Word.GO:
        assert all(light.trusted(NOW + 16) for light in situation.lights)
        assert all(slo.state is SloState.MEETS for slo in situation.slos)
        assert all(status.folded_to is not None and status.state is CriterionState.OK for status in situation.criteria)


@given(st.lists(st.sampled_from(calm()), max_size=6), st.floats(46.0, 1e6))
def test_go_does_not_outlive_its_answers(told: list[Observation], later: float) -> None:
    console = Console()
    console.tell(*told)
    assert console.word(later) is Word.BLIND


# Since when things are judged


def test_judgement_begins_with_the_running_phase() -> None:
    console = calm_console()
    assert start_of_judgement(console.picture, console.frame, NOW) == NOW - DAY


def test_without_a_phase_it_begins_one_window_back_but_not_before_the_last_phase_ended() -> None:
    console = Console()
    assert start_of_judgement(console.picture, console.frame, NOW) == NOW - 3 * DAY
    console.tell(ledger(0, journal(started(NOW - 9 * DAY), ended(NOW - HOUR, outcome="rolled back"))))
    assert start_of_judgement(console.picture, console.frame, NOW) == NOW - HOUR


def test_a_criterion_judged_anew_since_a_reset_is_watched_not_blind() -> None:
    console = calm_console()
    reset = journal(started(NOW - DAY, "soak"), (NOW + 10, "criterion.reset", {"criterion": "rtt-high"}))
    console.tell(*calm(15)[1:3], ledger(15, reset), metrics(15, criteria=(blank_criterion(),)))
    assert console.word(16) is Word.WATCH
    console.tell(*calm(120)[1:3], ledger(120, reset), metrics(120, criteria=(blank_criterion(),)))
    assert console.word(121) is Word.BLIND


# What is dated ahead


RESET_AHEAD = journal(
    started(NOW - DAY, "soak"),
    *((NOW + HOUR, "criterion.reset", {"criterion": one}) for one in ("any-sev1", "rtt-high")),
)


def test_a_reset_from_an_hour_ahead_silences_nothing_and_is_told() -> None:
    console = calm_console()
    tripped = criterion_observed(at=NOW + 15, tripped_at=NOW - 60)
    console.tell(ledger(15, RESET_AHEAD), alerts("am", 15, SEV1), metrics(15, criteria=(tripped,)))
    situation = console.at(16)
    assert [status.state for status in situation.criteria] == [CriterionState.TRIPPED] * 2
    told = [reason.text for reason in situation.verdict.reasons if reason.about == "ledger"]
    assert told == [
        f"a reset of {name} is dated 3584 s ahead of the server's clock: not counted until then"
        for name in ("rtt-high", "any-sev1")
    ]


def test_a_reset_counts_once_its_time_has_come() -> None:
    console = calm_console()
    console.tell(ledger(15, RESET_AHEAD), alerts("am", 15, SEV1), alerts("am", 30))
    console.tell(*calm(5000)[:3], ledger(5000, RESET_AHEAD))
    assert console.at(5001).criteria[1].state is CriterionState.OK


def test_a_phase_that_starts_an_hour_ahead_leaves_the_one_before_it_judged_on() -> None:
    console = calm_console()
    both = journal(started(NOW - DAY, "soak"), started(NOW + HOUR, "canary"))
    console.tell(ledger(15, both), alerts("am", 15, SEV1))
    assert start_of_judgement(console.picture, console.frame, NOW + 16) == NOW - DAY
    assert console.word(16) is Word.ROLL_BACK
    said = "the start of phase canary is dated 3584 s ahead of the server's clock: not counted until then"
    assert said in [reason.text for reason in console.at(16).verdict.reasons]
    assert start_of_judgement(console.picture, console.frame, NOW + HOUR) == NOW + HOUR


def test_clocks_that_differ_by_a_few_seconds_delay_nothing() -> None:
    console = calm_console()
    console.tell(ledger(15, journal(started(NOW - DAY), ended(NOW + 18), started(NOW + 19, "soak"))))
    assert start_of_judgement(console.picture, console.frame, NOW + 15) == NOW + 19


# A clock that is set


def test_a_clock_that_is_put_back_makes_no_dead_source_live() -> None:
    console = calm_console()
    moved = clock_moved(console.picture, -HOUR)
    assert [light.age(NOW - HOUR + 100) for light in moved.lights] == [100.0] * len(SOURCES)
    console.picture = moved
    assert console.word(-HOUR + 100) is Word.BLIND
    console.picture = calm_console().picture
    assert console.word(-HOUR) is Word.BLIND  # nor does one that nobody noticed


# Alerts


SEV1 = alert(sev="SEV1", at=NOW - 60)
SEV2 = alert(severity="critical", at=NOW - 60)


def test_a_sev1_that_only_alertmanager_knew_stays_tripped_when_it_has_gone() -> None:
    console = calm_console()
    console.tell(alerts("am", 15, SEV1))
    assert console.word(16) is Word.ROLL_BACK
    for later in range(30, 1300, 15):
        console.tell(*calm(later))
    assert console.at(1286).alerts == ()
    assert console.word(1286) is Word.ROLL_BACK


def test_a_reset_unlatches_it() -> None:
    console = calm_console()
    console.tell(alerts("am", 15, SEV1), alerts("am", 30))
    assert console.word(31) is Word.ROLL_BACK
    reset = journal(started(NOW - DAY, "soak"), (NOW + 40, "criterion.reset", {"criterion": "any-sev1"}))
    console.tell(*calm(700)[:3], ledger(700, reset), *calm(701)[1:3])
    assert console.word(702) is Word.GO


def test_a_dead_exporter_does_not_resolve_an_alert() -> None:
    console = calm_console()
    console.tell(alerts("prom", 15, SEV2), metrics(15, targets_down=("aurora 10.0.0.1:9109",)), alerts("prom", 16))
    assert [row.state.value for row in console.at(16).alerts] == ["lost"]
    assert console.word(16) is Word.WATCH


def test_dark_metrics_do_not_resolve_an_alert() -> None:
    console = calm_console()
    console.tell(alerts("am", 15, SEV2), alerts("am", 100))
    assert [row.state.value for row in console.at(100).alerts] == ["lost"]


def test_a_lost_alert_does_not_stay_lost_once_all_can_be_seen_again() -> None:
    console = calm_console()
    console.tell(alerts("am", 15, SEV2), alerts("am", 100))
    for later in range(105, 1000, 15):
        console.tell(*calm(later))
    assert console.at(1000).alerts == ()


def test_where_no_prometheus_is_watched_an_alert_that_goes_is_resolved() -> None:
    console = Console(sources=("am", "ledger"))
    console.tell(alerts("am", 0, SEV2), alerts("am", 15))
    assert [row.state.value for row in console.at(15).alerts] == ["resolved"]


def test_a_source_that_fails_takes_no_alert_away() -> None:
    console = calm_console()
    console.tell(alerts("am", 15, SEV2), SourceFailed(source="am", at=NOW + 30, error="x"), alerts("prom", 31))
    assert [row.state.value for row in console.at(31).alerts] == ["firing"]


def test_a_dead_alertmanagers_silence_does_not_hide_what_prometheus_says() -> None:
    console = calm_console()
    silenced, firing = alert(state=AlertState.SILENCED, severity="critical"), alert("prom", severity="critical")
    console.tell(alerts("am", 0, silenced), alerts("prom", 15, firing))
    assert [row.state.value for row in console.at(16).alerts] == ["silenced"]
    console.tell(metrics(60), alerts("prom", 60, firing))
    assert [row.state.value for row in console.at(61).alerts] == ["firing"]


def test_an_alert_history_that_cannot_be_read_is_not_none_fired() -> None:
    console = calm_console()
    console.tell(metrics(15, firing_known_to=None, firing_error="503"))
    situation = console.at(16)
    assert next(row.done for row in situation.checklist if row.id == "calm") is None
    reasons = [(reason.word, reason.text) for reason in situation.verdict.reasons]
    assert reasons == [(Word.BLIND, "Any SEV1 alert fires: 503")]


def test_a_history_that_could_not_be_read_once_does_not_flap_the_verdict() -> None:
    console = calm_console()
    words = []
    for later in range(15, 121, 15):
        console.tell(*calm(later)[1:], metrics(later, firing_known_to=NOW - 30, firing_error="503"))
        words.append(console.word(later + 1))
    assert words == [Word.GO] * 3 + [Word.BLIND] * 5


def test_a_phase_that_has_just_begun_asks_for_no_history_that_cannot_be_there_yet() -> None:
    console = calm_console()
    console.tell(*calm(15)[1:3], ledger(15, journal(started(NOW + 14, "soak"))))
    console.tell(metrics(15, firing_known_from=NOW + 14, firing_known_to=NOW + 14))
    assert console.at(16).criteria[1].state is CriterionState.OK


def test_silenced_and_inhibited_alerts_are_counted() -> None:
    console = calm_console()
    console.tell(alerts("am", 1, alert(state=AlertState.SILENCED), alert(state=AlertState.INHIBITED, pod="x")))
    assert console.at(1).alerts_silenced == 2


# Green hours


def green(console: Console, later: float) -> float | None:
    phase = console.at(later).phase
    assert phase is not None
    return phase.green_hours


def test_green_hours_grow_while_all_is_met() -> None:
    console = Console()
    day = slo_observed(history=history(NOW - 30, [280.0] * 120))
    console.tell(*calm()[1:], metrics(slos=(day,)))
    assert green(console, 0) == pytest.approx(119 / 60 + 30 / HOUR)


def test_green_hours_do_not_grow_on_old_data() -> None:
    console = calm_console()
    assert green(console, 1) is not None
    assert green(console, 46) is None
    row = next(row for row in console.at(46).checklist if row.id == "green")
    assert row.done is None


def test_an_objective_missed_now_starts_the_green_hours_anew_at_once() -> None:
    console = calm_console()
    console.tell(metrics(15, slos=(slo_observed(values={TREATY: 351.0}),)))
    assert green(console, 16) == 0.0


def test_no_incidents_is_not_known_while_an_alert_source_is_dark() -> None:
    console = calm_console()
    assert next(row.done for row in console.at(1).checklist if row.id == "calm") is True
    assert next(row.done for row in console.at(46).checklist if row.id == "calm") is None


# The rest of the situation


def test_the_missing_canary_of_a_phase_with_traffic_is_told() -> None:
    plan = mission(phase("canary", traffic_percent=10.0), workloads=WorkloadRoles(canary="aurora-bridge"))
    console = Console(plan, (*SOURCES, "cluster"))
    running = ledger(0, journal(started(NOW - DAY)))
    console.tell(*calm()[:3], running, ClusterObserved(source="cluster", at=NOW, workloads=WorkloadsObserved()))
    situation = console.at(1)
    assert [reason.text for reason in situation.verdict.reasons] == ["aurora-bridge (canary) is not in the cluster"]


def cluster(later: float, **seen: Any) -> ClusterObserved:
    return ClusterObserved(source="cluster", at=NOW + later, workloads=WorkloadsObserved(**seen))


def test_a_namespace_that_is_not_there_is_blind_whatever_else_is_well() -> None:
    console = Console(sources=(*SOURCES, "cluster"))
    console.tell(*calm(), cluster(0))
    assert console.word(1) is Word.GO
    console.tell(cluster(1, namespace_missing=True))
    [reason] = console.at(2).verdict.reasons
    assert (reason.word, reason.text) == (Word.BLIND, "namespace aurora does not exist in this cluster")
    console.tell(cluster(2, namespace_terminating=True))
    [reason] = console.at(3).verdict.reasons
    assert (reason.word, reason.text) == (Word.WATCH, "namespace aurora is being deleted")


def short(ready: int, name: str = "v0", role: Role = Role.STABLE, **more: Any) -> DeploymentStatus:
    counts = {"desired": 3, "ready": ready, "updated": 3, "available": ready}
    return DeploymentStatus(
        uid=name,
        namespace="aurora",
        name=name,
        role=role,
        revision=1,
        image="i",
        rollout=Rollout.DONE,
        **counts,
        **more,
    )


@pytest.mark.parametrize(("ready", "role"), [(0, Role.STABLE), (1, Role.CANARY), (2, Role.STANDBY)])
def test_too_few_ready_pods_are_watched_once_they_had_time_to_start(ready: int, role: Role) -> None:
    console = Console(sources=(*SOURCES, "cluster"))
    for later, word in ((0, Word.GO), (60, Word.GO), (120, Word.GO), (135, Word.WATCH)):
        console.tell(*calm(later), cluster(later, deployments=(short(ready, role=role),)))
        assert console.word(later) is word
    [reason] = console.at(135).verdict.reasons
    assert (reason.word, reason.text, reason.since) == (Word.WATCH, f"v0 ({role.value}) has {ready} of 3 ready", NOW)
    console.tell(cluster(136, deployments=(short(3, role=role),)))
    assert console.word(137) is Word.GO
    console.tell(cluster(138, deployments=(short(ready, role=role),)))
    assert console.word(139) is Word.GO


def test_a_console_started_late_knows_from_the_deployment_how_long_it_has_too_few() -> None:
    console = Console(sources=(*SOURCES, "cluster"))
    since = (Condition(type="Available", status="False", since=NOW - HOUR),)
    console.tell(*calm(), cluster(0, deployments=(short(1, conditions=since),)))
    assert [(reason.text, reason.since) for reason in console.at(1).verdict.reasons] == [
        ("v0 (stable) has 1 of 3 ready", NOW - HOUR)
    ]


def test_other_peoples_deployments_may_have_as_few_pods_as_they_like() -> None:
    console = Console(sources=(*SOURCES, "cluster"))
    for later in (0, 300):
        console.tell(*calm(later), cluster(later, deployments=(short(0, role=Role.OTHER),)))
    assert console.word(301) is Word.GO


def test_a_probe_is_shown_by_its_own_id() -> None:
    console = calm_console()
    status = ProbeStatus(id="bridge", title="bridge", ok=True, detail="ok", latency=0.01, checked_at=NOW)
    console.tell(ProbeObserved(source="probe bridge", at=NOW, probe=status))
    assert console.at(1).probes == (status,)


# A thousand alerts are merged when something happened to them, and not at every look.


def _many(count: int = 50) -> tuple[SourceAlert, ...]:
    return tuple(alert("am", pod=f"p{number}") for number in range(count))


def test_alerts_that_are_told_as_before_are_not_merged_again() -> None:
    console = calm_console()
    console.tell(alerts("am", 5, *_many()))
    before = console.picture
    console.tell(alerts("am", 10, *_many()), alerts("prom", 10))
    assert console.picture.tracks is before.tracks
    assert console.at(10).alerts is before.alerts


def test_alerts_that_are_told_differently_are_merged() -> None:
    console = calm_console()
    console.tell(alerts("am", 5, *_many()))
    console.tell(alerts("am", 10, *_many(49)))
    states = [row.state.value for row in console.at(10).alerts]
    assert (states.count("firing"), states.count("resolved")) == (49, 1)


def test_an_alert_that_is_gone_goes_on_being_followed_while_nothing_new_is_told() -> None:
    console = calm_console()
    console.tell(alerts("am", 5, *_many(1)))
    for later in (10.0, 300.0, 600.0):
        console.tell(alerts("am", later))
        assert [row.state.value for row in console.at(later).alerts] == ["resolved"]
    console.tell(alerts("am", 700.0))
    assert console.at(700.0).alerts == ()


def test_flapping_ends_though_the_same_is_told_again_and_again() -> None:
    console = calm_console()
    for look in range(7):
        console.tell(metrics(look * 60.0), alerts("am", look * 60.0, *_many(1)[: 1 - look % 2]))
    assert [row.flapping for row in console.at(360).alerts] == [True]
    console.tell(metrics(1000.0), alerts("am", 1000.0, *_many(1)))
    assert [row.flapping for row in console.at(1000).alerts] == [True]
    console.tell(metrics(2300.0), alerts("am", 2300.0, *_many(1)))
    assert [row.flapping for row in console.at(2300).alerts] == [False]


def test_alerts_are_judged_anew_when_a_source_of_them_goes_dark() -> None:
    console = calm_console()
    quiet = alert("am", state=AlertState.SILENCED, pod="p1")
    loud = alert("prom", pod="p1")
    console.tell(alerts("am", 5, quiet), alerts("prom", 5, loud))
    assert [row.state.value for row in console.at(5).alerts] == ["silenced"]
    console.tell(alerts("prom", 100, loud))
    assert [row.state.value for row in console.at(100).alerts] == ["firing"]


def test_the_newest_runs_of_runbooks_are_told_newest_last() -> None:
    runs = {
        f"run{number}": Run(
            id=f"run{number}",
            runbook="rollback",
            title="rollback",
            environment="drill",
            steps=(),
            approved_at=NOW,
            approved_by="eva",
            sequence=number,
        )
        for number in range(30)
    }
    console = calm_console()
    console.tell(ledger(entries=Journal(runs=runs)))
    assert [run.id for run in console.at(1).runs] == [f"run{number}" for number in range(10, 30)]
