"""`python -m tests.pictures`: the README's pictures, taken from live drills."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

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
    print(FOLDER / "console.svg")


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
