"""Which revision a deployment is to be returned to, judged from what the API still knows of its history (pure).

What it knows: each ReplicaSet's creation, its revision, the numbers that it had before, and how many of its pods are
wanted and ready now. So a revision's time is told by its own ReplicaSet's creation and by the next one's. Whether its
pods were ready in that time the API forgets with the pods: it is said, never assumed. Who returns to a revision once
more leaves no date; then only bounds are known, and the shortest time that they allow counts.

https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#rolling-back-a-deployment
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from aurora_tui.actions.operations.template_diff import template_hash, without_restart
from aurora_tui.clock import parse_iso
from aurora_tui.kube.writes import Object
from aurora_tui.situation.duration import Duration
from aurora_tui.text import safe

REVISION = "deployment.kubernetes.io/revision"
HISTORY = "deployment.kubernetes.io/revision-history"
DESIRED = "deployment.kubernetes.io/desired-replicas"
CHANGE_CAUSE = "kubernetes.io/change-cause"
_UNTOLD = "ran for a time that the history does not tell"


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """A ReplicaSet as a revision. `left_by`: no later than this it was left, Unix seconds; None: not known."""

    number: int
    earlier: tuple[int, ...] = ()  # numbers that it had before, ascending
    template: str  # as `template_hash` writes it
    essence: str = ""  # the same of the template without the mark of a restart
    created_at: float
    left_by: float | None = None
    wanted: int = 0  # pods
    ready: int = 0
    cause: str = ""

    @property
    def numbers(self) -> tuple[int, ...]:
        """Every number that it had, ascending."""
        return (*self.earlier, self.number)

    @property
    def first(self) -> int:
        """Its number when it was new."""
        return self.numbers[0]

    def __str__(self) -> str:
        was = f" (was {', '.join(map(str, self.earlier))})" if self.earlier else ""
        return f"revision {self.number}{was}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pick:
    """What was chosen and why. `already`: the present template is the target. No target: `refusal` says why."""

    target: Revision | None
    why: str
    already: bool = False
    warnings: tuple[str, ...] = ()
    refusal: str = ""


def revisions_of(sets: Sequence[Object]) -> tuple[Revision, ...]:
    """A deployment's own ReplicaSets as revisions, newest first; one without a number is none."""
    found = [_revision(one) for one in sets]
    return tuple(sorted((one for one in found if one is not None), key=lambda one: one.number, reverse=True))


class History:
    """A deployment's revisions on a line of time. present: the template it has; now: Unix seconds."""

    def __init__(self, revisions: Sequence[Revision], present: str, now: float) -> None:
        self.revisions = sorted(revisions, key=lambda one: one.number, reverse=True)
        self.now = now
        self._owner = {number: one for one in self.revisions for number in one.numbers}
        self._begins = _beginnings(self._owner)
        self.present = next((one for one in self.revisions if one.template == present), None)

    def ran(self, revision: Revision) -> float | None:
        """The shortest time, in seconds, that it can have been the current one in its longest spell; None: not known.

        While pods of it are ready it runs still, current or not.
        """
        spells = [spell for number in revision.numbers if (spell := self._spell(revision, number)) is not None]
        return max(spells, default=None)

    def exactly(self, revision: Revision) -> bool:
        """Whether `ran` is its time, and not only the least of it: who left it for an older one left no date."""
        if revision.earlier:
            return False
        still = revision.ready > 0 or revision is self.present
        earliest, latest = self._begun(revision.number + 1)
        return still or (earliest is not None and earliest == latest)

    def left_by_going_back(self, revision: Revision) -> bool:
        """Whether it was last left for an older one: someone rolled back from it."""
        after = self._owner.get(revision.number + 1)
        return after is not None and after.first < revision.first

    def never_took_over_from(self, revision: Revision) -> Revision | None:
        """The older revision that still wants pods, so that this one, which came after it, never had them all."""
        if revision is self.present:
            return None
        older = (one for one in self.revisions if one.number < revision.number and one is not self.present)
        return next((one for one in older if one.wanted > 0), None)

    def came_by_going_back(self) -> Revision | None:
        """The revision that was left for the present one, when the present one is older: it was rolled back."""
        if self.present is None:
            return None
        left = self._owner.get(self.present.number - 1)
        return left if left is not None and self.present.first < left.first else None

    def _spell(self, revision: Revision, number: int) -> float | None:
        begun = self._begun(number)[1]
        if begun is None:
            return None
        if number == revision.number and (revision.ready > 0 or revision is self.present):
            return max(0.0, self.now - begun)
        ended = self._begun(number + 1)[0]
        return None if ended is None else max(0.0, ended - begun)

    def _begun(self, number: int) -> tuple[float | None, float | None]:
        """When the revision of that number became the current one: no earlier than, no later than."""
        return self._begins.get(number, (None, None))


def _beginnings(owner: Mapping[int, Revision]) -> dict[int, tuple[float | None, float | None]]:
    begins: dict[int, tuple[float | None, float | None]] = {}
    for number in sorted(owner):
        one, before = owner[number], owner.get(number - 1)
        if number == one.first:
            begins[number] = one.created_at, one.created_at
        else:
            earliest = begins[number - 1][0] if before is not None else None
            begins[number] = earliest, None if before is None else before.left_by
    return begins


