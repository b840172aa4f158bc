"""A pod's STATUS, READY and RESTARTS are what kubectl prints (`printPod`, Kubernetes 1.35)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from aurora_tui.kube.objects import Pod
from aurora_tui.situation.pod import pod_status, sickest_first
from aurora_tui.situation.workload import PodStatus

RECORDINGS = Path(__file__).parents[1] / "kube/recordings"
RUNNING = {"running": {"startedAt": "2026-01-01T00:00:00Z"}}
READY = {"type": "Ready", "status": "True"}
UNREADY = {"type": "Ready", "status": "False"}
INITIALIZED = {"type": "Initialized", "status": "True"}
DELETED = {"deletionTimestamp": "2026-01-01T00:00:30Z"}


def waiting(reason: str | None = None) -> dict[str, Any]:
    return {"waiting": {"reason": reason} if reason else {}}


def ended(code: int = 0, reason: str | None = None, signal: int = 0) -> dict[str, Any]:
    return {"terminated": {"exitCode": code, "reason": reason, "signal": signal}}


def container(state: dict[str, Any], ready: bool = False, name: str = "c", **more: Any) -> dict[str, Any]:
    return {"name": name, "state": state, "ready": ready, **more}


def judged(
    *containers: dict[str, Any],
    init: list[dict[str, Any]] | None = None,
    sidecars: tuple[str, ...] = (),
    phase: str = "Running",
    metadata: dict[str, Any] | None = None,
    **status: Any,
) -> PodStatus:
    asked = [
        {"name": one["name"], "restartPolicy": "Always" if one["name"] in sidecars else None} for one in init or ()
    ]
    return row(
        {
            "metadata": {"name": "p", "uid": "u", "namespace": "n", **(metadata or {})},
            "spec": {
                "containers": [{"name": one["name"]} for one in containers] or [{"name": "c"}],
                "initContainers": asked or None,
            },
            "status": {
                "phase": phase,
                "containerStatuses": list(containers) or None,
                "initContainerStatuses": init,
                **status,
            },
        }
    )


def row(item: dict[str, Any]) -> PodStatus:
    return pod_status(msgspec.json.decode(json.dumps(item), type=Pod), "bridge", 7)


UP = container(RUNNING, ready=True)


@pytest.mark.parametrize(
    ("pod", "reason", "ready", "healthy"),
    [
        (judged(UP, conditions=[READY]), "Running", "1/1", True),
        (judged(container(RUNNING)), "Running", "0/1", False),
        (judged(UP, conditions=[UNREADY]), "Running", "1/1", False),
        (judged(phase="Pending"), "Pending", "0/1", False),
        (judged(phase="Unknown"), "Unknown", "0/1", False),
        (judged(container(waiting("ContainerCreating")), phase="Pending"), "ContainerCreating", "0/1", False),
        (judged(container(waiting("CrashLoopBackOff"))), "CrashLoopBackOff", "0/1", False),
        (judged(container(waiting("ImagePullBackOff")), phase="Pending"), "ImagePullBackOff", "0/1", False),
        (judged(container(waiting("ErrImagePull")), phase="Pending"), "ErrImagePull", "0/1", False),
        (judged(container(waiting("CreateContainerConfigError"))), "CreateContainerConfigError", "0/1", False),
        (judged(container(ended(137, "OOMKilled"))), "OOMKilled", "0/1", False),
        (judged(container(ended(1, "Error"))), "Error", "0/1", False),
        (judged(container(ended(3))), "ExitCode:3", "0/1", False),
        (judged(container(ended(0, signal=9))), "Signal:9", "0/1", False),
        (judged(container(ended(0, "Completed")), phase="Succeeded"), "Completed", "0/1", True),
        (judged(container(ended(1, "Error")), phase="Failed"), "Error", "0/1", False),
        (judged(phase="Failed", reason="Evicted"), "Evicted", "0/1", False),
        (judged(phase="Failed", reason="NodeAffinity"), "NodeAffinity", "0/1", False),
        (judged(container(waiting())), "Running", "0/1", False),
        # The first container that has something to say is heard last, and so wins.
        (judged(container(waiting("ImagePullBackOff"), name="a"), container(ended(1, "Error"), name="b")),
         "ImagePullBackOff", "0/2", False),
        (judged(container(RUNNING, ready=True, name="a"), container(ended(1, "Error"), name="b")),
         "Error", "1/2", False),
        # One container done and another running.
        (judged(container(ended(0, "Completed"), name="a"), container(RUNNING, ready=True, name="b"),
                conditions=[READY]), "Running", "1/2", False),
        (judged(container(ended(0, "Completed"), name="a"), container(RUNNING, ready=True, name="b"),
                conditions=[UNREADY]), "NotReady", "1/2", False),
        # Scheduling gates.
        (judged(phase="Pending", conditions=[{"type": "PodScheduled", "status": "False", "reason": "SchedulingGated"}]),
         "SchedulingGated", "0/1", False),
        (judged(phase="Pending", conditions=[{"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}]),
         "Pending", "0/1", False),
        # Init containers.
        (judged(container(waiting("PodInitializing")), init=[container(RUNNING, name="i"),
                container(waiting(), name="j")], phase="Pending"), "Init:0/2", "0/1", False),
        (judged(container(waiting("PodInitializing")), init=[container(ended(0, "Completed"), name="i"),
                container(waiting("PodInitializing"), name="j")], phase="Pending"), "Init:1/2", "0/1", False),
        (judged(init=[container(waiting("CrashLoopBackOff"), name="i")], phase="Pending"),
         "Init:CrashLoopBackOff", "0/1", False),
        (judged(init=[container(waiting("ImagePullBackOff"), name="i")], phase="Pending"),
         "Init:ImagePullBackOff", "0/1", False),
        (judged(init=[container(ended(1, "Error"), name="i")], phase="Pending"), "Init:Error", "0/1", False),
        (judged(init=[container(ended(2), name="i")], phase="Pending"), "Init:ExitCode:2", "0/1", False),
        (judged(init=[container(ended(2, signal=11), name="i")], phase="Pending"), "Init:Signal:11", "0/1", False),
        (judged(container(waiting("PodInitializing")), init=[container(ended(0, "Completed"), name="i")],
                phase="Pending"), "PodInitializing", "0/1", False),
        (judged(UP, init=[container(RUNNING, name="i")], conditions=[INITIALIZED, READY]), "Init:0/1", "1/1", False),
        # Sidecars: init containers that stay, counted once they have started.
        (judged(UP, init=[container(RUNNING, True, name="s", started=True)], sidecars=("s",), conditions=[READY]),
         "Running", "2/2", True),
        (judged(container(waiting("PodInitializing")), init=[container(RUNNING, name="s", started=False)],
                sidecars=("s",), phase="Pending"), "Init:0/1", "0/2", False),
        # Deletion.
        (judged(UP, metadata=DELETED), "Terminating", "1/1", True),
        (judged(container(waiting("CrashLoopBackOff")), metadata=DELETED), "Terminating", "0/1", True),
        (judged(UP, metadata=DELETED, reason="NodeLost"), "Unknown", "1/1", False),
        (judged(container(ended(0, "Completed")), metadata=DELETED, phase="Succeeded"), "Completed", "0/1", True),
        (judged(container(ended(1, "Error")), metadata=DELETED, phase="Failed"), "Error", "0/1", False),
    ],
)  # fmt: skip
def test_status_and_ready_as_kubectl_prints_them(pod: PodStatus, reason: str, ready: str, healthy: bool) -> None:
    assert (pod.reason, f"{pod.ready}/{pod.containers_total}", pod.healthy) == (reason, ready, healthy)


def test_every_recorded_pod_has_the_status_the_real_server_printed_for_it() -> None:
    recorded = json.loads((RECORDINGS / "lists.json").read_text())
    printed = {cells[0]: cells[1:4] for cells in recorded["pods_table"]}
    rows = [row(item) for item in recorded["pods"]["items"]]
    assert len(rows) == len(printed) == 6
    for pod in rows:
        assert [f"{pod.ready}/{pod.containers_total}", pod.reason, str(pod.restarts)] == printed[pod.name]


def test_the_recorded_failed_rollout_shows_its_crash_loop() -> None:
    pods = json.loads((RECORDINGS / "failed-rollout.json").read_text())["pods"]["items"]
    rows = sorted((row(item) for item in pods), key=sickest_first)
    assert [(pod.reason, pod.restarts) for pod in rows] == [("CrashLoopBackOff", 7), *[("Running", 0)] * 3]


def test_a_recorded_pod_is_terminating_from_its_deletion_on() -> None:
    events = json.loads((RECORDINGS / "deleted-pod.json").read_text())
    assert [row(event["object"]).reason for event in events] == ["Running", *["Terminating"] * 3]


def test_restarts_are_counted_with_the_time_of_the_last() -> None:
    def crashed(minute: int, count: int, name: str) -> dict[str, Any]:
        last = {"terminated": {"exitCode": 1, "finishedAt": f"2026-01-01T00:{minute:02d}:00Z"}}
        return container(RUNNING, True, name=name, restartCount=count, lastState=last)

    pod = judged(crashed(5, 2, "a"), crashed(9, 1, "b"))
    assert pod.restarts == 3
    assert pod.restarted_at == 1767225600 + 9 * 60


def test_restarts_of_finished_init_containers_are_not_the_pods() -> None:
    through = container(ended(0, "Completed"), name="i", restartCount=4)
    assert judged(UP, init=[through]).restarts == 0
    assert (
        judged(init=[container(waiting("CrashLoopBackOff"), name="i", restartCount=4)], phase="Pending").restarts == 4
    )


def test_restarts_of_sidecars_are_the_pods() -> None:
    sidecar = container(RUNNING, True, name="s", started=True, restartCount=2)
    assert judged(UP, init=[sidecar], sidecars=("s",)).restarts == 2


def test_details_name_every_container_with_its_last_end() -> None:
    last = {"terminated": {"exitCode": 137, "reason": "OOMKilled", "finishedAt": "2026-01-01T00:00:00Z"}}
    pod = judged(
        container(waiting("CrashLoopBackOff"), name="a", restartCount=3, lastState=last),
        init=[container(ended(0, "Completed"), name="i")],
    )
    init, main = pod.containers
    assert (init.name, init.init, init.state, init.exit_code) == ("i", True, "terminated", 0)
    assert (main.state, main.reason, main.last_reason, main.exit_code) == (
        "waiting", "CrashLoopBackOff", "OOMKilled", 137,
    )  # fmt: skip


def test_the_sick_come_first_then_those_on_the_way_then_the_lately_restarted() -> None:
    sick = judged(container(waiting("CrashLoopBackOff")))
    starting = judged(container(waiting("ContainerCreating")), phase="Pending")
    last = {"terminated": {"exitCode": 1, "finishedAt": "2026-01-01T00:00:00Z"}}
    restarted = judged(container(RUNNING, True, restartCount=1, lastState=last), conditions=[READY])
    well = judged(UP, conditions=[READY])
    assert sorted([well, restarted, starting, sick], key=sickest_first) == [sick, starting, restarted, well]
