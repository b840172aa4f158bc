"""Behind a filled screen: what acting needs is imported, and the cluster is told apart from every other.

So the first key that acts waits for nothing, and a plan is held against the cluster that the console opened on.
"""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aurora_tui.console.acting.flow import Acting
    from aurora_tui.console.pulse import Pulse

_FIRST_PAUSE, _LONGEST_PAUSE = 2.0, 60.0  # real seconds between two times that the cluster is asked in vain


async def ready(pulse: Pulse, acting: Callable[[], Acting], quiet: float) -> None:
    """After `quiet` real seconds import in one thread, never on the loop; then ask which cluster this is.

    Asked until it answers. Ends once it is known.
    A desk that cannot be made is told of by the key that wants it, which makes it anew.
    """
    await asyncio.sleep(quiet)
    await asyncio.to_thread(importlib.import_module, "aurora_tui.console.acting.flow")
    pause = _FIRST_PAUSE
    while True:
        try:
            desk = await acting().desk()
            await desk.recognise(pulse.situation)
        except Exception:  # noqa: BLE001 - the cluster's light tells it all the while, and so does a plan asked for
            await asyncio.sleep(pause)
            pause = min(_LONGEST_PAUSE, 2 * pause)
        else:
            return
