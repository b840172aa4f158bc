"""Which workloads are unwell: a canary that is not there, too few ready pods, failed rollouts, sick pods."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from aurora_tui.situation.evidence import Evidence, Reason, Word
from aurora_tui.situation.workload import DeploymentStatus, PodStatus, Role, Rollout, WorkloadsObserved

# A pod may take this long to start before it counts as unwell.
STARTING_GRACE = 120.0
# The kubelet forgets a crash loop once a container has run for ten minutes
# (https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#restart-policy).
CRASH_LOOP_FORGOTTEN = 600.0
NAMED_PODS = 3  # of one deployment with one trouble; more are counted


def short_since(
    workloads: WorkloadsObserved, before: Mapping[tuple[str, str], float], at: float
) -> dict[tuple[str, str], float]:
    """By namespace and name, since when each of the mission's deployments has had fewer ready pods than it wants.

    As seen, or as the deployment says itself (condition Available): a console started late knows it too.
    """
    found = {}
    for row in workloads.deployments:
        if row.role is Role.OTHER or row.ready >= row.desired:
            continue
        told = [one.since for one in row.conditions if one.type == "Available" and one.status == "False"]
        key = (row.namespace, row.name)
        found[key] = min([before.get(key, at), *(since for since in told if since is not None)])
    return found


def unwell(evidence: Evidence) -> Iterator[Reason]:
    """Every reason to watch that the workloads give."""
    if evidence.namespace_terminating:
        yield Reason(text=f"namespace {evidence.namespace} is being deleted", word=Word.WATCH, about="cluster")
    yield from _canary(evidence)
    # A namesake in another namespace is another deployment.
    parts = {(item.namespace, item.name): item for item in evidence.deployments if item.role is not Role.OTHER}
    for key, deployment in parts.items():
        if deployment.rollout is Rollout.FAILED:
            text = f"{deployment.name} rollout failed: {deployment.rollout_detail or 'no progress'}"
            yield Reason(text=text, word=Word.WATCH, about=deployment.name)
        since = evidence.short_since.get(key)
        if since is not None and evidence.now - since > STARTING_GRACE and not _said_of_canary(deployment, evidence):
            yield _too_few(deployment, since)
    yield from _sick_pods(evidence, parts)


def _sick_pods(evidence: Evidence, parts: Mapping[tuple[str, str], DeploymentStatus]) -> Iterator[Reason]:
    """Each pod of the mission's deployments by name; many of one deployment with the same trouble as a number."""
    sick: dict[tuple[str, str, str], list[PodStatus]] = {}
    names = {name for _, name in parts}
    for pod in evidence.pods:
        # By name first: there may be thousands of pods, nearly all of them others'.
        if pod.owner not in names or pod.owner is None or (pod.namespace, pod.owner) not in parts:
            continue
        trouble = _trouble(pod, evidence.now)
        if trouble is not None:
            sick.setdefault((pod.namespace, pod.owner, trouble), []).append(pod)
    for (_, owner, trouble), pods in sick.items():
        if len(pods) <= NAMED_PODS:
            for pod in pods:
                yield Reason(text=f"{pod.name} {trouble}", word=Word.WATCH, since=pod.restarted_at, about=pod.uid)
            continue
        since = min((pod.restarted_at for pod in pods if pod.restarted_at is not None), default=None)
        yield Reason(text=f"{len(pods)} pods of {owner} {trouble}", word=Word.WATCH, since=since, about=owner)


def _canary(evidence: Evidence) -> Iterator[Reason]:
    """A canary that is not there meets every objective: its absence must be said."""
    if evidence.canary is None:
        return
    found = [item for item in evidence.deployments if _is_canary(item, evidence)]
    if not found:
        yield Reason(text=f"{evidence.canary} (canary) is not in the cluster", word=Word.WATCH, about=evidence.canary)
    for item in found:
        if item.desired == 0:
            yield Reason(text=f"{item.name} (canary) is scaled to 0", word=Word.WATCH, about=item.name)
        elif item.ready == 0:
            yield _too_few(item)


def _is_canary(item: DeploymentStatus, evidence: Evidence) -> bool:
    return item.name == evidence.canary and item.role is Role.CANARY


def _said_of_canary(item: DeploymentStatus, evidence: Evidence) -> bool:
    return item.ready == 0 and _is_canary(item, evidence)


def _too_few(item: DeploymentStatus, since: float | None = None) -> Reason:
    text = f"{item.name} ({item.role.value}) has {item.ready} of {item.desired} ready"
    return Reason(text=text, word=Word.WATCH, since=since, about=item.name)


def _trouble(pod: PodStatus, now: float) -> str | None:
    """What is wrong with a pod, in kubectl's word; between two crashes of a loop it runs, and is not well yet."""
    if pod.reason == "Terminating":
        return None
    if pod.healthy:
        looping = pod.restarts > 0 and pod.restarted_at is not None and now - pod.restarted_at < CRASH_LOOP_FORGOTTEN
        return f"{pod.reason}, restarted {pod.restarts}×" if looping else None
    young = pod.created_at is not None and now - pod.created_at < STARTING_GRACE and pod.restarts == 0
    return None if young else pod.reason
