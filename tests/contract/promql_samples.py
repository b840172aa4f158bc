"""The samples that both servers hold, and the remote-write request that gives them to the real one.

Remote write, because it alone carries stale markers. Source: https://prometheus.io/docs/concepts/remote_write_spec/
"""

from __future__ import annotations

import math
import random
import struct
from collections.abc import Callable, Iterable, Mapping

from aurora_tui.drill.prometheus.labels import Labels, labels_of
from aurora_tui.drill.prometheus.storage import STALE, Storage
from tests.contract.promql_ops import grafana_queries, metrics_in, mission_queries, rule_queries

START = 1_700_000_100.0
"""Unix seconds; a whole number of minutes, so that aligned and unaligned steps both occur."""
INTERVAL = 15.0
COUNT = 360
END = START + (COUNT - 1) * INTERVAL

Samples = list[tuple[float, float]]
BOUNDS = ("5", "10", "25", "50", "100", "350", "400", "1000", "+Inf")


def regular(value: Callable[[int], float | None], first: int = 0, last: int = COUNT) -> Samples:
    """Samples every 15 s; None leaves one out."""
    return [(START + index * INTERVAL, found) for index in range(first, last) if (found := value(index)) is not None]


def _counter(seed: int, resets: Iterable[int], step: float = 9.0, whole: bool = True) -> Samples:
    rng, total, out = random.Random(seed), 0.0, []
    fallen = set(resets)
    for index in range(COUNT):
        if index in fallen:
            total = 0.0
        total += rng.randint(0, int(step)) if whole else rng.random() * step
        out.append((START + index * INTERVAL, total))
    return out


def _histogram(seed: int, resets: Iterable[int], centre: float) -> dict[str, Samples]:
    rng, counts, total = random.Random(seed), [0.0] * len(BOUNDS), 0.0
    fallen = set(resets)
    columns: dict[str, Samples] = {bound: [] for bound in BOUNDS} | {"sum": []}
    for index in range(COUNT):
        if index in fallen:
            counts, total = [0.0] * len(BOUNDS), 0.0
        for _ in range(0 if 200 < index < 215 else rng.randint(3, 8)):
            seen = rng.expovariate(1 / (centre * (3 if index > 250 else 1)))
            total += seen
            counts = [count + (seen <= float(bound)) for count, bound in zip(counts, BOUNDS, strict=True)]
        at = START + index * INTERVAL
        for bound, count in zip(BOUNDS, counts, strict=True):
            columns[bound].append((at, count))
        columns["sum"].append((at, total))
    return columns


