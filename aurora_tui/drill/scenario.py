"""A scenario: what happens in a drill and when, read from a TOML file and checked.

```toml
title = "The canary gets slow"
seed = 7

[phase]
id = "canary"
elapsed = "31h12m"

[[event]]
at = "60s"                  # world time after the start
do = "latency-surge"        # one of the events of this module, of cluster_events.py or of hindrances.py
factor = 1.5
```
"""

from __future__ import annotations

import difflib
import tomllib
from pathlib import Path
from typing import Any

import msgspec

from aurora_tui.drill import cluster_events, hindrances
from aurora_tui.drill.cluster_events import CLUSTER_EVENTS, MOST_IN_TROUBLE, ClusterEvent
from aurora_tui.drill.happening import Happening
from aurora_tui.drill.hindrances import HINDRANCES, Hindrance
from aurora_tui.drill.market import NAMES
from aurora_tui.errors import UsageError
from aurora_tui.situation.duration import Duration


class LatencySurge(Happening, frozen=True, kw_only=True, tag="latency-surge"):
    """Round trips take `factor` times as long: through the canary's bridge, or at one `provider`.

    On the bridge it lasts as long as the canary runs the image that it runs at that moment.
    """

    factor: float
    provider: str | None = None


class PolicySlowdown(Happening, frozen=True, kw_only=True, tag="policy-slowdown"):
    """Policy decisions take `factor` times as long, as long as the canary runs its present image."""

    factor: float


class FillDrop(Happening, frozen=True, kw_only=True, tag="fill-drop"):
    """The treaty's fill rate becomes `factor` times what it was, as long as the canary runs its present image."""

    factor: float


class ProvenanceLoss(Happening, frozen=True, kw_only=True, tag="provenance-loss"):
    """The treaty's provenance coverage falls to `coverage`, as long as the canary runs its present image."""

    coverage: float


class CanaryCrash(Happening, frozen=True, kw_only=True, tag="canary-crash"):
    """The first `pods` pods of the canary's present image start to crash again and again."""

    pods: int = 1


class Outage(Happening, frozen=True, kw_only=True, tag="outage"):
    """A provider stops answering, until `recover`."""

    provider: str


class PriceSpike(Happening, frozen=True, kw_only=True, tag="price-spike"):
    """A provider's price is multiplied, until `recover`."""

    provider: str
    factor: float


class DemandSpike(Happening, frozen=True, kw_only=True, tag="demand-spike"):
    """Tenants ask for `factor` times as much, until `recover`."""

    factor: float


class ExporterStop(Happening, frozen=True, kw_only=True, tag="exporter-stop"):
    """An exporter stops listening: "aurora" or "simulator"."""

    exporter: str = "aurora"


class ExporterStart(Happening, frozen=True, kw_only=True, tag="exporter-start"):
    """A stopped exporter listens again, on the same port."""

    exporter: str = "aurora"


class RaiseAlert(Happening, frozen=True, kw_only=True, tag="alert"):
    """An alert is posted to the Alertmanager; it resolves by itself `lasts` later (or after the server's own time)."""

    labels: dict[str, str]
    annotations: dict[str, str] = msgspec.field(default_factory=dict)
    lasts: Duration | None = None


class Recover(Happening, frozen=True, kw_only=True, tag="recover"):
    """Everything ends: exporters and the API listen, nodes return, writes are let through. What crashed stays so."""


Event = (
    LatencySurge
    | PolicySlowdown
    | FillDrop
    | ProvenanceLoss
    | CanaryCrash
    | Outage
    | PriceSpike
    | DemandSpike
    | ExporterStop
    | ExporterStart
    | RaiseAlert
    | Recover
    | ClusterEvent
    | Hindrance
)
_KINDS: tuple[type[Happening], ...] = (
    LatencySurge,
    PolicySlowdown,
    FillDrop,
    ProvenanceLoss,
    CanaryCrash,
    Outage,
    PriceSpike,
    DemandSpike,
    ExporterStop,
    ExporterStart,
    RaiseAlert,
    Recover,
    *CLUSTER_EVENTS,
    *HINDRANCES,
)
EVENTS = tuple(str(kind.__struct_config__.tag) for kind in _KINDS)
EXPORTERS = ("aurora", "simulator")


