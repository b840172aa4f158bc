"""Runbooks of one step, made for what is under the cursor: restart a deployment, delete a pod."""

from __future__ import annotations

from aurora_tui.situation.runbook import AnyStep, DeletePod, Restart, Runbook, Wait, WaitFor
from aurora_tui.situation.workload import DeploymentStatus, PodStatus


def restart(item: DeploymentStatus) -> Runbook:
    """New pods for a deployment, and the wait until they serve."""
    return Runbook(
        id="restart",
        key="r",
        title=f"restart {item.name}",
        summary="New pods, one after the other as the deployment's strategy says; the image stays.",
        step=(
            Restart(deployment=item.name),
            Wait(until=WaitFor.ROLLOUT, deployment=item.name),
            Wait(until=WaitFor.PODS, deployment=item.name),
        ),
    )


def delete_pod(pod: PodStatus) -> Runbook:
    """One pod less; its controller makes another, which is waited for where the controller is known."""
    wait: tuple[AnyStep, ...] = (Wait(until=WaitFor.PODS, deployment=pod.owner),) if pod.owner else ()
    return Runbook(
        id="delete-pod",
        key="d",
        title=f"delete pod {pod.name}",
        summary="The pod is asked to end as its grace period allows. A controller that owns it makes another.",
        step=(DeletePod(pod=pod.name), *wait),
    )
