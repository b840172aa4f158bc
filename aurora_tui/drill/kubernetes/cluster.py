"""The drill's cluster: objects, the controllers that act on them, and simulated nodes, all on the world's clock."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from random import Random

from aurora_tui.clock import iso
from aurora_tui.drill.kubernetes import nodes
from aurora_tui.drill.kubernetes.autoscalers import AutoscalerController
from aurora_tui.drill.kubernetes.behaviour import Behaviour, Rule
from aurora_tui.drill.kubernetes.controller import Controller, Tools
from aurora_tui.drill.kubernetes.deployments import DeploymentController
from aurora_tui.drill.kubernetes.disruption import DisruptionController
from aurora_tui.drill.kubernetes.events import EventRecorder
from aurora_tui.drill.kubernetes.garbage import GarbageCollector, NamespaceController
from aurora_tui.drill.kubernetes.kinds import BY_NAME, DEPLOYMENT, KINDS, NAMESPACE, NODE, POD, Kind
from aurora_tui.drill.kubernetes.kubelet import Kubelets
from aurora_tui.drill.kubernetes.node_leases import NodeLeases
from aurora_tui.drill.kubernetes.node_lifecycle import NodeLifecycle
from aurora_tui.drill.kubernetes.ownership import written_by
from aurora_tui.drill.kubernetes.quota_keeper import QuotaKeeper
from aurora_tui.drill.kubernetes.registry import Registry
from aurora_tui.drill.kubernetes.replicasets import ReplicaSetController
from aurora_tui.drill.kubernetes.scheduler import Scheduler
from aurora_tui.drill.kubernetes.status import bad_request
from aurora_tui.drill.kubernetes.store import Change, Key, Object, ObjectStore
from aurora_tui.drill.kubernetes.timetable import Timetable
from aurora_tui.drill.kubernetes.victims import ready_since

_AT_ONCE = 200
"""Controller steps in a row before others on the event loop get their turn."""
_FORGET_SECONDS = 600.0
_CLUSTER_AGE = 90 * 86400.0
_NAMESPACES = ("default", "kube-node-lease", "kube-public", "kube-system")

Work = tuple[Controller, Key]


class Cluster:
    """A Kubernetes cluster in memory. Synchronous to change; `run()` lets its controllers and nodes live.

    now: world time, Unix seconds. sleep: waits so many world seconds. seed: names, uids and delays follow from it.
    node_count: how many simulated nodes there are. Objects it hands out are shared: never change them.
    """

    def __init__(
        self, now: Callable[[], float], sleep: Callable[[float], Awaitable[None]], seed: int = 0, node_count: int = 3
    ) -> None:
        self._clock = now
        self.sleep = sleep
        self._moment: float | None = None
        """While history is being made up: the moment it has got to."""
        self._queue: dict[Work, None] = {}
        self._alarms: Timetable[Work] = Timetable()
        self._wake = asyncio.Event()
        self._listeners: list[Callable[[str, str, Object], None]] = []
        self._forget_at = 0.0
        self.closed = False
        random = Random(seed)
        self.store = ObjectStore()
        self.registry = Registry(self.store, self.now, random)
        self.events = EventRecorder(self.registry, self.now, now)
        tools = Tools(self.store, self.registry, self.events, self.now, self._alarm, random)
        self.kubelets = Kubelets(tools)
        # ReplicaSets before deployments: pods that are to go are marked before new ones are asked for.
        self.nodes = NodeLifecycle(tools)
        quotas = QuotaKeeper(tools)
        self.registry.quota = quotas.judge
        replica_sets = ReplicaSetController(tools)
        controllers: tuple[Controller, ...] = (
            replica_sets, DeploymentController(tools, replica_sets), Scheduler(tools), self.kubelets,
            self.nodes, GarbageCollector(tools), NamespaceController(tools),
            DisruptionController(tools), AutoscalerController(tools), NodeLeases(tools, self.nodes.is_silent),
            quotas,
        )  # fmt: skip
        self._concerned = {kind: [each for each in controllers if kind in each.kinds] for kind in KINDS}
        self.store.listen(self._changed)
        self._moment = now() - _CLUSTER_AGE
        for name in _NAMESPACES:
            self.registry.create(NAMESPACE, {"metadata": {"name": name}})
        for _ in range(node_count):
            self.add_node()
        self._moment = None

    def now(self) -> float:
        """World time, Unix seconds; a moment of the past while `settle` makes history."""
        return self._clock() if self._moment is None else self._moment

    def create(self, manifest: Object) -> Object:
        """Create one object as `kubectl create` would; Refused (409, 422, …) as the API would."""
        kind = _kind_of(manifest)
        return self.registry.create(kind, manifest, owning=written_by("kubectl-create", kind, iso(self.now()))).thing

    def apply_manifests(self, manifests: Iterable[Object], at: float | None = None) -> None:
        """Create the objects, or replace labels, annotations and spec (or data) of those that exist.

        at: a moment of the past; creation times and all that the controllers do until `settle()` returns carry it.
        """
        if at is not None:
            self._moment = at
        for manifest in manifests:
            kind = _kind_of(manifest)
            owning = written_by("kubectl-client-side-apply", kind, iso(self.now()))
            meta = manifest["metadata"]
            namespace = meta.get("namespace", "default") if kind.namespaced else ""
            before = self.store.get(kind, namespace, meta["name"])
            if before is None:
                self.registry.create(kind, manifest, owning=owning)
                continue
            thing = before.copy()
            thing |= {field: value for field, value in manifest.items() if field not in ("metadata", "status")}
            for field in ("labels", "annotations"):
                thing["metadata"][field] = {**thing["metadata"].get(field, {}), **meta.get(field, {})}
            self.registry.update(kind, before, thing, owning=owning)

    def settle(self, limit: float = 900.0) -> None:
        """Let controllers and nodes do at once all they would do in `limit` world seconds from the objects' creation.

        Before `run()`: apply_manifests(v1, at=now - 5 * 86400); settle(); apply_manifests(v2, at=now - 7200); settle()
        leaves revision 2, its pods Ready for two hours. Without `at` the pods are ready some seconds in the future.
        """
        if self._moment is None:
            self._moment = self._clock()
        end = self._moment + limit
        if self._moment < self._clock():
            end = min(end, self._clock())
        while True:
            while self._queue:
                self._work()
            due = self._alarms.next()
            if due is None or due > end:
                break
            self._moment = max(self._moment, due)
            self._ring()
        self._moment = None
        self.events.forget_old()

    def behave(
        self,
        namespace: str,
        match: str | dict[str, str],
        behaviour: Behaviour,
        *,
        image: str | None = None,
        nth: int | None = None,
    ) -> Rule:
        """From now on pods covered by the rule (see `behaviour.Rule`) behave so; running ones too, from this moment."""
        rule = Rule(namespace, match, behaviour, image, nth)
        self.kubelets.rules.append(rule)
        self.kubelets.reconsider()
        return rule

    def forget(self, rule: Rule) -> None:
        """Take back a rule that `behave` returned."""
        self.kubelets.rules = [one for one in self.kubelets.rules if one is not rule]
        self.kubelets.reconsider()

    def say(self, namespace: str, pod: str, text: str) -> None:
        """Have the pod's first container write a line into its log, if it runs."""
        life = self.kubelets.lives.get((namespace, pod))
        if life is not None and life.log.current is not None:
            life.log.current.say(self.now(), text)

    def pods(self, namespace: str) -> list[Object]:
        """The namespace's pods, by name."""
        return [entry.thing for entry in self.store.entries(POD, namespace)]

    def ready_pods(self, namespace: str, labels: dict[str, str]) -> list[Object]:
        """The pods with these labels that are Ready and not being deleted: what a Service would send traffic to."""
        return [
            pod
            for pod in self.pods(namespace)
            if labels.items() <= pod["metadata"].get("labels", {}).items()
            and "deletionTimestamp" not in pod["metadata"]
            and ready_since(pod) is not None
        ]

    def deployment(self, namespace: str, name: str) -> Object | None:
        """The deployment, or None."""
        entry = self.store.get(DEPLOYMENT, namespace, name)
        return entry.thing if entry is not None else None

    def listen(self, listener: Callable[[str, str, Object], None]) -> None:
        """Call `listener(type, kind, object)` after every change; type is ADDED, MODIFIED or DELETED."""
        self._listeners.append(listener)

    async def run(self) -> None:
        """Let controllers and nodes live until cancelled or `close()`. Sleeps until something is due."""
        while not self.closed:
            self._wake.clear()
            self._ring()
            for _ in range(_AT_ONCE):
                if not self._queue:
                    break
                self._work()
            if self._queue:
                await asyncio.sleep(0)
                continue
            if self.now() >= self._forget_at:
                self.events.forget_old()
                self._forget_at = self.now() + _FORGET_SECONDS
            await self._wait(min(self._alarms.next() or self._forget_at, self._forget_at))

    def close(self) -> None:
        """End `run()`. Open watches end with their server."""
        self.closed = True
        self._wake.set()

    async def _wait(self, until: float) -> None:
        """Until the world's clock says `until`, or something has changed."""
        if self._wake.is_set():
            return
        waking = asyncio.ensure_future(self._wake.wait())
        sleeping = asyncio.ensure_future(self.sleep(max(0.0, until - self.now())))
        try:
            await asyncio.wait((waking, sleeping), return_when=asyncio.FIRST_COMPLETED)
        finally:
            waking.cancel()
            sleeping.cancel()

    def _changed(self, change: Change) -> None:
        for controller in self._concerned[change.kind]:
            for key in controller.concerns(change):
                self._queue[controller, key] = None
        for listener in self._listeners:
            listener(change.type, change.kind.name, change.after.thing)
        self._wake.set()

    def _alarm(self, controller: Controller, key: Key, when: float | None) -> None:
        if when is None:
            self._alarms.cancel((controller, key))
        else:
            self._alarms.at(when, (controller, key))
            self._wake.set()

    def _ring(self) -> None:
        for work in self._alarms.due(self.now()):
            self._queue[work] = None

    def _work(self) -> None:
        work = next(iter(self._queue))
        del self._queue[work]
        controller, key = work
        controller.sync(key)

    def add_node(self) -> None:
        """One node more, Ready: node-0, node-1, …"""
        index = len(self.store.entries(NODE))
        name = f"node-{index}"
        entry = self.registry.create(NODE, nodes.manifest(name))
        self.registry.write(NODE, entry, entry.but(status=nodes.status(name, index, self.now())))

    def lose_node(self, name: str) -> None:
        """From now on nothing is heard of the node: in 50 s it is NotReady, in 5 min more its pods are to go.

        Its containers run on unseen. Refused 404 when there is no such node.
        """
        self.registry.find(NODE, "", name)
        self.kubelets.lose(name)
        self.nodes.lose(name)

    def return_node(self, name: str) -> None:
        """The lost node is heard of again: it reports its pods, and stops those that were to go."""
        self.registry.find(NODE, "", name)
        self.nodes.resume(name)
        self.kubelets.resume(name)


def _kind_of(manifest: Object) -> Kind:
    kind = BY_NAME.get((str(manifest.get("apiVersion")), str(manifest.get("kind"))))
    if kind is None:
        raise bad_request(f'no matches for kind "{manifest.get("kind")}" in version "{manifest.get("apiVersion")}"')
    return kind
