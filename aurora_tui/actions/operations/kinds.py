"""Which kinds a cluster has and where it serves them, asked of the API itself (discovery).

https://kubernetes.io/docs/concepts/overview/kubernetes-api/#discovery-api
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote

import msgspec

from aurora_tui.kube.connection import Connection
from aurora_tui.kube.errors import ApiError

AT_ONCE = 8  # requests under way: as many as one person's page of questions may cost an API


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind, in one version. `verbs`: what the API can do with it, whoever asks."""

    group: str
    version: str
    name: str
    plural: str
    namespaced: bool
    verbs: frozenset[str] = frozenset()

    @property
    def api_version(self) -> str:
        """apps/v1, v1"""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def resource(self) -> str:
        """deployments.apps, pods"""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    def path(self, namespace: str | None, name: str = "") -> str:
        """Of the collection, or of the object `name` in it."""
        root = f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"
        home = f"/namespaces/{quote(namespace, safe='')}" if self.namespaced and namespace else ""
        return f"{root}{home}/{self.plural}" + (f"/{quote(name, safe='')}" if name else "")


class _Resource(msgspec.Struct):
    name: str
    kind: str
    namespaced: bool = False
    verbs: list[str] = []


class _Resources(msgspec.Struct):
    resources: list[_Resource] | None = None


class _Version(msgspec.Struct, rename="camel"):
    group_version: str


class _Group(msgspec.Struct, rename="camel"):
    preferred_version: _Version


class _Groups(msgspec.Struct):
    groups: list[_Group] | None = None


_RESOURCES, _GROUPS = msgspec.json.Decoder(_Resources), msgspec.json.Decoder(_Groups)


class Kinds:
    """The kinds of one cluster, each version asked for once."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._known: dict[str, asyncio.Task[tuple[Kind, ...]]] = {}

    async def find(self, api_version: str, name: str) -> Kind | None:
        """The kind as a manifest names it; None: this cluster has none such."""
        return next((kind for kind in await self._version(api_version) if kind.name == name), None)

    async def living(self) -> tuple[tuple[Kind, ...], tuple[str, ...]]:
        """(every namespaced kind whose objects can be listed, created and deleted; versions that did not answer).

        Each once, in the version that its group prefers. A group whose own server is down does not answer.
        """
        groups = (await self._connection.get_object("/apis", _GROUPS)).groups or []
        versions = ["v1", *(group.preferred_version.group_version for group in groups)]
        told = await asyncio.gather(*(self._answered(version) for version in versions))
        kinds = [kind for found in told for kind in found or ()]
        kept = tuple(kind for kind in kinds if kind.namespaced and {"list", "create", "delete"} <= kind.verbs)
        return kept, tuple(version for version, found in zip(versions, told, strict=True) if found is None)

    async def _answered(self, version: str) -> Sequence[Kind] | None:
        try:
            return await self._version(version)
        except ApiError as error:
            if error.status in (403, 503):
                return None
            raise

    async def _version(self, api_version: str) -> tuple[Kind, ...]:
        if api_version not in self._known:
            self._known[api_version] = asyncio.ensure_future(self._ask(api_version))
        return await self._known[api_version]

    async def _ask(self, api_version: str) -> tuple[Kind, ...]:
        group, _, version = api_version.rpartition("/")
        path = (
            f"/apis/{quote(group, safe='')}/{quote(version, safe='')}" if group else f"/api/{quote(version, safe='')}"
        )
        try:
            found = await self._connection.get_object(path, _RESOURCES)
        except ApiError as error:
            if error.status == 404:  # the API says so in plain text: it has no such group or version
                return ()
            raise
        return tuple(
            Kind(
                group=group,
                version=version,
                name=one.kind,
                plural=one.name,
                namespaced=one.namespaced,
                verbs=frozenset(one.verbs),
            )
            for one in found.resources or []
            if "/" not in one.name
        )