class Done(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Something of the phase that was done `after` its start: a checkpoint's or checklist item's id."""

    item: str
    after: Duration
    evidence: str | None = None


class StartedPhase(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The phase that already runs when the drill begins."""

    id: str = "canary"
    elapsed: Duration = Duration(31 * 3600 + 12 * 60)
    done: tuple[Done, ...] = ()


class Scenario(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A drill's plot. Events are in the order of their moments."""

    name: str = ""
    title: str = ""
    about: str = ""
    seed: int = 7
    phase: StartedPhase = StartedPhase()
    event: tuple[Event, ...] = ()


def read(path: Path) -> Scenario:
    """The scenario in `path`, named after the file. UsageError names the file, the place and what would be right."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise UsageError(f"Cannot read the scenario {path}: {reason}", "Name a readable TOML file.") from error
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{path} is not TOML: {error}", "Correct it there.") from error
    try:
        scenario = msgspec.convert(raw, Scenario, dec_hook=_decode)
        for place, event in enumerate(scenario.event):
            _check(event, f"$.event[{place}]")
    except msgspec.ValidationError as error:
        raise UsageError(f"{path}: {error}", _advice(str(error), raw)) from error
    ordered = tuple(sorted(scenario.event, key=lambda event: event.at))
    return msgspec.structs.replace(scenario, name=path.stem, event=ordered)


def event_of(raw: object) -> Event:
    """One event as the control endpoint gets it, in the scenario's vocabulary; UsageError when it is none."""
    try:
        event: Event = msgspec.convert(raw, Event, dec_hook=_decode)
        _check(event, "$")
    except msgspec.ValidationError as error:
        raise UsageError(f"Not an event: {error}", _advice(str(error), raw)) from error
    return event


def find(name: str, folders: tuple[Path, ...]) -> Path:
    """The scenario file called `name` in one of `folders`, or the file of that path. UsageError lists what there is."""
    as_path = Path(name)
    if as_path.suffix == ".toml" or len(as_path.parts) > 1:
        return as_path
    for folder in folders:
        if (folder / f"{name}.toml").is_file():
            return folder / f"{name}.toml"
    known = sorted({path.stem for folder in folders for path in folder.glob("*.toml")})
    raise UsageError(f"There is no scenario {name!r}", f"Choose {', '.join(known)}, or give a file's path.")


def _decode(kind: type[Any], value: object) -> object:
    if kind is Duration:
        if not isinstance(value, str):
            raise ValueError(f"{value!r} is not a duration; write for example 60s, 5m or 31h12m in quotes")
        return Duration.parse(value)
    raise NotImplementedError(f"cannot decode {kind}")


def _check(event: Event, place: str) -> None:
    """What types cannot say. Raises msgspec.ValidationError, as a wrong type does."""
    cluster_events.check(event, place)
    hindrances.check(event, place)
    factor = getattr(event, "factor", 1.0)
    if not 0.0 < factor <= 100.0:
        raise msgspec.ValidationError(f"{factor} is not a factor above 0 and at most 100 - at `{place}.factor`")
    provider = getattr(event, "provider", None)
    if provider is not None and provider not in NAMES:
        raise msgspec.ValidationError(f"{provider!r} is not one of {', '.join(NAMES)} - at `{place}.provider`")
    if isinstance(event, ExporterStop | ExporterStart) and event.exporter not in EXPORTERS:
        raise msgspec.ValidationError(
            f"{event.exporter!r} is not one of {', '.join(EXPORTERS)} - at `{place}.exporter`"
        )
    if isinstance(event, ProvenanceLoss) and not 0.0 <= event.coverage <= 1.0:
        raise msgspec.ValidationError(f"{event.coverage} is not between 0 and 1 - at `{place}.coverage`")
    if isinstance(event, CanaryCrash) and not 1 <= event.pods <= MOST_IN_TROUBLE:
        raise msgspec.ValidationError(f"{event.pods} is not a number of pods - at `{place}.pods`")
    if isinstance(event, RaiseAlert) and not event.labels.get("alertname"):
        raise msgspec.ValidationError(f"an alert needs the label alertname - at `{place}.labels`")


def _advice(message: str, raw: object) -> str:
    """What would be right, as far as the message tells."""
    if "do`" in message or "`do`" in message:
        given = _kinds_given(raw)
        wrong = next((kind for kind in given if kind not in EVENTS), "")
        near = difflib.get_close_matches(wrong, EVENTS, n=1)
        meant = f"Did you mean {near[0]}? " if near else ""
        return f"{meant}`do` is one of: {', '.join(EVENTS)}."
    return "Correct it there."


def _kinds_given(raw: object) -> list[str]:
    events = raw.get("event", [raw]) if isinstance(raw, dict) else []
    return [str(each.get("do", "")) for each in events if isinstance(each, dict)]
