"""The kinds of step, each with its operation: found by the step's type, loaded when first needed."""

from __future__ import annotations

import functools
import importlib

from aurora_tui.actions.operation import Operation
from aurora_tui.situation.runbook import (
    AnyStep,
    Apply,
    Delete,
    DeletePod,
    Note,
    Patch,
    Restart,
    Restore,
    Scale,
    SetImage,
    Silence,
    Snapshot,
    Traffic,
    Undo,
    Wait,
)

# type of step → (module of this package, class)
_KINDS: dict[type, tuple[str, str]] = {
    Undo: ("undo", "UndoOperation"),
    Scale: ("scale", "ScaleOperation"),
    SetImage: ("template", "SetImageOperation"),
    Restart: ("template", "RestartOperation"),
    DeletePod: ("pods", "DeletePodOperation"),
    Patch: ("patch", "PatchOperation"),
    Traffic: ("traffic", "TrafficOperation"),
    Apply: ("manifests", "ApplyOperation"),
    Delete: ("removal", "DeleteOperation"),
    Snapshot: ("snapshot", "SnapshotOperation"),
    Restore: ("snapshot", "RestoreOperation"),
    Wait: ("wait", "WaitOperation"),
    Silence: ("silence", "SilenceOperation"),
    Note: ("note", "NoteOperation"),
}


def operation_of(step: AnyStep) -> Operation:
    """The operation that plans and carries out `step`."""
    return _operation(type(step))


@functools.cache
def _operation(kind: type) -> Operation:
    module, name = _KINDS[kind]
    operation: Operation = getattr(importlib.import_module(f"{__name__}.{module}"), name)()
    return operation
