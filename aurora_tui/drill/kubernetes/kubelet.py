"""The simulated kubelets: they start the containers of pods bound to a node, watch them fail, and stop them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum, auto

from aurora_tui.clock import iso
from aurora_tui.drill.kubernetes import containers
from aurora_tui.drill.kubernetes.behaviour import Behaviour, Ending, Rule
from aurora_tui.drill.kubernetes.controller import Tools
from aurora_tui.drill.kubernetes.kinds import NODE, POD
from aurora_tui.drill.kubernetes.logs import ContainerLog
from aurora_tui.drill.kubernetes.registry import owner_of
from aurora_tui.drill.kubernetes.store import Change, Entry, Key, Object

START_SECONDS, READY_SECONDS, STOP_SECONDS = (0.8, 2.5), (1.5, 4.0), (0.5, 2.0)
"""How long a simulated start, the way to readiness, and a stop take: drawn evenly between these."""
_STEADY_SECONDS = 600.0
"""A run this long forgives earlier crashes."""


class Stage(Enum):
    """Where a pod's first container stands."""

    STARTING = auto()
    NO_IMAGE = auto()
    RUNNING = auto()
    EXITED = auto()
    BACKING_OFF = auto()
    OVER = auto()
    STOPPING = auto()


@dataclass(slots=True)
class Life:
    """What a kubelet knows of one pod. Times are world time; `due` is when the next step comes."""

    uid: str
    began: float
    due: float | None
    stage: Stage = Stage.STARTING
    address: str = ""
    state: Object = field(default_factory=lambda: containers.waiting("ContainerCreating"))
    last: Object = field(default_factory=dict)
    running_since: float = 0.0
    ready: bool = False
    ready_at: float = 0.0
    ends_at: float | None = None
    restarts: int = 0
    failures: int = 0
    behaviour: Behaviour = Behaviour.HEALTHY
    log: ContainerLog = field(default_factory=ContainerLog)


