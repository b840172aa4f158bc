"""Lists: selection, pages that stay consistent while the cluster changes, and resourceVersion rules."""

from __future__ import annotations

import base64
import binascii
import json
from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass

from aurora_tui.drill.kubernetes.kinds import Kind
from aurora_tui.drill.kubernetes.options import check_list, number, version
from aurora_tui.drill.kubernetes.selectors import Predicate, both, everything, field_selector, label_selector
from aurora_tui.drill.kubernetes.status import bad_request, expired, version_too_large
from aurora_tui.drill.kubernetes.store import Entry, ObjectStore

_TOO_OLD = (
    "The provided continue parameter is too old to display a consistent list result. You can start a new list without "
    "the continue parameter, or use the continue token in this response to retrieve the remainder of the results. "
    "Continuing with the provided token results in an inconsistent list - objects that were created, modified, or "
    "deleted between the time the first chunk was returned and now may show up in the list."
)


@dataclass(frozen=True, slots=True)
class Page:
    """Some of a list, as of `revision`; `more` is the token for the next page, `remaining` None when not counted."""

    entries: list[Entry]
    revision: int
    more: str = ""
    remaining: int | None = None

    def meta(self) -> dict[str, object]:
        """The list's metadata."""
        meta: dict[str, object] = {"resourceVersion": str(self.revision)}
        if self.more:
            meta["continue"] = self.more
            if self.remaining is not None:
                meta["remainingItemCount"] = self.remaining
        return meta


def selection(query: Mapping[str, str], kind: Kind, name: str = "") -> Predicate:
    """The label and field selectors of a query, and the name of a watch on one object."""
    chosen = both(label_selector(query.get("labelSelector", "")), field_selector(query.get("fieldSelector", ""), kind))
    if name:
        chosen = both(lambda thing: bool(thing["metadata"]["name"] == name), chosen)
    return chosen


def page(store: ObjectStore, kind: Kind, namespace: str | None, query: Mapping[str, str]) -> Page:
    """The page of a list that `query` asks for; Refused 400, 410, 504."""
    check_list(query)
    select = selection(query, kind)
    limit, token = number(query, "limit"), query.get("continue", "")
    revision, start = store.revision, ""
    asked = version(query)
    if token:
        if asked:
            raise bad_request("specifying resource version is not allowed when using continue")
        revision, start = _read(token)
        if 0 < revision < store.compacted:
            fresh = _token(store.revision, start)
            raise expired(_TOO_OLD, {"continue": fresh, "resourceVersion": str(store.revision)})
    elif asked > store.revision:
        raise version_too_large(asked, store.revision)
    elif query.get("resourceVersionMatch") == "Exact":
        revision = asked
        if revision < store.compacted:
            raise expired(f"The resourceVersion for the provided list is too old: {asked} ({store.compacted})")
    now = revision == store.revision
    entries = store.entries(kind, namespace) if now else store.at(kind, namespace, revision)
    if start:
        entries = entries[bisect_left(entries, start, key=lambda entry: _place(entry, namespace)) :]
    if select is not everything:
        entries = [entry for entry in entries if select(entry.thing)]
    if not limit or len(entries) <= limit:
        return Page(entries, revision)
    more = _token(revision, _place(entries[limit - 1], namespace) + "\0")
    remaining = len(entries) - limit if select is everything else None
    return Page(entries[:limit], revision, more, remaining)


def _place(entry: Entry, namespace: str | None) -> str:
    meta = entry.thing["metadata"]
    if namespace is None and entry.kind.namespaced:
        return f"{meta['namespace']}/{meta['name']}"
    return str(meta["name"])


def _token(revision: int, start: str) -> str:
    text = json.dumps({"v": "meta.k8s.io/v1", "rv": revision, "start": start}, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _read(token: str) -> tuple[int, str]:
    try:
        raw = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
        said = json.loads(raw)
        return int(said["rv"]), str(said["start"]).removeprefix("/")
    except (binascii.Error, ValueError, KeyError, TypeError) as wrong:
        why = "continue key is not valid"
        if not isinstance(wrong, KeyError):
            raw = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)) if len(token) % 4 != 1 else b"?"
            first = raw[:1].decode("latin-1") or "?"
            shown = first if first.isprintable() and first.isascii() else f"\\x{ord(first):02x}"
            why += f": invalid character '{shown}' looking for beginning of value"
        raise bad_request(f"invalid continue token: {why}") from wrong
