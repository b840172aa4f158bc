"""A picture of the console on a made-up situation: `python -m tests.console.picture OUT.svg [SITUATION]`."""

from __future__ import annotations

import sys
from pathlib import Path

from aurora_tui.console.launch import launch
from tests.console import situations as made_up
from tests.console.situations import MadeUpFeed


def main(argv: list[str]) -> int:
    if not argv:
        print(__doc__, file=sys.stderr)
        return 2
    situation = getattr(made_up, argv[1] if len(argv) > 1 else "breaching")()
    return launch(made_up.settings(), lambda: MadeUpFeed(situation), screenshot=Path(argv[0]))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
