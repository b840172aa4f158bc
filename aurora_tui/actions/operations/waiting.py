"""What a wait step waits for, looked at once: a rollout, pods, a health page, a query."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from aurora_tui.actions.operation import Changed, Impossible, Reach, Standing
from aurora_tui.actions.operations.crew import Crew, complaints, read_crew
from aurora_tui.actions.plan import Subject
from aurora_tui.errors import AuroraError
from aurora_tui.situation.mission import Probe, ProbeKind
from aurora_tui.situation.query import substitute
from aurora_tui.situation.rollout import rollout_state
from aurora_tui.situation.workload import PodStatus, Rollout
from aurora_tui.sources.failure import HttpFailure, describe_failure, is_failure_of_the_other_side
from aurora_tui.sources.http import fetch, open_client
from aurora_tui.sources.probes import judge_exposition, judge_health
from aurora_tui.sources.prometheus import Prometheus
from aurora_tui.text import safe

SETTLED_SECONDS = 10.0  # world time that a pod must have run since it was last restarted
LOOK_SECONDS = 10.0  # real; for one page, whatever drips
_LONGEST_PAGE = 4_000_000
_DEADLINE = "ProgressDeadlineExceeded"
_REFUSED = (400, 422)  # Prometheus: a query that is none, a query that cannot be carried out


async def rollout(name: str, planned: Subject | None, reach: Reach) -> Standing:
    """Done as `kubectl rollout status` says it, and none of the new pods broken.

    Impossible once the deployment's progress deadline is over: what is wrong with its pods is in the words.
    """
    crew = await _crew(name, planned, reach)
    if crew is None:
        return _nowhere(name)
    state, detail = rollout_state(crew.deployment)
    sick = complaints(crew.updated)
    if state is Rollout.FAILED and not _about_another(crew):
        why = "; ".join(safe(each.rstrip("."), 300) for each in (detail or "", sick) if each)
        raise Impossible(
            f"the rollout of {name} failed: {why}",
            "Look at its pods and their logs; go back, or choose another revision.",
        )
    if state is Rollout.FAILED:
        # A reason stays until the controller has seen the new pods get further: this one is about the pods before.
        desired, updated = crew.desired, crew.deployment.status.updated_replicas or 0
        state, detail = Rollout.PROGRESSING, f"{updated} of {desired} updated"
    if state in (Rollout.DONE, Rollout.PAUSED) and detail is None and not sick:
        return Standing(done=True, words=f"{crew.desired} of {crew.desired} updated", subjects=(crew.subject,))
    said = [detail or f"{crew.desired} of {crew.desired} updated", sick]
    if state is Rollout.PAUSED:
        said.append("paused: it goes on when somebody resumes it")
    return Standing(done=False, words=_joined(said), subjects=(crew.subject,))


async def pods(name: str, planned: Subject | None, reach: Reach) -> Standing:
    """Done when as many pods are ready as wanted, none of them is broken, and none was restarted just now."""
    crew = await _crew(name, planned, reach)
    if crew is None:
        return _nowhere(name)
    ready = [pod for pod in crew.pods if pod.healthy]
    now = reach.clock.now()
    restless = [pod for pod in crew.pods if not _settled(pod, now)]
    sick = complaints(crew.pods)
    words = f"{len(ready)} of {crew.desired} ready"
    if not crew.observed:
        return Standing(done=False, words=_joined([words, "the controller has not seen the last edit yet"]))
    done = len(ready) >= crew.desired and not restless and not sick
    said = [words, sick, _restarted(restless, now) if not sick else ""]
    return Standing(done=done, words=_joined(said), subjects=(crew.subject,))


async def health(probe: Probe, reach: Reach) -> Standing:
    """Done when the page answers well, judged as the console's probes judge it."""
    judge = judge_health if probe.kind is ProbeKind.HEALTH else judge_exposition
    try:
        async with asyncio.timeout(LOOK_SECONDS), await open_client(probe.url, probe.auth) as client:
            page = await fetch(client, probe.url, _LONGEST_PAGE)
        ok, detail = judge(page, probe.url)
    except Exception as error:
        if not is_failure_of_the_other_side(error):
            raise
        return Standing(done=False, words=f"{safe(probe.title, 60)}: {describe_failure(error, probe.url)}")
    return Standing(done=ok, words=f"{safe(probe.title, 60)}: {detail}")


async def query(asked: str, reach: Reach) -> Standing:
    """Done when the query gives at least one sample. Impossible when Prometheus refuses the query itself."""
    where = reach.settings.environment.prometheus
    assert where is not None, "a wait for a query is only planned where there is a Prometheus"
    prometheus = Prometheus(where.url, where.auth)
    try:
        samples = await prometheus.instant(filled(asked, reach))
    except AuroraError as error:
        if isinstance(error, HttpFailure) and error.status in _REFUSED:
            raise Impossible(f"Prometheus refuses the query: {error.what}", "Correct it in the runbook.") from error
        return Standing(done=False, words=str(error))
    finally:
        prometheus.close()
    if not samples:
        return Standing(done=False, words="no sample yet")
    return Standing(done=True, words="1 sample" if len(samples) == 1 else f"{len(samples)} samples")


def filled(asked: str, reach: Reach) -> str:
    """The query with the mission's treaty and its scrape interval. ValueError when it wants a window, too."""
    mission = reach.settings.mission.mission
    return substitute(asked, treaty=mission.treaty, scrape_interval=float(mission.scrape_interval))


async def _crew(name: str, planned: Subject | None, reach: Reach) -> Crew | None:
    """The deployment and its pods; None when there is none and was none. Changed when it is another, or gone."""
    crew = await read_crew(reach.cluster, reach.namespace, name)
    if planned is not None and planned.uid is not None:
        if crew is None:
            raise Changed(f"deployment {name} was deleted since the plan was made", "Look who did it; plan anew.")
        if crew.deployment.metadata.uid != planned.uid:
            raise Changed(
                f"deployment {name} is another one than when the plan was made", "It was made anew: plan anew."
            )
    return crew


def _nowhere(name: str) -> Standing:
    return Standing(done=False, words=f"there is no deployment {name} yet")


def _about_another(crew: Crew) -> bool:
    """Whether the missed deadline is that of a template before: its message names the ReplicaSet that was late.

    The controller keeps that condition through an undo until it sees the pods get further (setTimedOut and
    SetDeploymentCondition in pkg/controller/deployment: same reason, same condition).
    """
    late = next((one for one in crew.deployment.status.conditions or () if one.reason == _DEADLINE), None)
    if late is None or not late.message or 'ReplicaSet "' not in late.message:
        return False
    return crew.newest is None or f'ReplicaSet "{crew.newest}"' not in late.message


def _settled(pod: PodStatus, now: float) -> bool:
    return pod.restarted_at is None or now - pod.restarted_at >= SETTLED_SECONDS


def _restarted(restless: Sequence[PodStatus], now: float) -> str:
    if not restless:
        return ""
    last = max(pod.restarted_at or 0.0 for pod in restless)
    count = "1 pod" if len(restless) == 1 else f"{len(restless)} pods"
    return f"{count} restarted {max(0.0, now - last):.0f} s ago"


def _joined(said: Sequence[str]) -> str:
    return "; ".join(each for each in said if each)
