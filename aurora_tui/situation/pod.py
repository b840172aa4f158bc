"""A pod in one word: the STATUS, READY and RESTARTS columns exactly as kubectl prints them.

Source: `printPod` in kubernetes/pkg/printers/internalversion/printers.go (Kubernetes 1.35).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from aurora_tui.situation.seen import ConditionSeen, ContainerSeen, ContainerStatusSeen, PodSeen, TerminatedSeen
from aurora_tui.situation.workload import Condition, Container, PodStatus

_FINISHED = frozenset({"Completed", "Succeeded"})
STARTS_WITHIN = 120.0
"""Seconds in which a pod may be on its way without a doubt: images are pulled, probes answer."""
# Not well yet, but on the way: below what is broken when rows are ordered.
_ON_THE_WAY = frozenset({"Pending", "ContainerCreating", "PodInitializing", "Running", "NotReady"})


def pod_status(pod: PodSeen, owner: str | None, revision: int | None) -> PodStatus:
    """The row of `pod`. `owner` is its deployment's name, `revision` its ReplicaSet's.

    `healthy`: all containers ready, or finished well, or leaving because it was deleted. A pod that only just
    starts is not healthy yet.
    """
    reason, ready, restarts, restarted_at = _columns(pod)
    total = len(pod.spec.containers or ()) + len(_sidecars(pod))
    leaving = pod.metadata.deletion_timestamp is not None and reason == "Terminating"
    return PodStatus(
        uid=pod.metadata.uid,
        namespace=pod.metadata.namespace,
        name=pod.metadata.name,
        owner=owner,
        reason=reason,
        healthy=leaving
        or reason in _FINISHED
        or (reason == "Running" and ready >= total and _condition(pod, "Ready") is not False),
        ready=ready,
        containers_total=total,
        restarts=restarts,
        restarted_at=unix(restarted_at),
        node=pod.spec.node_name,
        created_at=unix(pod.metadata.creation_timestamp),
        revision=revision,
        containers=tuple(_containers(pod)),
        conditions=conditions(pod.status.conditions),
    )


def is_broken(pod: PodStatus) -> bool:
    """Whether something is wrong with it that time alone does not mend: not only not ready yet, or not any more."""
    return not pod.healthy and not (pod.reason in _ON_THE_WAY or (pod.reason.startswith("Init:") and "/" in pod.reason))


def is_starting(pod: PodStatus, now: float) -> bool:
    """Whether it is young and nothing is wrong with it but that it is not there yet. `now` is Unix seconds."""
    young = pod.created_at is not None and now - pod.created_at <= STARTS_WITHIN
    return young and not pod.healthy and not is_broken(pod)


def sickest_first(pod: PodStatus) -> tuple[int, float, str, str]:
    """A sort key: broken, then not there yet, then well but lately restarted, then the rest by name."""
    rank = 2 if pod.healthy else 0 if is_broken(pod) else 1
    return rank, -(pod.restarted_at or 0.0), pod.namespace, pod.name


def unix(moment: datetime | None) -> float | None:
    """Unix seconds of a time on the wire."""
    return None if moment is None else moment.timestamp()


def conditions(seen: Iterable[ConditionSeen] | None) -> tuple[Condition, ...]:
    """Conditions as details show them."""
    return tuple(
        Condition(
            type=one.type,
            status=one.status,
            reason=one.reason,
            message=one.message,
            since=unix(one.last_transition_time),
        )
        for one in seen or ()
    )


def _columns(pod: PodSeen) -> tuple[str, int, int, datetime | None]:
    """STATUS, the left side of READY, RESTARTS and the time of the last one."""
    status = pod.status
    reason = status.reason or status.phase
    if any(one.type == "PodScheduled" and one.reason == "SchedulingGated" for one in status.conditions or ()):
        reason = "SchedulingGated"
    sidecars = _sidecars(pod)
    initializing, ready, visited = None, 0, 0
    for position, container in enumerate(status.init_container_statuses or ()):
        if container.name in sidecars and container.started and not _ended_well(container):
            ready += container.ready
        else:
            initializing = _initializing(container, position, len(pod.spec.init_containers or ()))
            if initializing is not None:
                break
        visited += 1
    # kubectl stops counting restarts at the container that is being waited for.
    counted = list(status.init_container_statuses or ())[: visited + 1]
    if initializing is not None:
        reason = initializing
    if initializing is None or _condition(pod, "Initialized"):
        counted = [one for one in counted if one.name in sidecars] + list(status.container_statuses or ())
        reason, running = _running(status.container_statuses or (), reason)
        ready += running
        if reason == "Completed" and running:
            reason = "Running" if _condition(pod, "Ready") else "NotReady"
    if pod.metadata.deletion_timestamp is not None:
        if status.reason == "NodeLost":
            reason = "Unknown"
        elif status.phase not in ("Failed", "Succeeded"):
            reason = "Terminating"
    return reason, ready, *_restarts(counted)


def _initializing(container: ContainerStatusSeen, position: int, total: int) -> str | None:
    """What an init container makes the pod wait with; None when it is through."""
    ended = container.state.terminated if container.state else None
    waiting = container.state.waiting if container.state else None
    if ended is not None:
        if ended.exit_code == 0:
            return None
        return "Init:" + _end(ended)
    if waiting is not None and waiting.reason and waiting.reason != "PodInitializing":
        return f"Init:{waiting.reason}"
    return f"Init:{position}/{total}"


def _running(containers: Sequence[ContainerStatusSeen], reason: str) -> tuple[str, int]:
    """The reason the containers give, the first one's last say; and how many of them run and are ready."""
    ready = 0
    for container in reversed(containers):
        state = container.state
        waiting, ended = (state.waiting, state.terminated) if state else (None, None)
        if waiting is not None and waiting.reason:
            reason = waiting.reason
        elif ended is not None:
            reason = _end(ended)
        elif container.ready and state is not None and state.running is not None:
            ready += 1
    return reason, ready


