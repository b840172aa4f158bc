"""Recorded watches, and how two streams are compared: what is told of each object, in the order in which it is told."""

from __future__ import annotations

from typing import Any

from tests.contract.kubernetes_recordings import comparable, differences

Event = dict[str, Any]
Told = tuple[str, dict[str, Any]]


def stories(events: list[Event]) -> dict[str, list[list[Told]]]:
    """What is told of each object, without repetition; those that look and begin alike (new pods) together."""
    by_name: dict[str, list[Told]] = {}
    for event in events:
        if event["type"] != "BOOKMARK":
            told = event["type"], comparable(event["object"])
            story = by_name.setdefault(event["object"]["metadata"].get("name", ""), [])
            if not story or story[-1] != told:
                story.append(told)
    alike: dict[str, list[list[Told]]] = {}
    for story in by_name.values():
        alike.setdefault(f"{story[0][0]} {_looks(story[0][1])}", []).append(story)
    return alike


def _looks(thing: dict[str, Any]) -> str:
    spec = thing.get("spec", {})
    containers = (spec.get("template") or {"spec": spec})["spec"].get("containers") or [{}]
    return f"{thing.get('kind')} {thing.get('metadata', {}).get('name')} {containers[0].get('image')}"


def missing(recorded: list[Told], ours: list[Told]) -> list[str]:
    """What was told in the recording and is not told here, or not in that order."""
    found, place = [], 0
    for type_, thing in recorded:
        later = [at for at in range(place, len(ours)) if ours[at] == (type_, thing)]
        if later:
            place = later[0] + 1
            continue
        candidates = [told for told in ours[place:] if told[0] == type_] or [told for told in ours if told[0] == type_]
        if not candidates:
            found.append(f"never {type_}")
        else:
            found.append(f"{type_}: " + "; ".join(min((differences(thing, one) for _, one in candidates), key=len)))
    return found
