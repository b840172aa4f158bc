"""`python -m tests.pictures`: the README's pictures, taken from live drills."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from textual.pilot import Pilot

from aurora_tui.console.acting.real import RealDesk
from aurora_tui.console.app import AuroraApp
from aurora_tui.console.picture import take
from aurora_tui.settings import load
from aurora_tui.warroom import Warroom
from tests.drills import served
from tests.terminal import AURORA

FOLDER = Path(__file__).resolve().parents[1] / "ops/pictures"
INTO_THE_BREACH = 6 * 60.0  # world seconds: far enough to see the clock and the alerts
_LIMIT = 120.0


def main() -> None:
    """Take them."""
    FOLDER.mkdir(exist_ok=True)
    with served("--scenario", "rtt-surge", "--speed", "20") as world:
        _wait_for_the_breach(world["profile"])
        subprocess.run((*AURORA, "--config", world["profile"], "--screenshot", str(FOLDER / "console.svg")), check=True)
        _dialog(Path(world["profile"]), FOLDER / "dialog.svg")
    print(FOLDER / "console.svg", FOLDER / "dialog.svg", sep="\n")


def _dialog(profile: Path, to: Path) -> None:
    """The confirmation of the rollback, planned on the live drill and not approved."""
    settings = load([profile])
    app = AuroraApp(settings, lambda: Warroom(settings), make_desk=lambda: RealDesk(settings))
    app.run(headless=True, size=(120, 36), auto_pilot=take(to, 0.0, _planned))
    if app.crash is not None:
        raise app.crash
    if app.farewell:
        sys.exit(app.farewell)


async def _planned(driver: Pilot[Any]) -> None:
    await driver.press("R")
    assert isinstance(driver.app, AuroraApp)
    async with asyncio.timeout(_LIMIT):
        while (layer := driver.app.acting.layer) is None or "holds for" not in layer.text:
            await driver.pause(0.1)


def _wait_for_the_breach(profile: str) -> None:
    end = time.monotonic() + _LIMIT
    while time.monotonic() < end:
        done = subprocess.run((*AURORA, "status", "--json", "--config", profile), capture_output=True, check=False)
        situation = json.loads(done.stdout)
        breaching = [item for item in situation["criteria"] if item["state"] == "breaching"]
        if breaching and situation["now"] - breaching[0]["since"] > INTO_THE_BREACH:
            return
    sys.exit("the breach did not come")


if __name__ == "__main__":
    main()
