"""The executor is a process of its own that outlives whoever started it, and one works on a run at a time."""

from __future__ import annotations

import asyncio
import dataclasses
import fcntl
import os
import pty
import signal
import stat
import subprocess
import sys
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import psutil
import pytest

from aurora_tui.actions.claim import Claimed, claimed, is_claimed, runs_folder
from aurora_tui.actions.executor import execute
from aurora_tui.actions.process import environment, launch, output_file
from aurora_tui.drill.manifests import STABLE
from aurora_tui.errors import UsageError
from aurora_tui.settings import Settings, load
from aurora_tui.situation.runbook import Scale
from tests.actions.runs import actions, approve, planned
from tests.actions.worlds import World, world
from tests.kube.conditions import until

CHECKOUT = Path(__file__).resolve().parents[2]
# What a console does: it launches, says the executor's id, and goes on with its own life.
PARENT = """
import sys, time
from pathlib import Path
from aurora_tui.actions.process import launch
from aurora_tui.settings import load
print(launch(load((Path(sys.argv[1]),)), sys.argv[2]), flush=True)
time.sleep(600)
"""


@asynccontextmanager
async def approved(folder: Path) -> AsyncIterator[tuple[World, Settings, str]]:
    """A living world with an approved run that waits at a gate: the API answers nothing until `here.start()`."""
    async with world(folder, speed=1.0) as here:
        plan = await planned(here.reach, Scale(deployment=STABLE, replicas=5))
        await approve(here, plan)
        await here.stop()
        yield here, load((here.profile,)), plan.run


async def finished(here: World) -> None:
    """Let the run go on; returns when it is over."""
    await here.start()
    async with asyncio.timeout(30):
        while (await actions(here))[-1] != "finished":  # noqa: ASYNC110 - another process writes it
            await asyncio.sleep(0.05)


async def test_it_has_a_session_of_its_own_and_nothing_of_its_parent_s(tmp_path: Path) -> None:
    async with approved(tmp_path) as (here, settings, run):
        pid = launch(settings, run)
        await until(lambda: is_claimed(settings, run))
        process = psutil.Process(pid)
        assert os.getsid(pid) == pid != os.getsid(0)
        assert process.terminal() is None
        assert process.cwd() == "/"
        assert os.readlink(f"/proc/{pid}/fd/0") == "/dev/null"
        output = output_file(settings, run)
        assert os.readlink(f"/proc/{pid}/fd/1") == os.readlink(f"/proc/{pid}/fd/2") == str(output)
        assert stat.S_IMODE(output.stat().st_mode) == 0o600
        await finished(here)
        await until(lambda: not psutil.pid_exists(pid))  # read by its parent: no zombie stays
        assert here.deployment(STABLE)["spec"]["replicas"] == 5


async def test_it_finishes_when_the_console_s_whole_group_is_killed(tmp_path: Path) -> None:
    async with approved(tmp_path) as (here, settings, run):
        console = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", PARENT, str(here.profile), run),
            stdout=subprocess.PIPE,
            cwd=CHECKOUT,
            start_new_session=True,
        )
        assert console.stdout is not None
        pid = int(await console.stdout.readline())
        await until(lambda: is_claimed(settings, run))
        os.killpg(console.pid, signal.SIGKILL)
        await console.communicate()  # to its pipe's end too: after `wait` it may still be open
        assert psutil.pid_exists(pid)
        await finished(here)
        assert here.deployment(STABLE)["spec"]["replicas"] == 5


async def test_it_finishes_when_the_line_is_cut(tmp_path: Path) -> None:
    """The terminal that the console runs in goes away, as when SSH does: the kernel sends SIGHUP to all in it."""
    async with approved(tmp_path) as (here, settings, run):
        console, line = pty.fork()
        if console == 0:
            os.chdir(CHECKOUT)
            os.execv(sys.executable, (sys.executable, "-c", PARENT, str(here.profile), run))
        await until(lambda: is_claimed(settings, run))
        os.close(line)
        _, status = await asyncio.to_thread(os.waitpid, console, 0)
        assert os.WTERMSIG(status) == signal.SIGHUP
        await finished(here)
        assert here.deployment(STABLE)["spec"]["replicas"] == 5


