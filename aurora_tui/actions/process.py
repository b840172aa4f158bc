"""The executor as a process of its own: a session without a terminal, so that nothing that ends the console ends it."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path

from aurora_tui.actions.claim import runs_folder
from aurora_tui.errors import AuroraError
from aurora_tui.settings import Settings

_ROOT = Path(__file__).resolve().parents[2]


def output_file(settings: Settings, run: str) -> Path:
    """What the run's executors print: only what cannot stand in the ledger."""
    return runs_folder(settings) / f"{run}.log"


def launch(settings: Settings, run: str) -> int:
    """Start the executor of the approved run; its process id. Returns at once. AuroraError when it cannot be started.

    It is given the settings' flags and this process's environment (KUBECONFIG …), nothing open, and no terminal.
    """
    path = output_file(settings, run)
    command = (sys.executable, "-P", "-m", "aurora_tui", "execute", run, *settings.arguments)
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        output = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            child = subprocess.Popen(
                command,
                start_new_session=True,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                close_fds=True,
                cwd="/",  # no folder stays in use; what the environment names is made absolute
                env=environment(os.environ),
            )
        finally:
            os.close(output)
    except OSError as error:
        raise AuroraError(
            f"The executor of run {run} cannot be started: {error.strerror}",
            f"Nothing was done. Go on with: aurora-tui resume {run}",
        ) from error
    # Whoever lives longer than it reads its end, so that it does not stay behind as a zombie.
    threading.Thread(target=child.wait, name=f"end of run {run}", daemon=True).start()
    return child.pid


def environment(environ: Mapping[str, str]) -> dict[str, str]:
    """`environ` for a process in another folder: the same files, the same modules."""
    made = dict(environ)
    if made.get("KUBECONFIG"):
        made["KUBECONFIG"] = _absolute(made["KUBECONFIG"])
    # A checkout is found through its folder; what is installed is found by itself.
    root = "" if _ROOT.name in ("site-packages", "dist-packages") else str(_ROOT)
    modules = _absolute(os.pathsep.join((made.get("PYTHONPATH", ""), root)))
    return {**made, "PYTHONPATH": modules} if modules else made


def _absolute(paths: str) -> str:
    return os.pathsep.join(dict.fromkeys(os.path.abspath(path) for path in paths.split(os.pathsep) if path))
