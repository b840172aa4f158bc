"""What can happen to a drill's cluster: lost nodes, pods in trouble, crowds. The vocabulary, and how each is done."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Literal

import msgspec

from aurora_tui.drill.happening import Happening
from aurora_tui.drill.kubernetes import Behaviour, Cluster, crowd
from aurora_tui.drill.kubernetes.behaviour import Rule
from aurora_tui.drill.kubernetes.kinds import NODE, POD
from aurora_tui.drill.kubernetes.registry import DeleteOptions
from aurora_tui.drill.manifests import CANARY, DEPLOYMENTS, NAMESPACE
from aurora_tui.errors import UsageError
from aurora_tui.situation.duration import Duration

MOST_IN_TROUBLE = 100
"""Pods that one event may befall: each costs a look at all others."""


class NodeLoss(Happening, frozen=True, kw_only=True, tag="node-loss"):
    """Nothing is heard of a node any more: `node`, or the one with the most pods of the canary.

    After 50 s it is NotReady and its pods are not Ready; 5 min later they are to go and are replaced elsewhere, yet
    stay Terminating until the node is back. Its containers run on unseen. It ends with `node-return` or `recover`.
    """

    node: str | None = None


class NodeReturn(Happening, frozen=True, kw_only=True, tag="node-return"):
    """A lost node is heard of again: `node`, or every one."""

    node: str | None = None


Trouble = Literal[
    "oom", "image-pull-error", "config-error", "never-ready", "liveness", "slow-start", "slow-stop", "healthy"
]


class PodTrouble(Happening, frozen=True, kw_only=True, tag="pod-trouble"):
    """Pods of a deployment get into `trouble`, as long as it runs its present image.

    oom: killed for memory (137, OOMKilled) `after` each start. liveness: restarted by the kubelet, its probe failing
    from `after` each start on. never-ready: the readiness probe fails from now on. image-pull-error, config-error: the
    image, a ConfigMap is missing (ErrImagePull, CreateContainerConfigError) for every new pod; `pods` of the running
    ones are deleted, so that their replacements show it. slow-start, slow-stop: new pods need `after` to get ready, all
    need `after` to end. healthy: whatever there was is over.
    """

    trouble: Trouble
    deployment: str = CANARY
    pods: int = 1
    after: Duration = Duration(45)


class Crowd(Happening, frozen=True, kw_only=True, tag="crowd"):
    """The cluster gets a crowd to measure with: `pods` Ready pods in `deployments` deployments, crowd-00, …"""

    pods: int = 5000
    deployments: int = 40


class Churn(Happening, frozen=True, kw_only=True, tag="churn"):
    """From now on pods of the crowd change `rate` times a second, in the order of `seed`; 0 ends it."""

    rate: float = 500.0
    seed: int = 0


ClusterEvent = NodeLoss | NodeReturn | PodTrouble | Crowd | Churn
CLUSTER_EVENTS: tuple[type[Happening], ...] = (NodeLoss, NodeReturn, PodTrouble, Crowd, Churn)


def check(event: object, place: str) -> None:
    """What types cannot say. Raises msgspec.ValidationError, as a wrong type does."""
    match event:
        case Crowd() if not 1 <= event.deployments <= event.pods <= 20_000:
            why = f"{event.pods} pods in {event.deployments} deployments are not possible"
            raise msgspec.ValidationError(f"{why} (at most 20000, one in each or more) - at `{place}`")
        case Churn() if not 0.0 <= event.rate <= 5000.0:
            raise msgspec.ValidationError(f"{event.rate} is not between 0 and 5000 a second - at `{place}.rate`")
        case PodTrouble() if event.deployment not in DEPLOYMENTS:
            known = ", ".join(DEPLOYMENTS)
            raise msgspec.ValidationError(f"{event.deployment!r} is not one of {known} - at `{place}.deployment`")
        case PodTrouble() if not 1 <= event.pods <= MOST_IN_TROUBLE:
            raise msgspec.ValidationError(f"{event.pods} is not a number of pods - at `{place}.pods`")


class ClusterEvents:
    """Lets events happen to a cluster, and end."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._lost: dict[str, None] = {}
        self._until_recovery: list[Rule] = []
        self._churning: asyncio.Future[None] | None = None

    def names(self) -> list[str]:
        """What is in force, in the scenario's words."""
        churning = self._churning is not None and not self._churning.done()
        return [*("node-loss" for _ in self._lost), *(("churn",) if churning else ())]

    def apply(self, event: ClusterEvent) -> None:
        """Let the event happen now. UsageError when there is no such node, none left to lose, or no such deployment."""
        match event:
            case NodeLoss():
                name = self._node(event.node or self._busiest())
                self._cluster.lose_node(name)
                self._lost[name] = None
            case NodeReturn():
                self._return([self._node(event.node)] if event.node else list(self._lost))
            case PodTrouble():
                self._trouble(event)
            case Crowd():
                crowd.seed(self._cluster, event.pods, event.deployments, NAMESPACE)
            case Churn():
                self._churn(event)

    def recover(self) -> None:
        """Nodes return, images and configuration are there again, the crowd is quiet. What crashes stays so."""
        self.stop()
        self._return(list(self._lost))
        for rule in self._until_recovery:
            self._cluster.forget(rule)
        self._until_recovery.clear()

    def stop(self) -> None:
        """Begin nothing new: the world ends."""
        if self._churning is not None:
            self._churning.cancel()
            self._churning = None

    def _return(self, names: list[str]) -> None:
        """A node that somebody has deleted meanwhile stays away."""
        for name in names:
            self._lost.pop(name, None)
            if self._cluster.store.get(NODE, "", name) is not None:
                self._cluster.return_node(name)

    def _node(self, name: str) -> str:
        if self._cluster.store.get(NODE, "", name) is None:
            known = ", ".join(entry.thing["metadata"]["name"] for entry in self._cluster.store.entries(NODE))
            raise UsageError(f"There is no node {name!r}", f"Choose {known}.")
        return name

    def _busiest(self) -> str:
        """The node, not lost yet, with the most pods of the canary."""
        pods = self._cluster.ready_pods(NAMESPACE, {"app": CANARY})
        counts = Counter(pod["spec"]["nodeName"] for pod in pods)
        left: list[str] = [e.thing["metadata"]["name"] for e in self._cluster.store.entries(NODE)]
        left = [name for name in left if name not in self._lost]
        if not left:
            raise UsageError("Every node is lost already", "Let one return first: node-return.")
        return sorted(left, key=lambda name: (-counts[name], name))[0]

    def _trouble(self, event: PodTrouble) -> None:
        deployment = self._cluster.deployment(NAMESPACE, event.deployment)
        if deployment is None:
            raise UsageError(f"There is no deployment {event.deployment!r} now", "Name one that runs.")
        image = str(deployment["spec"]["template"]["spec"]["containers"][0]["image"])
        behaviour = _behaviour(event)
        if event.trouble in ("oom", "liveness", "never-ready"):
            for place in range(event.pods):
                self._cluster.behave(NAMESPACE, event.deployment, behaviour, image=image, nth=place)
            return
        rule = self._cluster.behave(NAMESPACE, event.deployment, behaviour, image=image)
        if event.trouble in ("image-pull-error", "config-error"):
            self._until_recovery.append(rule)
            for pod in self._cluster.ready_pods(NAMESPACE, {"app": event.deployment})[: event.pods]:
                entry = self._cluster.registry.find(POD, NAMESPACE, pod["metadata"]["name"])
                self._cluster.registry.delete(entry, DeleteOptions())

    def _churn(self, event: Churn) -> None:
        self.stop()
        if event.rate > 0.0:
            churn = crowd.churn(self._cluster, event.rate, NAMESPACE, event.seed)
            self._churning = asyncio.ensure_future(churn)


def _behaviour(event: PodTrouble) -> Behaviour:
    match event.trouble:
        case "oom":
            return Behaviour.oom(event.after)
        case "liveness":
            return Behaviour.unhealthy(event.after)
        case "never-ready":
            return Behaviour.NEVER_READY
        case "image-pull-error":
            return Behaviour.IMAGE_PULL_ERROR
        case "config-error":
            return Behaviour.CONFIG_ERROR
        case "slow-start":
            return Behaviour.slow(ready_seconds=event.after)
        case "slow-stop":
            return Behaviour.slow(stop_seconds=event.after)
        case "healthy":
            return Behaviour.HEALTHY
