"""Acting from the command line, on a live drill: refused, approved, followed, left alone, killed, and gone on with."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from typing import Any

import psutil
import pytest

from tests.drills import control, served
from tests.terminal import AURORA, Terminal

LIMIT = 180.0  # seconds: generous, for a machine that does much else
SPEED = "5"
ACT = ("--yes", "drill", "--reason", "it is a drill", "--on-what-we-know")  # a busy machine may blind a quick world


def aurora(world: dict[str, Any], *words: str) -> subprocess.CompletedProcess[str]:
    """A command in this world, not at a terminal."""
    return subprocess.run(
        (*AURORA, *words, "--config", world["profile"]),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=LIMIT,
    )


def runs(world: dict[str, Any]) -> list[dict[str, Any]]:
    """Every run in the ledger, newest first."""
    found: list[dict[str, Any]] = json.loads(aurora(world, "runs", "--json").stdout)
    return found


def run_until(world: dict[str, Any], holds: Callable[[dict[str, Any]], bool], what: str) -> dict[str, Any]:
    """The newest run, once this holds of it."""
    end = time.monotonic() + LIMIT
    while True:
        [newest, *_] = [*runs(world), None]
        if newest is not None and holds(newest):
            return newest
        assert time.monotonic() < end, f"{what} did not come: {newest}"


def hold_rollouts(world: dict[str, Any]) -> None:
    """No new pod comes up until `let_go`: a run waits for its rollout for as long as a test needs it to."""
    control(world, {"do": "deny-writes", "resource": "pods", "operations": ["CREATE"], "message": "held by the test"})


def let_go(world: dict[str, Any]) -> None:
    control(world, {"do": "recover"})


def deployments(world: dict[str, Any]) -> dict[str, dict[str, Any]]:
    answer = aurora(world, "status", "--json")
    assert answer.stdout, answer.stderr
    return {one["name"]: one for one in json.loads(answer.stdout)["deployments"]}


def test_a_rollback_is_carried_out_and_verified() -> None:
    with served("--scenario", "rtt-surge", "--speed", SPEED) as world:
        before = deployments(world)
        done = aurora(world, "act", "rollback", *ACT)
        assert done.returncode == 0, done.stdout + done.stderr
        lines = done.stdout.splitlines()
        assert lines[0].startswith("DRILL · drill / aurora-production")
        assert lines.index("checked") > 8
        assert any(line.startswith("rollback verified after ") for line in lines), done.stdout

        [run] = runs(world)
        assert (run["state"], run["reason"], run["environment"]) == ("verified", "it is a drill", "drill")
        assert [step["state"] for step in run["steps"]] == ["done"] * 8
        listed = aurora(world, "runs").stdout
        assert run["id"] in listed
        assert "“it is a drill”" in listed
        shown = aurora(world, "runs", run["id"][:6]).stdout
        assert "  reason    it is a drill" in shown.splitlines()
        assert shown.count(" done  ") + shown.count(" was so ") == 8

        status = json.loads(aurora(world, "status", "--json").stdout)
        assert [(one["id"], one["state"]) for one in status["runs"]] == [(run["id"], "verified")]
        after = {one["name"]: one for one in status["deployments"]}
        assert before["aurora-bridge"]["image"] != after["aurora-bridge"]["image"]
        assert after["aurora-bridge"]["image"] == after["aurora-bridge-v0"]["image"]
        assert [after[name]["ready"] for name in ("aurora-bridge-v0", "aurora-bridge-backup")] == [3, 3]


def test_what_would_be_done_can_be_seen_without_doing_it() -> None:
    with served("--speed", SPEED) as world:
        seen = aurora(world, "act", "rollback", "--plan-only", "--json", "--on-what-we-know")
        plan = json.loads(seen.stdout)
        assert (seen.returncode, plan["runbook"], plan["cluster"]["context"]) == (0, "rollback", "drill"), seen.stderr
        assert [step["step"]["do"] for step in plan["steps"]][:4] == ["undo", "scale", "scale", "traffic"]
        assert runs(world) == []
        now = deployments(world)
        assert now["aurora-bridge"]["image"] != now["aurora-bridge-v0"]["image"], "the canary is still there"


def test_who_may_only_look_is_refused_and_told_which_rights_are_missing() -> None:
    with served("--speed", SPEED) as world:
        refused = aurora(world, "act", "rollback", *ACT, "--context", "drill-viewer")
        assert refused.returncode == 1
        told = " ".join(refused.stdout.split())
        assert "REFUSED rights: we may not patch deployments.apps aurora-bridge; " in told
        assert "httproutes.gateway.networking.k8s.io aurora-bridge" in told
        assert refused.stderr == "aurora-tui: rollback is refused. Nothing was done.\n"
        assert runs(world) == []


def test_of_two_who_act_at_once_exactly_one_does() -> None:
    with served("--speed", SPEED) as world:
        command = (*AURORA, "act", "failover", *ACT, "--config", world["profile"])
        both = [
            subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
            )
            for _ in range(2)
        ]
        said = [one.communicate(timeout=LIMIT) for one in both]
        codes = sorted(one.returncode for one in both)
        assert codes[0] == 0, said
        assert codes[1] in (1, 2), said  # refused in the plan, or at the approval
        [run] = runs(world)
        assert run["state"] == "verified"
        loser = max(zip(both, said, strict=True), key=lambda pair: pair[0].returncode)[1]
        assert run["id"] in "".join(loser), "whoever is refused is told by which run"


@pytest.mark.slow
def test_a_run_whose_executor_is_killed_is_gone_on_with() -> None:
    with served() as world:
        hold_rollouts(world)
        approved = aurora(world, "act", "rollback", *ACT, "--no-follow")
        assert approved.returncode == 0, approved.stdout + approved.stderr
        run = run_until(world, lambda one: one["steps"][4]["state"] == "running", "the wait for the rollout")
        assert "rollback running, step 5 of 8" in aurora(world, "status").stdout
        pid = int(run["executor"].rpartition(":")[2])
        executor = psutil.Process(pid)
        assert run["id"] in executor.cmdline()
        os.kill(pid, signal.SIGKILL)
        psutil.wait_procs([executor], timeout=20)

        followed = aurora(world, "runs", run["id"], "--follow")
        assert followed.returncode == 1
        assert f"is no more. Go on with: aurora-tui resume {run['id']}" in followed.stderr
        assert f"its executor is no more: aurora-tui resume {run['id']}" in aurora(world, "runs").stdout

        let_go(world)
        resumed = aurora(world, "resume", run["id"])
        assert resumed.returncode == 0, resumed.stdout + resumed.stderr
        assert "rollback verified after " in resumed.stdout
        [ended] = runs(world)
        assert (ended["id"], ended["state"]) == (run["id"], "verified")
        assert ended["executor"] != run["executor"]
        assert [one["ended_at"] for one in ended["steps"][:4]] == [one["ended_at"] for one in run["steps"][:4]]


@pytest.mark.slow
def test_a_run_that_stopped_can_be_closed_as_it_stands() -> None:
    with served() as world:
        hold_rollouts(world)
        aurora(world, "act", "rollback", *ACT, "--no-follow")
        run = run_until(world, lambda one: one["steps"][4]["state"] == "running", "the wait for the rollout")
        busy = aurora(world, "abandon", run["id"], "--reason", "too late")
        assert (busy.returncode, runs(world)[0]["state"]) == (2, "running"), busy.stderr
        executor = psutil.Process(int(run["executor"].rpartition(":")[2]))
        executor.kill()
        psutil.wait_procs([executor], timeout=20)
        closed = aurora(world, "abandon", run["id"], "--reason", "it is night")
        assert closed.returncode == 0, closed.stderr
        [run] = runs(world)
        assert (run["state"], run["words"]) == ("abandoned", "it is night")


def test_a_run_is_cancelled_before_its_next_step() -> None:
    with served() as world:
        hold_rollouts(world)
        aurora(world, "act", "rollback", *ACT, "--no-follow")
        run = run_until(world, lambda one: one["steps"][4]["state"] == "running", "the wait for the rollout")
        assert aurora(world, "cancel", run["id"]).returncode == 0
        followed = aurora(world, "runs", run["id"], "--follow")
        assert followed.returncode == 3, followed.stdout + followed.stderr
        assert "rollback cancelled after " in followed.stdout
        [run] = runs(world)
        assert run["state"] == "cancelled"
        assert [one["state"] for one in run["steps"][5:]] == ["waiting"] * 3


@pytest.mark.slow
def test_at_a_terminal_the_word_is_asked_for_and_leaving_leaves_the_run_going() -> None:
    with served() as world:
        hold_rollouts(world)
        command = (*AURORA, "act", "rollback", "--on-what-we-know", "--config", world["profile"])
        with Terminal(command, columns=100, rows=100) as terminal:
            terminal.until(lambda text: "Reason [" in text, LIMIT, "the question why")
            terminal.send("a drill\r")
            terminal.until(lambda text: "Type drill to do it:" in text, LIMIT, "the question for the word")
            terminal.send("drlil\r")
            terminal.until(lambda text: "That is not the word: drill." in text, LIMIT, "that it is not the word")
            assert runs(world) == []
            terminal.send("drill\r")
            terminal.until(lambda text: " 4/8 done " in text, LIMIT, "the fourth step")
            terminal.send("\x03")
            terminal.until(lambda text: "goes on without us." in text, LIMIT, "that the run goes on")
            assert terminal.wait() == 130
        let_go(world)
        [run] = runs(world)
        assert f"aurora-tui runs {run['id']} --follow" in terminal.text
        assert run["reason"] == "a drill"
        assert aurora(world, "runs", run["id"], "--follow").returncode == 0


def test_at_a_terminal_nothing_typed_does_nothing() -> None:
    with served() as world:
        command = (*AURORA, "act", "rollback", "--reason", "x", "--on-what-we-know", "--config", world["profile"])
        with Terminal(command, columns=100, rows=100) as terminal:
            terminal.until(lambda text: "Type drill to do it:" in text, LIMIT, "the question for the word")
            terminal.send("\r")
            assert terminal.wait() == 3
            assert "Nothing was done." in terminal.text
        assert runs(world) == []


@pytest.mark.slow
def test_a_surge_is_rolled_back_and_all_is_well_again() -> None:
    """The plan's whole evening: the criterion trips, the rollback is verified, its reset leads back to GO."""
    with served("--scenario", "rtt-surge", "--speed", "20") as world:

        def word() -> str:
            answer = aurora(world, "status", "--json", "--wait", "30")
            return str(json.loads(answer.stdout)["verdict"]["word"])

        def until(wanted: tuple[str, ...], limit: float) -> None:
            end = time.monotonic() + limit
            while word() not in wanted:
                assert time.monotonic() < end, f"{wanted} did not come within {limit} s"

        until(("ROLL BACK",), 240)
        done = aurora(world, "act", "rollback", *ACT)
        assert done.returncode == 0, done.stdout + done.stderr
        assert runs(world)[0]["state"] == "verified"
        assert aurora(world, "criterion", "reset", "rtt-high", "--reason", "rolled back").returncode == 0
        until(("GO", "WATCH"), 240)
