"""The history as OpenMetrics text, for `promtool tsdb create-blocks-from openmetrics`.

https://github.com/OpenObservability/OpenMetrics/blob/main/specification/OpenMetrics.md
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from aurora_tui.drill.history import History
from aurora_tui.drill.series import SIMULATOR_JOB, Generation

_FINE = 33 * 3600.0
"""The newest part, which holds the running phase, is written whole; of what is older a sample a minute."""
_STEP = 4
_LOOKED_AT_CLOSELY = 3600.0


def write_openmetrics(path: Path, history: History, generation: Generation, instances: Mapping[str, str]) -> None:
    """Write every series to `path`. The simulator's own are thinned more: criteria do not look at them."""
    times = history.times
    stamps = [f" {moment:.0f}\n" for moment in times]
    end = times[-1]
    with path.open("w", encoding="utf-8") as file:
        for labels, values in history.series(generation, instances):
            fine = _LOOKED_AT_CLOSELY if labels.get("job") == SIMULATOR_JOB else _FINE
            first = next(place for place, moment in enumerate(times) if moment > end - fine)
            places = [*range(0, first, _STEP), *range(first, len(times))]
            pairs = ",".join(f"{name}={json.dumps(value)}" for name, value in labels.items() if name != "__name__")
            head = f"{labels['__name__']}{{{pairs}}} "
            file.write("".join([f"{head}{values[place]!r}{stamps[place]}" for place in places]))
        file.write("# EOF\n")
