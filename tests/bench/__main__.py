"""`ops/bin/bench`: speed as a table, each figure beside its limit, a bare Textual program measured in the same run.

Times are wall seconds on whatever machine runs this; quote medians and ratios. Nothing here gates a test.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import textwrap
import time

from tests.bench import acting, large, table
from tests.bench.table import Row
from tests.drills import served
from tests.terminal import AURORA, Terminal

_HELLO = textwrap.dedent(
    """
    from textual.app import App
    from textual.widgets import Static
    class Hello(App):
        BINDINGS = [("q", "quit")]
        def compose(self):
            yield Static("hello")
    Hello().run()
    """
)


def first_paint(command: tuple[str, ...], runs: int) -> list[float]:
    """Seconds to the first paint, a run each, after one that warms the caches."""
    taken = []
    for _ in range(runs + 1):
        with Terminal(command, columns=120, rows=40) as terminal:
            taken.append(terminal.until_painted())
            terminal.send("q")
            terminal.pump(0.2)
    return taken[1:]


def filled(text: str) -> bool:
    """Whether every panel shows what it is for: a verdict, four SLO values, pods or deployments, timers, lights."""
    wanted = ("Fill rate", "RTT", "Provenance", "Policy", "aurora-bridge", "Ledger backup")
    words = (" GO", "WATCH", "ROLL BACK", "▌GO")
    return (
        all(word in text for word in wanted)
        and any(word in text for word in words)
        and not any(word in text.lower() for word in ("waiting", "reading its history", "— %"))
        and "BLIND" not in text
    )


def paint_rows(runs: int) -> list[Row]:
    """First paint of the console beside a bare Textual program, alternating so that noise hits both."""
    hello: list[float] = []
    ours: list[float] = []
    with served() as world:
        console = (*AURORA, "--config", world["profile"])
        for _ in range(runs):
            hello += first_paint((sys.executable, "-c", _HELLO), 1)
            ours += first_paint(console, 1)
    base, mine = statistics.median(hello), statistics.median(ours)
    return [
        Row("first paint, a bare Textual hello", f"{base * 1000:.0f} ms", "the baseline", True),
        Row(
            "first paint, the console",
            f"{mine * 1000:.0f} ms ({mine / base:.2f} × hello)",
            "≤ 1.7 × hello",
            mine <= 1.7 * base,
        ),
    ]


def running_rows(runs: int, quiet: float) -> list[Row]:
    """Against a running drill: panels filled, bytes of a quiet stretch, memory, processor."""
    fills = []
    with served() as world:
        console = (*AURORA, "--config", world["profile"])
        for _ in range(runs):
            with Terminal(console) as terminal:
                fills.append(terminal.until(filled, 20, "a filled screen"))
        with Terminal(console) as terminal:
            terminal.until(filled, 20, "a filled screen")
            terminal.quiet_bytes(5)
            before = terminal.cpu_seconds()
            rate = terminal.quiet_bytes(quiet) / quiet
            cpu = (terminal.cpu_seconds() - before) / quiet
            memory = terminal.peak_memory()
    fill = statistics.median(fills)
    return [
        Row("all panels filled after start, drill running", f"{fill:.2f} s", "≤ 1.5 s", fill <= 1.5),
        Row(f"quiet {quiet:.0f} s, clocks ticking", f"{rate:.0f} B/s", "≤ 1024 B/s", rate <= 1024),
        Row("processor while quiet", f"{cpu:.1%} of a core", "no limit yet", True),
        Row("memory of the console, peak", f"{memory:.0f} MB", "≤ 90 MB", memory <= 90),
    ]


def drill_rows(runs: int) -> list[Row]:
    """`aurora-tui drill` from the command to a usable screen."""
    taken = []
    for _ in range(runs):
        with Terminal((*AURORA, "drill")) as terminal:
            taken.append(terminal.until(filled, 30, "a usable screen"))
            terminal.send("q")
            terminal.wait()
    seconds = statistics.median(taken)
    return [Row("drill: command to usable screen", f"{seconds:.2f} s", "≤ 4 s", seconds <= 4)]


def fold_rows(runs: int) -> list[Row]:
    """72 h at 15 s folded for the mission's measured criteria, and the whole of one assessment."""
    from tests.bench.folding import fold_seconds

    seconds = statistics.median(fold_seconds() for _ in range(runs))
    return [
        Row("72 h at 15 s folded, five criteria", f"{seconds * 1000:.0f} ms", "≤ 100 ms", seconds <= 0.1),
    ]


def small(runs: int, quiet: float) -> None:
    """Measure and print the table of an everyday world."""
    rows = [*paint_rows(runs), *running_rows(runs, quiet), *fold_rows(runs), *drill_rows(runs)]
    table.show(f"figure (median of {runs})", rows)


def main() -> None:
    """Measure and print the tables."""
    parser = argparse.ArgumentParser(prog="ops/bin/bench", description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--quiet", type=float, default=60.0, help="seconds of the quiet stretch")
    only = parser.add_mutually_exclusive_group()
    only.add_argument("--large", action="store_true", help="only the large world (two minutes a run)")
    only.add_argument("--acting", action="store_true", help="only acting (half a minute a run)")
    parser.add_argument("--churn", type=float, default=10.0, help="seconds of each stretch in the large world")
    chosen = parser.parse_args()
    began = time.monotonic()
    if not (chosen.large or chosen.acting):
        small(chosen.runs, chosen.quiet)
    if not chosen.acting:
        table.show(f"large: {large.TITLE}", large.rows(chosen.runs, chosen.churn))
    if not chosen.large:
        table.show(acting.TITLE, acting.rows(chosen.runs))
    print(f"{time.monotonic() - began:.0f} s in all")


if __name__ == "__main__":
    main()
