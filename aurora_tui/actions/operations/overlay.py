"""The rendered objects found in the cluster: where each is served, and which one lives there now."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import msgspec

from aurora_tui.actions.operation import Reach
from aurora_tui.actions.operations.kinds import AT_ONCE, Kind, Kinds
from aurora_tui.actions.operations.rendering import Manifest, Rendered
from aurora_tui.actions.plan import PlannedStep, Subject
from aurora_tui.errors import AuroraError
from aurora_tui.kube.writes import Object, read
from aurora_tui.text import safe

T = TypeVar("T")
R = TypeVar("R")
_LONGEST_NAME = 253


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One rendered object. `live`: as it is in the cluster; None: there is none."""

    kind: Kind
    manifest: Manifest
    namespace: str | None
    live: Object | None

    @property
    def name(self) -> str:
        """As the manifest names it."""
        return str(self.manifest["metadata"]["name"])

    @property
    def path(self) -> str:
        """Of the object in the API."""
        return self.kind.path(self.namespace, self.name)

    @property
    def subject(self) -> Subject:
        """As a plan names it: without its version, which says nothing of whether it is still the same one."""
        return Subject(
            kind=self.kind.name,
            resource=self.kind.resource,
            path=self.path,
            name=safe(self.name, _LONGEST_NAME),
            namespace=self.namespace,
            uid=None if self.live is None else uid_of(self.live),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Overlay:
    """Everything rendered, found or not. `refusals`: what of it the environment's cluster or namespace cannot hold."""

    rendered: Rendered
    found: tuple[Found, ...]
    refusals: tuple[str, ...] = ()

    @property
    def live(self) -> tuple[Found, ...]:
        """Those that are there."""
        return tuple(one for one in self.found if one.live is not None)

    @property
    def namespace(self) -> Found | None:
        """The Namespace among them, when it is there."""
        return next((one for one in self.live if one.kind.resource == "namespaces"), None)


async def look_up(rendered: Rendered, kinds: Kinds, reach: Reach) -> Overlay:
    """Each rendered object as it is in the cluster now.

    Nothing outside of the environment's own namespace is touched: an overlay that names another one is another
    environment's, or a mistake.
    """
    refusals: list[str] = []
    places: list[tuple[Kind, Manifest, str | None]] = []
    known = await asyncio.gather(*(kinds.find(one["apiVersion"], one["kind"]) for one in rendered.objects))
    for manifest, kind in zip(rendered.objects, known, strict=True):
        told = f"{safe(manifest['kind'], 120)} {safe(manifest['metadata']['name'], _LONGEST_NAME)}"
        if kind is None:
            refusals.append(f"{told}: this cluster has no {safe(manifest['apiVersion'], 120)} of that kind")
            continue
        namespace = manifest["metadata"].get("namespace") or reach.namespace
        home = manifest["metadata"]["name"] if kind.resource == "namespaces" else namespace
        if (kind.namespaced or kind.resource == "namespaces") and home != reach.namespace:
            where = "is another namespace" if not kind.namespaced else f"is in namespace {safe(namespace, 120)}"
            refusals.append(f"{told} {where}, and the environment's is {reach.namespace}")
            continue
        places.append((kind, manifest, namespace if kind.namespaced else None))
    live = await each(places, lambda place: read(reach.cluster, place[0].path(place[2], place[1]["metadata"]["name"])))
    found = (
        Found(kind=kind, manifest=manifest, namespace=namespace, live=one)
        for (kind, manifest, namespace), one in zip(places, live, strict=True)
    )
    return Overlay(rendered=rendered, found=tuple(found), refusals=tuple(refusals))


async def each(things: Iterable[T], ask: Callable[[T], Awaitable[R]]) -> list[R]:
    """`ask` of every thing, a few at a time, in order."""
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(thing: T) -> R:
        async with gate:
            return await ask(thing)

    return await asyncio.gather(*(one(thing) for thing in things))


def uid_of(thing: Object) -> str:
    """The object's uid."""
    return str((thing.get("metadata") or {}).get("uid") or "")


def going(thing: Object) -> bool:
    """Whether it is being deleted."""
    return bool((thing.get("metadata") or {}).get("deletionTimestamp"))


def controlled(thing: Object) -> bool:
    """Whether it was made by another object, which would make it anew."""
    return any(owner.get("controller") for owner in (thing.get("metadata") or {}).get("ownerReferences") or ())


def counted(kinds: Iterable[str]) -> str:
    """`3 Deployment, 3 Service, 1 HTTPRoute`"""
    return ", ".join(f"{count} {kind}" for kind, count in Counter(kinds).items())


def subjects_in(facts: dict[str, Any], key: str = "objects") -> tuple[Subject, ...]:
    """The subjects that a step keeps in its `before` or `goal`."""
    return tuple(msgspec.convert(facts.get(key, []), list[Subject]))


def as_facts(subjects: Sequence[Subject]) -> list[Any]:
    """`subjects` as a step keeps them."""
    return [msgspec.to_builtins(one) for one in subjects]


def unplannable(step: Any, number: int, title: str, error: AuroraError) -> PlannedStep:
    """A step whose manifests cannot be had: refused, in the words of why."""
    return PlannedStep(number=number, step=step, title=title, refusals=(str(error),), limit=int(step.limit))
