"""The console on a made-up world, as a program of its own: for tests in a real terminal and for measuring.

python -m tests.console.program go|watch|breaching|blind|huge|dying|crash|usage|silent
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from aurora_tui.errors import UsageError

if TYPE_CHECKING:
    from aurora_tui.console.feed import Feed
    from aurora_tui.situation.situation import Situation


class LivingFeed:
    """Tells the same Situation every second, its clock and its lights moving as in a healthy world."""

    def __init__(self, base: Situation, ends: str) -> None:
        self._base = base
        self._ends = ends

    async def run(self, tell: Callable[[Situation], None]) -> None:
        import msgspec

        started = time.monotonic()
        while True:
            elapsed = time.monotonic() - started
            lights = tuple(
                light
                if light.observed_at is None or light.error
                else msgspec.structs.replace(light, observed_at=self._base.now + elapsed - elapsed % 5)
                for light in self._base.lights
            )
            tell(msgspec.structs.replace(self._base, now=self._base.now + elapsed, lights=lights))
            if self._ends == "dying":
                raise RuntimeError("the war room fell over")
            if self._ends == "crash":
                tell(msgspec.structs.replace(self._base, phase="not a phase"))
            if self._ends == "silent":
                await asyncio.sleep(3600)
            await asyncio.sleep(1.0)

    async def pod_log(self, namespace: str, pod: str, container: str | None, lines: int) -> str:
        return "listening on :8080\n" * lines

    async def close(self) -> None:
        pass


def main(argv: list[str]) -> int:
    from aurora_tui.console.launch import launch
    from aurora_tui.settings import Overrides, load

    name = argv[0] if argv else "go"

    def make() -> Feed:
        from tests.console import situations

        if name == "usage":
            raise UsageError("context bastion-eu is not in the kubeconfig", "Choose one of: local.")
        return LivingFeed(getattr(situations, name, situations.go)(), name)

    return launch(load(overrides=Overrides(environment="production")), make)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
