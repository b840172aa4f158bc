"""The simulated container runtime: from image to start, failure, back-off and the next start."""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable

from aurora_tui.drill.kubernetes import containers
from aurora_tui.drill.kubernetes.behaviour import Behaviour, Ending
from aurora_tui.drill.kubernetes.controller import Tools
from aurora_tui.drill.kubernetes.kinds import POD
from aurora_tui.drill.kubernetes.life import Init, Life, Stage
from aurora_tui.drill.kubernetes.store import Entry, Object

START_SECONDS, READY_SECONDS, INIT_SECONDS = (0.3, 0.9), (0.9, 1.5), (0.6, 2.0)
"""How long a simulated start, the way to readiness, and an init container take: drawn evenly between these.

As for a small image that is on its node already: a sandbox and a container take a kubelet half a second, and
the program listens a second later, to a probe that comes soon after the start whatever its period (prober/worker.go).
"""
_STEADY_SECONDS = 600.0
"""A run this long forgives earlier crashes."""
_PRESENT = 'Container image "{}" already present on machine and can be accessed by the pod'
_LOOK = 0.25
"""Kubelets look at their containers that often (world seconds): what happens in between is seen together."""


def seen(moment: float) -> float:
    """When a kubelet notices what happens at `moment`."""
    return math.ceil(moment / _LOOK) * _LOOK