class Kubelets:
    """All nodes' kubelets. The rules say how a pod's first container behaves; its others always run."""

    kinds = frozenset({POD})

    def __init__(self, tools: Tools) -> None:
        self._tools = tools
        self.rules: list[Rule] = []
        self.lives: dict[Key, Life] = {}
        self._addresses = 0
        self._images: set[tuple[str, str]] = set()

    def concerns(self, change: Change) -> Iterable[Key]:
        """Pods that got a node, are to go, or are gone; their own reports need no second look."""
        if change.kind is not POD:
            return
        meta, life = change.after.thing["metadata"], self.lives.get(change.key)
        if (
            change.gone
            or life is None
            or life.uid != meta["uid"]
            or ("deletionTimestamp" in meta and life.stage is not Stage.STOPPING)
        ):
            yield change.key

    def sync(self, key: Key) -> None:
        """Take the pod's next step if it is due."""
        entry = self._tools.store.get(POD, *key)
        if entry is None or not entry.thing["spec"].get("nodeName"):
            self.lives.pop(key, None)
            self._tools.alarm(self, key, None)
            return
        now = self._tools.now()
        life = self.lives.get(key)
        if life is None or life.uid != entry.thing["metadata"]["uid"]:
            life = self.lives[key] = Life(entry.thing["metadata"]["uid"], now, now + self._draw(START_SECONDS))
            if "deletionTimestamp" not in entry.thing["metadata"]:
                self._report(entry, life)
        elif "deletionTimestamp" in entry.thing["metadata"]:
            self._stop(entry, life)
        elif life.due is not None and now >= life.due:
            self._step(entry, life)
        if key in self.lives:
            self._tools.alarm(self, key, life.due)

    def reconsider(self) -> None:
        """The rules have changed: running containers follow them from now on."""
        now = self._tools.now()
        for key, life in self.lives.items():
            entry = self._tools.store.get(POD, *key)
            if life.stage is not Stage.RUNNING or entry is None:
                continue
            behaviour = self._behaviour(entry.thing)
            if behaviour != life.behaviour:
                life.behaviour = behaviour
                life.ends_at = _end(behaviour, now)
                self._set_due(life)
                self._tools.alarm(self, key, life.due)

    def unready(self, key: Key, seconds: float) -> bool:
        """Have the pod's readiness probe fail for so long, from now; False when the pod is not Ready now."""
        entry, life = self._tools.store.get(POD, *key), self.lives.get(key)
        if entry is None or life is None or life.stage is not Stage.RUNNING or not life.ready:
            return False
        life.ready, life.ready_at = False, self._tools.now() + seconds
        self._set_due(life)
        self._tools.alarm(self, key, life.due)
        self._report(entry, life)
        return True

    def fail(self, key: Key) -> bool:
        """Have the pod's first container end now with code 1, once; False when the pod is not Ready now."""
        entry, life = self._tools.store.get(POD, *key), self.lives.get(key)
        if entry is None or life is None or life.stage is not Stage.RUNNING or not life.ready:
            return False
        life.behaviour, life.failures = Behaviour.CRASH_LOOP, 0
        self._exit(entry, life)
        self._tools.alarm(self, key, life.due)
        self._report(entry, life)
        return True

    def _draw(self, between: tuple[float, float]) -> float:
        return self._tools.random.uniform(*between)

    def _behaviour(self, pod: Object) -> Behaviour:
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

    def _step(self, entry: Entry, life: Life) -> None:
        now = self._tools.now()
        if life.stage in (Stage.STARTING, Stage.BACKING_OFF):
            self._start(entry, life)
        elif life.stage is Stage.NO_IMAGE:
            life.stage = Stage.STARTING
            life.due = now + containers.backoff(life.failures)
            text = f'Back-off pulling image "{_image(entry.thing)}"'
            life.state = containers.waiting("ImagePullBackOff", text)
            self._event(entry, "BackOff", text, "Normal")
            self._event(entry, "Failed", "Error: ImagePullBackOff", "Warning")
        elif life.stage is Stage.RUNNING and life.ends_at is not None and now >= life.ends_at:
            self._exit(entry, life)
        elif life.stage is Stage.RUNNING:
            life.ready = life.ready or now >= life.ready_at
            self._set_due(life)
        elif life.stage is Stage.EXITED and life.failures > 1:
            self._back_off(entry, life)
        elif life.stage is Stage.EXITED:
            self._start(entry, life)
        self._report(entry, life)

    def _start(self, entry: Entry, life: Life) -> None:
        now, pod = self._tools.now(), entry.thing
        image = _image(pod)
        life.behaviour = self._behaviour(pod)
        if life.behaviour.ending is Ending.NO_IMAGE and life.restarts == 0 and not life.last:
            self._miss_image(entry, life, image)
            return
        name = pod["spec"]["containers"][0]["name"]
        if (pod["spec"]["nodeName"], image) in self._images:
            self._event(entry, "Pulled", f'Container image "{image}" already present on machine')
        else:
            self._images.add((pod["spec"]["nodeName"], image))
            self._event(entry, "Pulling", f'Pulling image "{image}"')
            self._event(entry, "Pulled", f'Successfully pulled image "{image}"')
        self._event(entry, "Created", f"Created container: {name}")
        self._event(entry, "Started", f"Started container {name}")
        if life.stage in (Stage.EXITED, Stage.BACKING_OFF):
            life.restarts += 1
            life.last = life.last or life.state
        else:
            self._addresses += 1
            life.address = f"10.244.{self._addresses // 250 % 250}.{self._addresses % 250 + 2}"
            life.failures = 0
        life.stage, life.ready, life.running_since = Stage.RUNNING, False, now
        life.state = containers.running(now)
        probe = pod["spec"]["containers"][0].get("readinessProbe") or {}
        life.ready_at = now + self._draw(READY_SECONDS) + probe.get("initialDelaySeconds", 0)
        life.ends_at = _end(life.behaviour, now)
        life.log.start(now, image)
        self._set_due(life)

    def _miss_image(self, entry: Entry, life: Life, image: str) -> None:
        text = f'failed to pull and unpack image "{image}": failed to resolve reference "{image}": {image}: not found'
        life.state = containers.waiting("ErrImagePull", text)
        life.failures += 1
        life.stage, life.due = Stage.NO_IMAGE, self._tools.now() + 2.0
        self._event(entry, "Pulling", f'Pulling image "{image}"')
        self._event(entry, "Failed", f'Failed to pull image "{image}": {text}', "Warning")
        self._event(entry, "Failed", "Error: ErrImagePull", "Warning")

    def _exit(self, entry: Entry, life: Life) -> None:
        now, behaviour = self._tools.now(), life.behaviour
        reason = "OOMKilled" if behaviour.ending is Ending.OUT_OF_MEMORY else "Error"
        if behaviour.exit_code == 0:
            reason = "Completed"
        life.state = containers.terminated(behaviour.exit_code, reason, life.running_since, now)
        life.last = {}
        life.failures = 1 if now - life.running_since >= _STEADY_SECONDS else life.failures + 1
        life.ready, life.ends_at = False, None
        life.log.end(now, behaviour.says or _last_words(behaviour))
        policy = entry.thing["spec"]["restartPolicy"]
        over = policy == "Never" or (policy == "OnFailure" and behaviour.exit_code == 0)
        life.stage, life.due = (Stage.OVER, None) if over else (Stage.EXITED, now + 1.0)

    def _back_off(self, entry: Entry, life: Life) -> None:
        pod = entry.thing
        meta, name = pod["metadata"], pod["spec"]["containers"][0]["name"]
        pause = containers.backoff(life.failures - 1)
        life.last = life.state
        where = f"{meta['name']}_{meta['namespace']}({meta['uid']})"
        text = f"back-off {containers.spoken(pause)} restarting failed container={name} pod={where}"
        life.state = containers.waiting("CrashLoopBackOff", text)
        life.stage, life.due = Stage.BACKING_OFF, self._tools.now() + pause
        text = f"Back-off restarting failed container {name} in pod {where}"
        self._event(entry, "BackOff", text, "Warning")

    def _stop(self, entry: Entry, life: Life) -> None:
        """Kill the containers, then let the pod go."""
        now = self._tools.now()
        if life.stage is not Stage.STOPPING:
            if life.stage is Stage.RUNNING:
                for container in entry.thing["spec"]["containers"]:
                    self._event(entry, "Killing", f"Stopping container {container['name']}")
            life.stage = Stage.STOPPING
            grace = entry.thing["metadata"].get("deletionGracePeriodSeconds", 30)
            life.due = now + min(self._draw(STOP_SECONDS), grace)
            life.log.end(now, ('level=info msg="shutting down"',))
        elif life.due is None or now >= life.due:
            pod = entry.copy()
            pod["metadata"] |= {"deletionTimestamp": iso(now), "deletionGracePeriodSeconds": 0}
            last = self._tools.registry.write(POD, entry, pod)
            life.due = None
            if not pod["metadata"].get("finalizers"):
                self.lives.pop((pod["metadata"]["namespace"], pod["metadata"]["name"]), None)
                self._tools.store.remove(last)

    def _set_due(self, life: Life) -> None:
        coming = [] if life.ready else [life.ready_at]
        if life.ends_at is not None:
            coming.append(life.ends_at)
        life.due = min(coming, default=None)

    def _event(self, entry: Entry, reason: str, text: str, type: str = "Normal") -> None:
        pod = entry.thing
        field_path = f"spec.containers{{{pod['spec']['containers'][0]['name']}}}"
        host = pod["spec"]["nodeName"]
        self._tools.events.record(POD, pod, reason, text, "kubelet", type=type, host=host, field=field_path)

    def _report(self, entry: Entry, life: Life) -> None:
        """Write the pod's status."""
        now = self._tools.now()
        pod = entry.copy()
        first, *others = pod["spec"]["containers"]
        statuses = [containers.container_status(first, life.state, life.last, life.ready, life.restarts)]
        started = life.address != ""
        for other in others:
            state = containers.running(life.began) if started else containers.waiting("ContainerCreating")
            statuses.append(containers.container_status(other, state, {}, started, 0))
        phase = "Running" if started else "Pending"
        if life.stage is Stage.OVER:
            phase = "Succeeded" if life.behaviour.exit_code == 0 else "Failed"
        node = self._tools.store.get(NODE, "", pod["spec"]["nodeName"])
        addresses = node.thing["status"].get("addresses", ()) if node else ()
        host = next((a["address"] for a in addresses if a["type"] == "InternalIP"), "10.0.0.1")
        pod["status"] = containers.pod_status(pod, statuses, phase, life.address, host, life.began, now)
        self._tools.registry.write(POD, entry, pod)


def _image(pod: Object) -> str:
    image: str = pod["spec"]["containers"][0]["image"]
    return image


def _end(behaviour: Behaviour, start: float) -> float | None:
    ends = behaviour.ending in (Ending.EXITS, Ending.OUT_OF_MEMORY)
    return start + behaviour.after if ends else None


def _last_words(behaviour: Behaviour) -> tuple[str, ...]:
    if behaviour.ending is Ending.OUT_OF_MEMORY:
        return ()
    level = "info" if behaviour.exit_code == 0 else "error"
    return (f'level={level} msg="exiting" code={behaviour.exit_code}',)
