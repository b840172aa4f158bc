"""A plan: what one run of a runbook will do, to which objects, as they were read a moment ago.

It is what a person approves, what the ledger keeps and what the executor carries out: one frozen value, written as
JSON of texts, whole numbers, lists and tables (RFC 8785 has no other numbers that every language reads alike).
"""

from __future__ import annotations

import hashlib
import uuid
from enum import Enum
from typing import Any

import msgspec
import rfc8785

from aurora_tui.situation.duration import Duration
from aurora_tui.situation.runbook import AnyStep

VALID_SECONDS = 60  # real seconds from planning to approval


class Subject(msgspec.Struct, frozen=True, kw_only=True):
    """An object acted on, as it was read. `resource` is `deployments.apps`; `uid` None: it does not exist yet."""

    kind: str
    resource: str
    path: str  # of the object in the API, without a query
    name: str
    namespace: str | None = None
    uid: str | None = None
    version: str | None = None  # resourceVersion

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One fact about an object: what it is now, what it will be."""

    what: str
    now: str
    after: str


class PlannedStep(msgspec.Struct, frozen=True, kw_only=True):
    """One step, with what was read for it.

    `before`: the facts that the step relies on; when they are no longer so, it stops. `goal`: the facts that make it
    done. Both are for the operation that made them, and nobody else. `already`: its goal is so now. `limit`: seconds.
    """

    number: int  # from 1
    step: AnyStep
    title: str
    subject: Subject | None = None
    changes: tuple[Change, ...] = ()
    diff: tuple[str, ...] = ()  # lines of a unified diff, where changes do not say it all
    why: str = ""  # why this revision, this weight
    kubectl: str = ""  # what a person would type for it
    before: dict[str, Any] = {}
    goal: dict[str, Any] = {}
    already: bool = False
    warnings: tuple[str, ...] = ()
    refusals: tuple[str, ...] = ()  # why it cannot be done
    limit: int = 120


class Outcome(Enum):
    """How a check came out."""

    OK = "ok"
    WARNING = "warning"
    REFUSED = "refused"


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """One thing looked at before the word may be typed. `remedy` says what to do about it."""

    title: str
    outcome: Outcome
    words: str = ""
    remedy: str = ""


class Cluster(msgspec.Struct, frozen=True, kw_only=True):
    """Which cluster this is about. `ca`: SHA-256 of its authority in hex; `uid`: of the namespace kube-system, which
    no other cluster has; None where it may not be read. `user`: whom the API knows us as."""

    context: str
    server: str
    ca: str = ""
    uid: str | None = None
    user: str | None = None


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """One run of a runbook, planned. `run` is its id: a plan made anew is another run.

    `ground`: why it is done, in the verdict's words at that moment. `reason`: what the operator says, "" until then.
    `forced`: rules that the operator set aside knowingly, in words.
    """

    run: str
    runbook: str
    title: str
    environment: str
    namespace: str
    cluster: Cluster | None
    made_at: str  # RFC 3339, world time
    steps: tuple[PlannedStep, ...]
    checks: tuple[Check, ...] = ()
    choice: str | None = None
    stage: str | None = None
    target: int | None = None  # seconds from request to verified
    ground: str = ""
    reason: str = ""
    forced: tuple[str, ...] = ()
    inverse_of: str | None = None  # the run that this one takes back

    @property
    def refusals(self) -> tuple[str, ...]:
        """Why it may not be carried out; empty when it may."""
        checks = (f"{one.title}: {one.words}" for one in self.checks if one.outcome is Outcome.REFUSED)
        steps = (f"step {one.number}, {one.title}: {words}" for one in self.steps for words in one.refusals)
        return (*checks, *steps)

    @property
    def meaning(self) -> str:
        """SHA-256, in hex, of everything that a person approves: two plans with the same one do the same.

        Its id, its time and the resourceVersions are left out: they change without changing what is done.
        """
        steps = [msgspec.structs.replace(one, subject=_timeless(one.subject)) for one in self.steps]
        same = msgspec.structs.replace(self, run="", made_at="", steps=tuple(steps), reason="", ground="")
        return hashlib.sha256(rfc8785.dumps(as_data(same))).hexdigest()


def new_run() -> str:
    """An id for a run: short enough to type, of 40 random bits."""
    return uuid.uuid4().hex[:10]


def as_data(plan: Plan) -> dict[str, Any]:
    """`plan` as plain tables, lists, texts and whole numbers."""
    data: dict[str, Any] = msgspec.to_builtins(plan, enc_hook=_written)
    return data


def from_data(data: object) -> Plan:
    """The plan that `as_data` wrote. msgspec.ValidationError for anything else."""
    return msgspec.convert(data, Plan, dec_hook=_read)


def _written(value: Any) -> Any:
    if isinstance(value, Duration):
        return str(value)
    raise NotImplementedError(f"no way to write a {type(value).__name__}")


def _read(kind: type, value: Any) -> Any:
    if kind is Duration and isinstance(value, str):
        return Duration.parse(value)
    raise NotImplementedError(f"no way to read a {kind.__name__}")


def _timeless(subject: Subject | None) -> Subject | None:
    return None if subject is None else msgspec.structs.replace(subject, version=None)