class Runtime:
    """Steps of a pod's first container (its others run when it has started) and of its init containers."""

    def __init__(self, tools: Tools, behaviour: Callable[[Object], Behaviour]) -> None:
        """behaviour: how the pod's first container is to behave at its next start."""
        self._tools = tools
        self._behaviour = behaviour
        self._addresses = 0
        self._images: set[tuple[str, str]] = set()

    def draw(self, between: tuple[float, float], told: float | None = None) -> float:
        """Seconds between two bounds, or as told."""
        drawn = self._tools.random.uniform(*between)
        return drawn if told is None else told

    def begin(self, entry: Entry) -> Life:
        """A pod has come to its node."""
        pod, now = entry.thing, self._tools.now()
        told = self._behaviour(pod).start_seconds
        due = seen(now + self.draw(START_SECONDS, told))
        life = Life(pod["metadata"]["uid"], pod["spec"]["nodeName"], now, due)
        if pod["spec"].get("initContainers"):
            life.init = Init()
            life.state = containers.waiting("PodInitializing")
        return life

    def step(self, entry: Entry, life: Life) -> None:
        """What is due now."""
        now = self._tools.now()
        match life.stage:
            case Stage.STARTING if life.init is not None and not _initialized(entry.thing, life.init):
                self._start_init(entry, life, life.init)
            case Stage.INITIALIZING:
                assert life.init is not None
                self._end_init(entry, life, life.init)
            case Stage.NO_IMAGE:
                self._wait_for_image(entry, life)
            case Stage.RUNNING if life.ends_at is not None and now >= life.ends_at:
                self.exit(entry, life)
            case Stage.RUNNING:
                self._probe(entry, life)
            case Stage.EXITED if life.failures > 1:
                self._back_off(entry, life)
            case Stage.STARTING | Stage.NO_CONFIG | Stage.BACKING_OFF | Stage.EXITED:
                self._start(entry, life)

    def _start(self, entry: Entry, life: Life) -> None:
        now, pod = self._tools.now(), entry.thing
        first = pod["spec"]["containers"][0]
        life.behaviour = self._behaviour(pod)
        if life.behaviour.ending is Ending.NO_IMAGE and life.restarts == 0 and not life.last:
            self._miss_image(entry, life, first["image"])
            return
        self._pull(entry, first["image"])
        if life.behaviour.ending is Ending.NO_CONFIG and life.restarts == 0:
            life.state = containers.waiting("CreateContainerConfigError", life.behaviour.missing)
            life.stage, life.due = Stage.NO_CONFIG, seen(now + 12.0)
            self.event(entry, "Failed", f"Error: {life.behaviour.missing}", "Warning")
            return
        self.event(entry, "Created", "Container created")
        self.event(entry, "Started", "Container started")
        if life.stage in (Stage.EXITED, Stage.BACKING_OFF):
            life.restarts += 1
            life.last = life.last or life.state
        else:
            self._give_address(life)
            life.failures = 0
        life.stage, life.ready, life.running_since = Stage.RUNNING, False, now
        life.state = containers.running(now)
        life.log.start(now, first["image"])
        self.rule(pod, life, starting=True)

    def rule(self, pod: Object, life: Life, starting: bool = False) -> None:
        """Let the running container behave as `life.behaviour` says, from now on."""
        now, behaviour = self._tools.now(), life.behaviour
        ends = behaviour.ending in (Ending.EXITS, Ending.OUT_OF_MEMORY)
        life.ends_at = seen(now + behaviour.after) if ends else None
        life.failed_probes, life.probe_at = 0, None
        first = pod["spec"]["containers"][0]
        wait = float((first.get("readinessProbe") or {}).get("initialDelaySeconds", 0))
        if starting or behaviour.ready:
            life.ready_at = seen(now + wait * starting + self.draw(READY_SECONDS, behaviour.ready_seconds))
        if not behaviour.ready:
            life.ready, life.ready_at, life.probe_at = False, None, seen(now + wait)
        elif behaviour.ending is Ending.UNHEALTHY:
            life.probe_at = seen(now + behaviour.after)
        life.due = life.next_due()

    def _give_address(self, life: Life) -> None:
        if not life.address:
            self._addresses += 1
            life.address = f"10.244.{self._addresses // 250 % 250}.{self._addresses % 250 + 2}"

    def _pull(self, entry: Entry, image: str, name: str = "") -> None:
        node = entry.thing["spec"]["nodeName"]
        if (node, image) in self._images:
            self.event(entry, "Pulled", _PRESENT.format(image), name=name)
            return
        self._images.add((node, image))
        taken = 400 + zlib.crc32(f"{node} {image}".encode()) % 1500
        size = 20_000_000 + zlib.crc32(image.encode()) % 80_000_000
        text = f'Successfully pulled image "{image}" in {taken}ms ({taken}ms including waiting). Image size: {size} '
        self.event(entry, "Pulling", f'Pulling image "{image}"', name=name)
        self.event(entry, "Pulled", f"{text}bytes.", name=name)

    def _miss_image(self, entry: Entry, life: Life, image: str) -> None:
        why = f'failed to pull and unpack image "{image}": failed to resolve reference "{image}": {image}: not found'
        text = f"rpc error: code = NotFound desc = {why}"
        life.state = containers.waiting("ErrImagePull", text)
        life.failures += 1
        life.stage, life.due = Stage.NO_IMAGE, seen(self._tools.now() + 2.0)
        self.event(entry, "Pulling", f'Pulling image "{image}"')
        self.event(entry, "Failed", f'Failed to pull image "{image}": {text}', "Warning")
        self.event(entry, "Failed", "Error: ErrImagePull", "Warning")

    def _wait_for_image(self, entry: Entry, life: Life) -> None:
        image = entry.thing["spec"]["containers"][0]["image"]
        text = f'Back-off pulling image "{image}"'
        why = life.state["waiting"].get("message", "")
        life.state = containers.waiting("ImagePullBackOff", f"{text}: ErrImagePull: {why}")
        life.stage, life.due = Stage.STARTING, seen(self._tools.now() + containers.backoff(life.failures))
        self.event(entry, "BackOff", text)
        self.event(entry, "Failed", "Error: ImagePullBackOff", "Warning")

    def _probe(self, entry: Entry, life: Life) -> None:
        """A probe of the running container has something to tell: it is ready, or a probe fails."""
        now = self._tools.now()
        first = entry.thing["spec"]["containers"][0]
        life.ready = life.ready or (life.ready_at is not None and now >= life.ready_at)
        if life.probe_at is not None and now >= life.probe_at:
            which, code = ("Liveness", 500) if life.behaviour.ready else ("Readiness", 503)
            probe = first.get(f"{which.lower()}Probe") or {}
            text = f"{which} probe failed: HTTP probe failed with statuscode: {code}"
            self.event(entry, "Unhealthy", text, "Warning")
            life.failed_probes += 1
            if which == "Liveness" and life.failed_probes >= probe.get("failureThreshold", 3):
                self.event(entry, "Killing", f"Container {first['name']} failed liveness probe, will be restarted")
                self.exit(entry, life)
                return
            life.probe_at = seen(now + probe.get("periodSeconds", 10))
        life.due = life.next_due()

    def exit(self, entry: Entry, life: Life) -> None:
        """The running container ends, as its behaviour has it."""
        now, behaviour = self._tools.now(), life.behaviour
        reason = "OOMKilled" if behaviour.ending is Ending.OUT_OF_MEMORY else "Error"
        if behaviour.exit_code == 0:
            reason = "Completed"
        life.state = containers.terminated(behaviour.exit_code, reason, life.running_since, now)
        life.last = {}
        life.failures = 1 if now - life.running_since >= _STEADY_SECONDS else life.failures + 1
        life.ready, life.ends_at, life.probe_at = False, None, None
        life.log.end(now, behaviour.says or _last_words(behaviour))
        policy = entry.thing["spec"]["restartPolicy"]
        over = policy == "Never" or (policy == "OnFailure" and behaviour.exit_code == 0)
        life.stage, life.due = (Stage.OVER, None) if over else (Stage.EXITED, seen(now + 1.0))

    def _back_off(self, entry: Entry, life: Life) -> None:
        name = entry.thing["spec"]["containers"][0]["name"]
        pause = containers.backoff(life.failures - 1)
        life.last = life.state
        life.state = self._loop(entry, name, pause)
        life.stage, life.due = Stage.BACKING_OFF, seen(self._tools.now() + pause)

    def _loop(self, entry: Entry, name: str, pause: float) -> Object:
        """The state of a container that waits `pause` seconds for its next start, and the event that tells of it."""
        meta = entry.thing["metadata"]
        where = f"{meta['name']}_{meta['namespace']}({meta['uid']})"
        self.event(entry, "BackOff", f"Back-off restarting failed container {name} in pod {where}", "Warning", name)
        text = f"back-off {containers.spoken(pause)} restarting failed container={name} pod={where}"
        return containers.waiting("CrashLoopBackOff", text)

    def _start_init(self, entry: Entry, life: Life, init: Init) -> None:
        now = self._tools.now()
        one = entry.thing["spec"]["initContainers"][len(init.done)]
        self._pull(entry, one["image"], one["name"])
        self.event(entry, "Created", "Container created", name=one["name"])
        self.event(entry, "Started", "Container started", name=one["name"])
        self._give_address(life)
        if init.failures:
            init.restarts += 1
        init.state, init.running_since = containers.running(now), now
        life.stage, life.due = Stage.INITIALIZING, seen(now + self.draw(INIT_SECONDS))

    def _end_init(self, entry: Entry, life: Life, init: Init) -> None:
        """The init container that runs ends: on to the next one, or to its next try."""
        now = self._tools.now()
        behaviour = self._behaviour(entry.thing)
        life.stage = Stage.STARTING
        if init.running_since is None:  # it has failed again: wait
            init.last, init.state = init.state, self._loop(
                entry, entry.thing["spec"]["initContainers"][len(init.done)]["name"],
                pause := containers.backoff(init.failures - 1),
            )  # fmt: skip
            life.due = seen(now + pause)
            return
        began, init.running_since = init.running_since, None
        if behaviour.ending is not Ending.INIT_FAILS or init.done:
            init.done.append(containers.terminated(0, "Completed", began, now))
            init.state, init.last, init.failures = containers.waiting("PodInitializing"), {}, 0
            life.due = seen(now + 0.3)
            return
        init.failures += 1
        init.state = containers.terminated(behaviour.exit_code, "Error", began, now)
        life.due = seen(now + 1.0)
        if init.failures > 1:
            life.stage = Stage.INITIALIZING

    def event(self, entry: Entry, reason: str, text: str, type: str = "Normal", name: str = "") -> None:
        """Tell of the pod's first container, or of the one called `name`."""
        pod = entry.thing
        group = "containers" if not name or name == pod["spec"]["containers"][0]["name"] else "initContainers"
        field_path = f"spec.{group}{{{name or pod['spec']['containers'][0]['name']}}}"
        host = pod["spec"]["nodeName"]
        self._tools.events.record(POD, pod, reason, text, "kubelet", type=type, host=host, field=field_path)


def _initialized(pod: Object, init: Init) -> bool:
    return len(init.done) == len(pod["spec"]["initContainers"])


def _last_words(behaviour: Behaviour) -> tuple[str, ...]:
    if behaviour.ending is Ending.OUT_OF_MEMORY:
        return ()
    level = "info" if behaviour.exit_code == 0 else "error"
    return (f'level={level} msg="exiting" code={behaviour.exit_code}',)