async def test_a_hang_up_does_not_end_it_and_a_term_leaves_the_run_to_be_gone_on_with(tmp_path: Path) -> None:
    async with approved(tmp_path) as (here, settings, run):
        pid = launch(settings, run)
        await until(lambda: is_claimed(settings, run))
        await _told(here, "started")
        os.kill(pid, signal.SIGHUP)
        os.kill(pid, signal.SIGTERM)
        await until(lambda: not is_claimed(settings, run))
        assert await actions(here) == ["approved", "started"]
        launch(settings, run)
        await finished(here)
        assert here.deployment(STABLE)["spec"]["replicas"] == 5


async def test_only_one_executor_works_on_a_run(tmp_path: Path) -> None:
    async with approved(tmp_path) as (here, settings, run):
        pid = launch(settings, run)
        await _told(here, "started")
        with pytest.raises(Claimed, match=f"Process {pid} carries run {run} out already"):
            await execute(settings, run)
        await finished(here)
        assert (await actions(here)).count("started") == 1


async def test_what_it_may_not_carry_out_is_refused_and_nothing_is_written(tmp_path: Path) -> None:
    async with approved(tmp_path) as (here, settings, run):
        with pytest.raises(UsageError, match="No run elsewhere was approved"):
            await execute(settings, "elsewhere")
        with pytest.raises(UsageError, match="read-only"):
            await execute(_but(settings, read_only=True), run)
        with pytest.raises(UsageError, match="approved for environment drill, not production"):
            await execute(_but(settings, environment_name="production"), run)
        assert await actions(here) == ["approved"]


def test_a_claim_ends_with_its_process(tmp_path: Path) -> None:
    settings = _but(load(), ledger=tmp_path / "remembrancer.db")
    assert not is_claimed(settings, "a")
    told, tell = os.pipe()
    holder = os.fork()
    if holder == 0:
        with suppress(BaseException), claimed(settings, "a"):
            os.write(tell, b"x")
            signal.pause()
        os._exit(1)
    os.close(tell)
    assert os.read(told, 1) == b"x"
    os.close(told)
    assert is_claimed(settings, "a")
    assert not is_claimed(settings, "b")
    os.kill(holder, signal.SIGKILL)
    os.waitpid(holder, 0)
    assert not is_claimed(settings, "a")
    with claimed(settings, "a"):
        assert is_claimed(settings, "a")


def test_who_only_looks_whether_a_run_is_claimed_keeps_no_executor_away(tmp_path: Path) -> None:
    """Consoles look several times a second, and hold the file's lock for an instant, longer on a busy machine."""
    settings = _but(load(), ledger=tmp_path / "remembrancer.db")
    with claimed(settings, "a"):
        pass
    looks = os.open(next(runs_folder(settings).glob("a.*")), os.O_RDONLY)
    fcntl.flock(looks, fcntl.LOCK_SH)
    ends = threading.Timer(0.1, os.close, (looks,))
    ends.start()
    with claimed(settings, "a"):
        assert is_claimed(settings, "a")
    ends.join()


def test_relative_paths_of_the_environment_are_made_absolute(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    made = environment({"KUBECONFIG": f"one:/two{os.pathsep}", "PYTHONPATH": "lib", "LANG": "C"})
    assert made["KUBECONFIG"] == f"{tmp_path}/one:/two"
    assert made["PYTHONPATH"].split(os.pathsep)[0] == f"{tmp_path}/lib"
    assert made["LANG"] == "C"


async def _told(here: World, action: str) -> None:
    async with asyncio.timeout(30):
        while (await actions(here))[-1] != action:  # noqa: ASYNC110 - another process writes it
            await asyncio.sleep(0.05)


def _but(settings: Settings, **changes: object) -> Settings:
    return dataclasses.replace(settings, **changes)  # type: ignore[arg-type]