def pick(history: History, healthy_for: float) -> Pick:
    """The newest earlier revision that ran for `healthy_for` seconds and that nothing speaks against."""
    told: list[str] = []
    came_from, present = history.came_by_going_back(), history.present
    if came_from is not None and present is not None and _long_enough(history, present, healthy_for):
        why = f"{came_from} was left for {present} already, which {_told(history, present)}"
        again = "To go further back, name a revision: a second undo would return to what was left."
        return Pick(target=present, why=why, already=True, warnings=(again,))
    for one in history.revisions:
        if present is not None and one.template == present.template:
            continue
        against = _against(history, one, healthy_for)
        if against:
            told.append(f"{one} {against}: skipped")
            continue
        why = "; ".join((f"{one} {_told(history, one)}", *told))
        return Pick(target=one, why=why)
    if not told:
        return Pick(target=None, why="", refusal="there is no earlier revision to return to")
    wanted = _length(healthy_for)
    return Pick(
        target=None,
        why="; ".join(told),
        refusal=f"no earlier revision is known to have run well for {wanted} ({'; '.join(told)}); name one to go there",
    )


def pinned(history: History, template: str | None, number: int | None) -> Pick:
    """The revision that was named: by its template, else by a number that it has or had."""
    named = [one for one in history.revisions if one.template == template]
    if template is None:
        named = [one for one in history.revisions if one.number == number]
        named = named or [one for one in history.revisions if number in one.earlier]
    if not named:
        what = f"revision {number}" if template is None or number is None else f"what was revision {number}"
        what = what if number is not None else f"the template {safe(str(template), 16)}"
        return Pick(target=None, why="", refusal=f"{what} is not in the deployment's history")
    one = named[0]
    why = f"{one} was named; it {_told(history, one)}"
    if history.present is not None and one.template == history.present.template:
        return Pick(target=one, why=why, already=True)
    warnings = []
    if history.left_by_going_back(one):
        warnings.append(f"{one} was left by going back before: this returns to what was rolled back")
    older = history.never_took_over_from(one)
    if older is not None:
        warnings.append(f"{one} never took over from {older}, which still has pods")
    return Pick(target=one, why=why, warnings=tuple(warnings))


def _against(history: History, one: Revision, healthy_for: float) -> str:
    """What speaks against returning to it; "" when nothing does."""
    if history.present is not None and one.essence and one.essence == history.present.essence:
        return "differs from the present one by a restart only"
    if history.left_by_going_back(one):
        return "was left by going back before"
    older = history.never_took_over_from(one)
    if older is not None:
        return f"never took over from {older}, which still has pods"
    ran = history.ran(one)
    if ran is not None and ran >= healthy_for:
        return ""
    time = _time(history, one)
    return f"{time} only" if history.exactly(one) else time


def _long_enough(history: History, one: Revision, healthy_for: float) -> bool:
    ran = history.ran(one)
    return ran is not None and ran >= healthy_for


def _told(history: History, one: Revision) -> str:
    """How long it ran and how well, without a figure that grows from one look to the next."""
    if one.ready:
        return "runs still, with pods ready"
    return f"{_time(history, one)}; how ready its pods were then, the API no longer tells"


def _time(history: History, one: Revision) -> str:
    ran, exactly = history.ran(one), history.exactly(one)
    if ran is None or (ran < 1 and not exactly):
        return _UNTOLD
    return f"ran {_length(ran)}" if exactly else f"ran at least {_length(ran)}"


def _length(seconds: float) -> str:
    """Two units at most: 7d22h, 3m12s."""
    for unit in (86400, 3600, 60):
        if seconds >= unit:
            smaller = {86400: 3600, 3600: 60, 60: 1}[unit]
            return str(Duration(seconds // smaller * smaller))
    return str(Duration(int(seconds)))


def _revision(one: Object) -> Revision | None:
    meta, spec, status = one["metadata"], one.get("spec") or {}, one.get("status") or {}
    noted = meta.get("annotations") or {}
    number = _number(noted.get(REVISION, ""))
    if number is None:
        return None
    earlier = {each for text in noted.get(HISTORY, "").split(",") if (each := _number(text)) is not None}
    return Revision(
        number=number,
        earlier=tuple(sorted(each for each in earlier if each < number)),
        template=template_hash(spec.get("template") or {}),
        essence=template_hash(without_restart(spec.get("template") or {})),
        created_at=_moment(meta.get("creationTimestamp")) or 0.0,
        left_by=_left_by(one),
        wanted=spec.get("replicas") or 0,
        ready=status.get("readyReplicas") or 0,
        cause=safe(noted.get(CHANGE_CAUSE, ""), 120),
    )


def _left_by(one: Object) -> float | None:
    """When its spec was last written, once it wants no pods: its last scaling down, after it was left.

    Nothing is known of one that was left while the deployment wanted none: nobody had to scale it down.
    """
    meta = one["metadata"]
    if (one.get("spec") or {}).get("replicas") or not _number((meta.get("annotations") or {}).get(DESIRED, "")):
        return None
    entries = (entry for entry in meta.get("managedFields") or [] if entry.get("subresource") != "status")
    return max((moment for entry in entries if (moment := _moment(entry.get("time"))) is not None), default=None)


def _number(text: str) -> int | None:
    """A revision's number; None for 0 and what is none: nobody can return to it."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 and int(text) > 0 else None


def _moment(text: str | None) -> float | None:
    try:
        return parse_iso(text) if text else None
    except ValueError:
        return None
