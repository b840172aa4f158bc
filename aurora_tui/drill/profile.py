"""The files with which consoles, kubectl and scripts join a world: a profile for `--config`, and a kubeconfig."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path

from aurora_tui.clock import Clock
from aurora_tui.drill.manifests import NAMESPACE

CONTEXT = "drill"


def profile(clock: Clock, ledger: Path, kubeconfig: Path, urls: Mapping[str, str]) -> str:
    """TOML to lay over the mission: the drill's clock, ledger and environment. urls: as in the ready line."""
    text = json.dumps  # a JSON string is a TOML basic string
    # A look costs wall time: never more than one a second, however fast the world goes.
    interval = f"{max(5, math.ceil(clock.speed))}s"

    def probe(id: str, title: str, kind: str, url: str) -> str:
        return (
            f"[[environments.drill.probe]]\nid = {text(id)}\ntitle = {text(title)}\nkind = {text(kind)}\n"
            f"url = {text(url)}\ninterval = {text(interval)}\n"
        )

    return "\n".join(
        (
            "# Written by aurora-tui drill; it ends with it.",
            f"ledger = {text(str(ledger))}\n",
            "[clock]",
            f"real_origin = {clock.real_origin!r}\nworld_origin = {clock.world_origin!r}\nspeed = {clock.speed!r}\n",
            '[interface]\nenvironment = "drill"\n',
            '[environments.drill]\ndrill = true\ncolour = "accent"\nconfirm_word = "drill"\n',
            f"[environments.drill.cluster]\nnamespace = {text(NAMESPACE)}\ncontext = {text(CONTEXT)}",
            f"kubeconfig = {text(str(kubeconfig))}\n",
            f"[environments.drill.prometheus]\nurl = {text(urls['prometheus'])}\ninterval = {text(interval)}\n",
            f"[environments.drill.alertmanager]\nurl = {text(urls['alertmanager'])}\ninterval = {text(interval)}\n",
            probe("bridge", "bridge", "health", urls["bridge"] + "/health"),
            probe("exporter", "exporter", "exposition", urls["exporter"] + "/metrics"),
            probe("simulator", "simulator", "exposition", urls["simulator"] + "/metrics"),
        )
    )
