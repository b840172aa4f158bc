"""Runbooks as data: what an action key does, step by step, as the mission file writes it.

A step says what is to be true afterwards, never how often something is to be done: carried out twice, it does
nothing the second time.
"""

from __future__ import annotations

from enum import Enum

from aurora_tui.situation.duration import Duration
from aurora_tui.situation.table import Table, lasting


class Step(Table, frozen=True, kw_only=True, tag_field="do"):
    """One step. `limit`: how long it may take, waiting for its effect included, before it counts as failed."""

    limit: Duration = lasting("2m")


class Undo(Step, frozen=True, kw_only=True, tag="undo"):
    """Return a deployment's pods to the newest earlier revision that ran well for at least `healthy_for`.

    `revision` names one instead. Numbers move: a revision that is returned to gets a new one, and is found by the old
    one in its history. `template` does not move: SHA-256, in hex, of the pod template as a plan writes it; it wins.
    """

    deployment: str
    healthy_for: Duration = lasting("10m")
    revision: int | None = None
    template: str | None = None


class Scale(Step, frozen=True, kw_only=True, tag="scale"):
    """A deployment's replicas."""

    deployment: str
    replicas: int


class SetImage(Step, frozen=True, kw_only=True, tag="set-image"):
    """The image of one container of a deployment."""

    deployment: str
    container: str
    image: str


class Restart(Step, frozen=True, kw_only=True, tag="restart"):
    """New pods for a deployment, as `kubectl rollout restart` makes them."""

    deployment: str


class DeletePod(Step, frozen=True, kw_only=True, tag="delete-pod"):
    """Delete one pod; its controller makes another."""

    pod: str


class PatchKind(Enum):
    """How a patch's body is read: RFC 7386 or RFC 6902."""

    MERGE = "merge"
    JSON = "json"


class Patch(Step, frozen=True, kw_only=True, tag="patch"):
    """A patch of one object of the namespace. `resource` as kubectl writes it: `deployments.apps`, `configmaps`.

    `body` is the patch as JSON.
    """

    resource: str
    name: str
    kind: PatchKind = PatchKind.MERGE
    body: str


class Traffic(Step, frozen=True, kw_only=True, tag="traffic"):
    """Traffic weights by backend, in the HTTPRoute or TrafficSplit `route` (else the mission's `workloads.route`)."""

    weights: dict[str, int]
    route: str | None = None


class Apply(Step, frozen=True, kw_only=True, tag="apply"):
    """Every object of the manifests at `path` as they stand there: a YAML file, or a folder for kustomize."""

    path: str


class Delete(Step, frozen=True, kw_only=True, tag="delete"):
    """Nothing left of the objects of the manifests at `path`: workloads first, a Namespace last."""

    path: str


class Snapshot(Step, frozen=True, kw_only=True, tag="snapshot"):
    """Everything that a deletion of the manifests at `path` would take, kept in a file beside the ledger."""

    path: str


class Restore(Step, frozen=True, kw_only=True, tag="restore"):
    """The newest snapshot's objects, as they were: what is there already is left alone."""


class WaitFor(Enum):
    """What a wait step waits for."""

    ROLLOUT = "rollout"  # of `deployment`, as kubectl rollout status says done
    PODS = "pods"  # of `deployment`: as many ready and not restarting as it wants
    HEALTH = "health"  # the environment's probe `probe` answers well
    QUERY = "query"  # the PromQL `query` gives at least one sample


class Wait(Step, frozen=True, kw_only=True, tag="wait"):
    """Nothing is changed; the next step comes once this is so."""

    until: WaitFor
    deployment: str | None = None
    probe: str | None = None
    query: str | None = None


class Silence(Step, frozen=True, kw_only=True, tag="silence"):
    """A silence in the Alertmanager for alerts with these labels, for so long."""

    matchers: dict[str, str]
    lasting: Duration


class Note(Step, frozen=True, kw_only=True, tag="note"):
    """Words for the ledger, or something that a person does by hand: nothing is changed."""

    text: str


AnyStep = (
    Undo
    | Scale
    | SetImage
    | Restart
    | DeletePod
    | Patch
    | Traffic
    | Apply
    | Delete
    | Snapshot
    | Restore
    | Wait
    | Silence
    | Note
)


class Choice(Table, frozen=True, kw_only=True):
    """`[[runbook.choice]]`: another way to the same end, chosen in the dialog or with `--choice`.

    `caution` says what is worse about it than about the runbook's own steps.
    """

    id: str
    title: str
    caution: str = ""
    step: tuple[AnyStep, ...]


class Stage(Table, frozen=True, kw_only=True):
    """`[[runbook.stage]]`: one of several rungs that are climbed in order, one run each.

    `gate`: checks as of a phase's checklist, all of which must hold. `done`: the checkpoint (`phase/id`) that a
    verified run ticks, by which a stage is known to be behind us.
    """

    id: str
    title: str
    gate: tuple[str, ...] = ()
    done: str
    step: tuple[AnyStep, ...]


class Runbook(Table, frozen=True, kw_only=True):
    """`[[runbook]]`: an action key. `environments`: where it may run; everywhere when empty.

    `target`: how long it should take from request to verified, shown as a clock. A runbook has steps, or stages.
    `without_ledger`: whether it may be forced although the ledger cannot be written; a spare one is kept then.
    """

    id: str
    key: str
    title: str
    summary: str = ""
    environments: tuple[str, ...] = ()
    target: Duration | None = None
    without_ledger: bool = False
    step: tuple[AnyStep, ...] = ()
    choice: tuple[Choice, ...] = ()
    stage: tuple[Stage, ...] = ()
