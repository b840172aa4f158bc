"""The simulated kubelets: they start the containers of pods bound to a node, watch them fail, and stop them."""

from __future__ import annotations

from collections.abc import Iterable

from aurora_tui.drill.kubernetes import containers
from aurora_tui.drill.kubernetes.behaviour import Behaviour, Rule
from aurora_tui.drill.kubernetes.controller import Tools
from aurora_tui.drill.kubernetes.kinds import NODE, POD
from aurora_tui.drill.kubernetes.life import Life, Stage
from aurora_tui.drill.kubernetes.moments import stamp
from aurora_tui.drill.kubernetes.registry import owner_of
from aurora_tui.drill.kubernetes.runtime import Runtime, seen
from aurora_tui.drill.kubernetes.store import Change, Entry, Key, Object

STOP_SECONDS = (0.5, 2.0)
"""How long a simulated stop takes: drawn evenly between these, after any preStop sleep."""


class Kubelets:
    """All nodes' kubelets. The rules say how a pod's first container behaves; its others always run."""

    kinds = frozenset({POD})

    def __init__(self, tools: Tools) -> None:
        self._tools = tools
        self._runtime = Runtime(tools, self._behaviour)
        self.rules: list[Rule] = []
        self.lives: dict[Key, Life] = {}
        self._lost: set[str] = set()

    def concerns(self, change: Change) -> Iterable[Key]:
        """Pods that got a node, are to go, or are gone; their own reports need no second look."""
        meta, life = change.after.thing["metadata"], self.lives.get(change.key)
        if (
            change.gone
            or life is None
            or life.uid != meta["uid"]
            or ("deletionTimestamp" in meta and life.grace != meta.get("deletionGracePeriodSeconds"))
        ):
            return (change.key,)
        return ()

    def sync(self, key: Key) -> None:
        """Take the pod's next step if it is due."""
        entry = self._tools.store.get(POD, *key)
        node = entry.thing["spec"].get("nodeName") if entry is not None else None
        if entry is None or not node:
            self.lives.pop(key, None)
            self._tools.alarm(self, key, None)
            return
        if node in self._lost:
            return
        life, meta = self.lives.get(key), entry.thing["metadata"]
        if life is None or life.uid != meta["uid"]:
            life = self.lives[key] = self._runtime.begin(entry)
            if "deletionTimestamp" not in meta:
                self._report(entry, life)
        elif "deletionTimestamp" in meta:
            self._stop(entry, life)
        elif life.due is not None and self._tools.now() >= life.due:
            self._runtime.step(entry, life)
            self._report(entry, life)
        if key in self.lives:
            self._tools.alarm(self, key, life.due)

    def reconsider(self) -> None:
        """The rules have changed: running containers follow them from now on."""
        for key, life in self.lives.items():
            entry = self._tools.store.get(POD, *key)
            if life.stage is not Stage.RUNNING or entry is None:
                continue
            behaviour = self._behaviour(entry.thing)
            if behaviour != life.behaviour:
                was_ready, life.behaviour = life.ready, behaviour
                self._runtime.rule(entry.thing, life)
                if was_ready != life.ready:
                    self._report(entry, life)
                self._tools.alarm(self, key, life.due)

    def unready(self, key: Key, seconds: float) -> bool:
        """Have the pod's readiness probe fail for so long, from now; False when the pod is not Ready now."""
        entry, life = self._tools.store.get(POD, *key), self.lives.get(key)
        if entry is None or life is None or life.stage is not Stage.RUNNING or not life.ready:
            return False
        text = "Readiness probe failed: HTTP probe failed with statuscode: 503"
        self._runtime.event(entry, "Unhealthy", text, "Warning")
        life.ready, life.ready_at = False, seen(self._tools.now() + seconds)
        life.due = life.next_due()
        self._tools.alarm(self, key, life.due)
        self._report(entry, life)
        return True

    def fail(self, key: Key, behaviour: Behaviour = Behaviour.CRASH_LOOP) -> bool:
        """Have the pod's first container end now as by `behaviour`, once; False when the pod is not Ready now."""
        entry, life = self._tools.store.get(POD, *key), self.lives.get(key)
        if entry is None or life is None or life.stage is not Stage.RUNNING or not life.ready:
            return False
        life.behaviour, life.failures = behaviour, 0
        self._runtime.exit(entry, life)
        self._tools.alarm(self, key, life.due)
        self._report(entry, life)
        return True

    def lose(self, node: str) -> None:
        """The node's kubelet does and reports nothing any more."""
        self._lost.add(node)
        for key, life in self.lives.items():
            if life.node == node:
                self._tools.alarm(self, key, None)

    def resume(self, node: str) -> None:
        """The node's kubelet is back: it reports its containers, which have run on, and stops those that must go."""
        if node not in self._lost:
            return
        self._lost.discard(node)
        now = self._tools.now()
        for entry in self._tools.store.entries(POD):
            meta = entry.thing["metadata"]
            if entry.thing["spec"].get("nodeName") != node:
                continue
            key = (meta["namespace"], meta["name"])
            life = self.lives.get(key)
            if life is not None and life.uid == meta["uid"] and "deletionTimestamp" not in meta:
                self._report(entry, life)
            self._tools.alarm(self, key, now)

    def _behaviour(self, pod: Object) -> Behaviour:
        if not self.rules:
            return Behaviour.HEALTHY
        position = 0
        if any(rule.nth is not None for rule in self.rules):
            position = self._position(pod)
        covering = [rule.behaviour for rule in self.rules if rule.covers(pod, position)]
        return covering[-1] if covering else Behaviour.HEALTHY

    def _position(self, pod: Object) -> int:
        """The pod's place among those of its ReplicaSet, oldest first."""
        owner = owner_of(pod)
        if owner is None:
            return 0
        every = (entry.thing for entry in self._tools.store.entries(POD, pod["metadata"]["namespace"]))
        siblings = [one for one in every if (other := owner_of(one)) is not None and other["uid"] == owner["uid"]]
        alive = [one["metadata"] for one in siblings if "deletionTimestamp" not in one["metadata"]]
        alive.sort(key=lambda meta: (meta["creationTimestamp"], meta["name"]))
        names = [meta["name"] for meta in alive]
        return names.index(pod["metadata"]["name"]) if pod["metadata"]["name"] in names else len(names)

    def _stop(self, entry: Entry, life: Life) -> None:
        """Stop the containers within the pod's grace, then let the pod go."""
        now, meta = self._tools.now(), entry.thing["metadata"]
        grace = meta.get("deletionGracePeriodSeconds", 30)
        if life.stage is not Stage.STOPPING:
            spec = entry.thing["spec"]
            if life.stage is Stage.RUNNING:
                for container in spec["containers"]:
                    self._runtime.event(entry, "Killing", f"Stopping container {container['name']}")
            life.stage, life.grace = Stage.STOPPING, grace
            wanted = _pre_stop(spec) + self._runtime.draw(STOP_SECONDS, self._behaviour(entry.thing).stop_seconds)
            life.due = seen(now + min(wanted, grace))
            life.log.end(now, ('level=info msg="shutting down"',))
        elif life.due is None or now >= life.due:
            ended = {**meta, "deletionTimestamp": stamp(now), "deletionGracePeriodSeconds": 0}
            life.due, life.grace = None, 0
            last = self._tools.registry.write(POD, entry, entry.but(metadata=ended))
            if not meta.get("finalizers"):
                self.lives.pop((meta["namespace"], meta["name"]), None)
                self._tools.store.remove(last)
        elif grace != life.grace:
            life.grace, life.due = grace, min(life.due, seen(now + grace))

    def _report(self, entry: Entry, life: Life) -> None:
        """Write the pod's status."""
        pod = entry.thing
        first, *others = pod["spec"]["containers"]
        statuses = [containers.container_status(first, life.state, life.last, life.ready, life.restarts)]
        started = life.running_since > 0.0
        for other in others:
            state = containers.running(life.running_since) if started else containers.waiting("ContainerCreating")
            statuses.append(containers.container_status(other, state, {}, started, 0))
        phase = "Running" if started else "Pending"
        if life.stage is Stage.OVER:
            phase = "Succeeded" if life.behaviour.exit_code == 0 else "Failed"
        place = (life.address, self._host(life.node))
        init = containers.init_statuses(pod, life.init) if life.init is not None else []
        status = containers.pod_status(pod, statuses, init, phase, place=place, began=life.began, now=self._tools.now())
        self._tools.registry.write(POD, entry, entry.but(status=status))

    def _host(self, name: str) -> str:
        node = self._tools.store.get(NODE, "", name)
        addresses = node.thing["status"].get("addresses", ()) if node else ()
        return next((a["address"] for a in addresses if a["type"] == "InternalIP"), "10.0.0.1")


def _pre_stop(spec: Object) -> float:
    """Seconds that the longest preStop hook sleeps; what other hooks do is not simulated."""
    hooks = ((c.get("lifecycle") or {}).get("preStop") or {} for c in spec["containers"])
    return float(max((hook.get("sleep", {}).get("seconds", 0) for hook in hooks), default=0))