def all_series() -> dict[Labels, Samples]:
    """Counters with resets, histograms, gauges with gaps, NaN, ±Inf and ends, sparse and irregular times."""
    rng = random.Random(7)
    out: dict[Labels, Samples] = {}

    def add(metric: str, samples: Samples, /, **labels: str) -> None:
        out[labels_of({"__name__": metric, **labels})] = samples

    for treaty, resets, centre in (("A", (), 60.0), ("B", (100, 222), 200.0)):
        for bound, samples in _histogram(ord(treaty), resets, centre).items():
            if bound == "sum":
                add("treaty_rtt_ms_sum", samples, treaty_id=treaty, job="exporter")
                continue
            add("treaty_rtt_ms_bucket", samples, treaty_id=treaty, le=bound, job="exporter")
            if bound == "+Inf":
                add("treaty_rtt_ms_count", samples, treaty_id=treaty, job="exporter")
    # The rest of what the mission asks for, with the same shapes under its own names.
    for metric, bounds in (("treaty_fill_rate", ("0.7", "0.8", "0.9", "+Inf")), ("policy_decision_ms", BOUNDS)):
        for index, bound in enumerate(bounds):
            add(f"{metric}_bucket", _counter(60, (), 3.0 + 3 * index), treaty_id="A", le=bound)
        add(f"{metric}_count", _counter(60, (), 3.0 * len(bounds)), treaty_id="A")
        add(f"{metric}_sum", _counter(60, (), 2.0 * len(bounds)), treaty_id="A")
    add("treaty_rtt_ms", regular(lambda index: 200.0 + index), treaty_id="A")
    add("treaty_provenance_coverage", regular(lambda index: 0.97 - index / 10_000), treaty_id="A")
    for bound in ("0.5", "1"):  # no +Inf, and one whose bound cannot be read
        add("broken_bucket", _counter(3, ()), le=bound)
    add("broken_bucket", _counter(4, ()), le="wide")
    for bound in ("-1", "0", "1", "1.0", "+Inf"):  # bounds at and below zero; two that are equal
        add("odd_bucket", _counter(int(float(bound) * 2) if bound != "+Inf" else 9, (50,)), le=bound)

    for instance, seed, resets in (("a:1", 11, ()), ("b:1", 12, (30, 31, 180)), ("c:1", 13, range(20, 360, 40))):
        add("requests_total", _counter(seed, resets), instance=instance, job="bridge")
        add("bytes_total", _counter(seed + 50, resets, 1e6, whole=False), instance=instance, job="bridge")
        add("bridge_info", regular(lambda index: 1.0), instance=instance, version=f"1.{seed % 2}")
        add(
            "up",
            regular(lambda index, seed=seed: float((index // 40) % 3 != seed % 3)),
            instance=instance,
            job="bridge",
        )
    add("late_total", [(START + index * INTERVAL, 5.0 + index) for index in range(180, 360)], instance="a:1")

    def fill(index: int) -> float:
        return round(0.85 + 0.1 * math.sin(index / 20) + rng.random() / 50, 6)

    add("treaty_fill_rate", regular(fill), treaty_id="A")
    add("treaty_fill_rate", regular(lambda index: None if 90 <= index < 118 else fill(index)), treaty_id="B")
    add("treaty_fill_rate", regular(lambda index: STALE if index == 150 else fill(index), 0, 151), treaty_id="C")
    add(
        "treaty_fill_rate",
        regular(lambda index: STALE if index in (60, 200) else None if 60 < index < 80 else fill(index)),
        treaty_id="D",
    )
    odd = {17: math.nan, 18: math.nan, 40: math.inf, 41: math.inf, 70: -math.inf, 71: math.inf, 99: math.nan}
    add("odd_gauge", regular(lambda index: odd.get(index, float(index % 7 - 3))), kind="mixed")
    add("odd_gauge", regular(lambda index: math.nan), kind="nan")
    add("odd_gauge", regular(lambda index: -float(index)), kind="negative")
    add("odd_gauge", regular(lambda index: 0.0), kind="zero")
    add("sparse", regular(lambda index: float(index) if index % 17 == 0 else None), every="255s")
    jitter = random.Random(5)
    add(
        "irregular",
        [(round(START + index * INTERVAL + jitter.uniform(-4, 4), 3), jitter.gauss(100, 30)) for index in range(COUNT)],
    )
    _add_what_ops_asks_for(out)
    for index, name in enumerate(("x", "y", "z")):  # equal values, to choose among
        add("tied", regular(lambda step, index=index: float(step // 10 % (index + 1))), name=name)
    return out


def _add_what_ops_asks_for(out: dict[Labels, Samples]) -> None:
    """Something plain for each metric of ops that is not there yet: what rules record, what other exporters say."""
    known = {dict(labels)["__name__"] for labels in out}
    wanted = [
        found for query in (*mission_queries(), *rule_queries(), *grafana_queries()) for found in metrics_in(query)
    ]
    for number, (metric, fixed) in enumerate(wanted):
        if metric in known:
            continue
        for treaty, times in (("A", 1.0), ("B", 300.0)):  # on both sides of most thresholds
            for bound in BOUNDS if metric.endswith("_bucket") else ("",):
                labels = labels_of({"treaty_id": treaty, "le": bound, **fixed, "__name__": metric})
                rising = metric.endswith(("_bucket", "_count", "_sum", "_total"))
                scale = times * (1.0 + number % 7)
                out[labels] = _counter(number, (77,), scale) if rising else _wave(scale)


def _wave(scale: float) -> Samples:
    """A gauge around 1 that passes thresholds up to twice its scale, with an hour-long rhythm and a gap."""
    return regular(lambda index: None if 140 < index < 150 else scale * (1 + math.sin(index / 30)))


def fill_storage(storage: Storage) -> None:
    for labels, samples in all_series().items():
        storage.extend(labels, [at for at, _ in samples], [value for _, value in samples])


def remote_write_request() -> bytes:
    """All series as one snappy-compressed WriteRequest."""
    return write_request(all_series())


def write_request(series: Mapping[Labels, Samples]) -> bytes:
    return _snappy(b"".join(_field(1, _series(labels, samples)) for labels, samples in series.items()))


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def _field(number: int, body: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(body)) + body


def _series(labels: Labels, samples: Samples) -> bytes:
    named = b"".join(_field(1, _field(1, name.encode()) + _field(2, value.encode())) for name, value in labels)
    points = (b"\x09" + struct.pack("<d", value) + b"\x10" + _varint(round(at * 1000)) for at, value in samples)
    return named + b"".join(_field(2, point) for point in points)


def _snappy(data: bytes) -> bytes:
    """Snappy's block format, made of literals alone."""
    parts = [data[start : start + 65536] for start in range(0, len(data), 65536)]
    return _varint(len(data)) + b"".join(b"\xf4" + struct.pack("<H", len(part) - 1) + part for part in parts)