def _end(ended: TerminatedSeen) -> str:
    if ended.reason:
        return ended.reason
    return f"Signal:{ended.signal}" if ended.signal else f"ExitCode:{ended.exit_code}"


def _ended_well(container: ContainerStatusSeen) -> bool:
    ended = container.state.terminated if container.state else None
    return ended is not None and ended.exit_code == 0


def _restarts(containers: Iterable[ContainerStatusSeen]) -> tuple[int, datetime | None]:
    count, last = 0, None
    for container in containers:
        count += container.restart_count
        ended = container.last_state.terminated if container.last_state else None
        if ended is not None and ended.finished_at is not None and (last is None or ended.finished_at > last):
            last = ended.finished_at
    return count, last


def _sidecars(pod: PodSeen) -> frozenset[str]:
    """Init containers that stay: they count as containers once started."""
    return frozenset(one.name for one in pod.spec.init_containers or () if one.restart_policy == "Always")


def _condition(pod: PodSeen, kind: str) -> bool | None:
    """Whether a condition is true; None when the pod does not have it."""
    return next((one.status == "True" for one in pod.status.conditions or () if one.type == kind), None)


def _containers(pod: PodSeen) -> Iterable[Container]:
    """Every container asked for, init containers first, with its status where there is one."""
    for init, asked, known in (
        (True, pod.spec.init_containers, pod.status.init_container_statuses),
        (False, pod.spec.containers, pod.status.container_statuses),
    ):
        statuses = {one.name: one for one in known or ()}
        for container in asked or ():
            yield _container(container, statuses.get(container.name), init)


def _container(asked: ContainerSeen, status: ContainerStatusSeen | None, init: bool) -> Container:
    if status is None:
        return Container(name=asked.name, image=asked.image, init=init)
    state, last = status.state, status.last_state.terminated if status.last_state else None
    ended = state.terminated if state else None
    told = (state.waiting or ended) if state else None
    return Container(
        name=asked.name,
        image=asked.image or status.image,
        ready=status.ready,
        state="terminated" if ended else "running" if state and state.running is not None else "waiting",
        reason=told.reason if told else None,
        message=told.message if told else None,
        restarts=status.restart_count,
        exit_code=ended.exit_code if ended else last.exit_code if last else None,
        last_reason=_end(last) if last else None,
        last_finished_at=unix(last.finished_at) if last else None,
        init=init,
    )
