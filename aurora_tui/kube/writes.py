"""Reading single objects raw, and writing them: never through models, which drop the fields they do not know.

Every write names `fieldManager=aurora-tui` and `fieldValidation=Strict`; with `dry_run` the server does everything
but keep it (https://kubernetes.io/docs/reference/using-api/api-concepts/#dry-run). ApiError, Unreachable, Unreadable.
`seconds`: how long one request may take, whole. A write that got no answer may have been done: read again.
"""

from __future__ import annotations

from enum import Enum
from typing import Any

import msgspec

from aurora_tui.kube.connection import WHOLE_SECONDS, Connection, decode
from aurora_tui.kube.errors import ApiError, describe_request

MANAGER = "aurora-tui"
Object = dict[str, Any]

_OBJECT = msgspec.json.Decoder(dict[str, Any])
_PAGE = 500


class PatchType(Enum):
    """Content types of a patch."""

    MERGE = "application/merge-patch+json"
    JSON = "application/json-patch+json"
    STRATEGIC = "application/strategic-merge-patch+json"
    APPLY = "application/apply-patch+yaml"  # server-side, never by force: JSON is YAML


async def read(connection: Connection, path: str, *, seconds: float = WHOLE_SECONDS) -> Object | None:
    """The object at `path`; None when the API says that there is none."""
    try:
        return await connection.get_object(path, _OBJECT, whole_seconds=seconds)
    except ApiError as error:
        if error.status == 404 and error.reason == "NotFound":  # a proxy's own 404 is no word on objects
            return None
        raise


async def read_all(connection: Connection, path: str, selector: str = "") -> list[Object]:
    """Every object of the collection at `path` that a label selector picks, page by page."""
    query: dict[str, str | int] = {"limit": _PAGE}
    if selector:
        query["labelSelector"] = selector
    found: list[Object] = []
    while True:
        page = await connection.get_object(path, _OBJECT, query)
        found += page.get("items") or []
        token = (page.get("metadata") or {}).get("continue")
        if not token:
            return found
        query["continue"] = token


async def patch(
    connection: Connection,
    path: str,
    body: Object | list[Object],
    kind: PatchType,
    *,
    dry_run: bool = False,
    seconds: float = WHOLE_SECONDS,
) -> Object:
    """Patch the object at `path`; the object as it is then."""
    return await _written(connection, "PATCH", path, body, dry_run, seconds, kind.value)


async def create(
    connection: Connection, path: str, body: Object, *, dry_run: bool = False, seconds: float = WHOLE_SECONDS
) -> Object:
    """Create `body` in the collection at `path`; the object as it is then."""
    return await _written(connection, "POST", path, body, dry_run, seconds)


async def replace(
    connection: Connection, path: str, body: Object, *, dry_run: bool = False, seconds: float = WHOLE_SECONDS
) -> Object:
    """Put `body` in the place of the object at `path`; 409 when its resourceVersion is no longer the object's."""
    return await _written(connection, "PUT", path, body, dry_run, seconds)


async def delete(
    connection: Connection,
    path: str,
    *,
    uid: str,
    version: str | None = None,
    propagation: str = "Background",
    grace: int | None = None,
    dry_run: bool = False,
) -> None:
    """Delete the object at `path` if it is the one with that uid (and version); 409 when it is another, 404 none."""
    preconditions = {"uid": uid} if version is None else {"uid": uid, "resourceVersion": version}
    body: Object = {
        "apiVersion": "v1",
        "kind": "DeleteOptions",
        "preconditions": preconditions,
        "propagationPolicy": propagation,
    }
    if grace is not None:
        body["gracePeriodSeconds"] = grace
    if dry_run:
        body["dryRun"] = ["All"]
    await connection.request("DELETE", path, body=body)


async def _written(
    connection: Connection,
    method: str,
    path: str,
    body: Any,
    dry_run: bool,
    seconds: float,
    content_type: str = "application/json",
) -> Object:
    query = {"fieldManager": MANAGER, "fieldValidation": "Strict"}
    if dry_run:
        query["dryRun"] = "All"
    answer = await connection.request(method, path, query, body=body, content_type=content_type, whole_seconds=seconds)
    return decode(_OBJECT, answer.body, describe_request(method, path))
