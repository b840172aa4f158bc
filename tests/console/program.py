"""The console on a made-up world, as a program of its own: for tests in a real terminal and for measuring.

python -m tests.console.program go|watch|breaching|blind|huge|dying|crash|usage|silent|stubborn
python -m tests.console.program ticking FILE    (the number of Situations told so far is kept in FILE)
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from aurora_tui.errors import UsageError

if TYPE_CHECKING:
    from aurora_tui.console.feed import Feed
    from aurora_tui.situation.situation import Situation

TICK = 0.1  # seconds


class LivingFeed:
    """Tells the same Situation every second, its clock and its lights moving as in a healthy world."""

    def __init__(self, base: Situation, ends: str) -> None:
        self._base = base
        self._ends = ends

    def at(self, elapsed: float) -> Situation:
        """The Situation `elapsed` seconds after the first, every light as young as it was then."""
        import msgspec

        lights = tuple(
            light
            if light.observed_at is None or light.error
            else msgspec.structs.replace(light, observed_at=self._base.now + elapsed - elapsed % 5)
            for light in self._base.lights
        )
        return msgspec.structs.replace(self._base, now=self._base.now + elapsed, lights=lights)

    async def run(self, tell: Callable[[Situation], None]) -> None:
        import msgspec

        started = time.monotonic()
        while True:
            tell(self.at(time.monotonic() - started))
            if self._ends == "dying":
                raise RuntimeError("the war room fell over")
            if self._ends == "crash":
                tell(msgspec.structs.replace(self._base, phase="not a phase"))
            if self._ends == "silent":
                await asyncio.sleep(3600)
            await asyncio.sleep(1.0)

    async def pod_log(self, namespace: str, pod: str, container: str | None, lines: int) -> str:
        return "listening on :8080\n" * lines

    def hurry(self) -> None:
        pass

    async def close(self) -> None:
        pass


class TickingFeed(LivingFeed):
    """Tells a Situation every `TICK` seconds that differs in every panel, and counts in a file how often it did."""

    def __init__(self, base: Situation, file: Path) -> None:
        super().__init__(base, "")
        self._file = file

    async def run(self, tell: Callable[[Situation], None]) -> None:
        import msgspec

        from tests.console import situations

        replace, base, number = msgspec.structs.replace, self._base, 0
        while True:
            number += 1
            reason = replace(base.verdict.reasons[0], text=f"tick {number}")
            many = tuple(situations.alert(f"Tick{number}of{row}") for row in range(9))
            slos = tuple(replace(slo, value=float(number % 90 + 10)) for slo in base.slos)
            verdict = replace(base.verdict, reasons=(reason,))
            tell(replace(self.at(number * TICK), verdict=verdict, alerts=many, slos=slos))
            self._file.write_text(str(number))
            await asyncio.sleep(TICK)


class StubbornFeed(LivingFeed):
    """Neither stops when it is cancelled nor closes."""

    async def run(self, tell: Callable[[Situation], None]) -> None:
        while True:
            try:
                await super().run(tell)
            except asyncio.CancelledError:
                continue

    async def close(self) -> None:
        await asyncio.sleep(3600)


def main(argv: list[str]) -> int:
    from aurora_tui.console.launch import launch
    from aurora_tui.settings import Overrides, load

    name = argv[0] if argv else "go"

    def make() -> Feed:
        from tests.console import situations

        if name == "usage":
            raise UsageError("context bastion-eu is not in the kubeconfig", "Choose one of: local.")
        if name == "ticking":
            return TickingFeed(situations.go(), Path(argv[1]))
        if name == "stubborn":
            return StubbornFeed(situations.go(), name)
        return LivingFeed(getattr(situations, name, situations.go)(), name)

    return launch(load(overrides=Overrides(environment="production")), make)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
