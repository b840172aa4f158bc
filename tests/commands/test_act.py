"""`aurora-tui act` before it looks at any world, and a plan as it is shown."""

from __future__ import annotations

import subprocess
import sys

import pytest
from click.shell_completion import ShellComplete

from aurora_tui.actions.plan import Change, Check, Cluster, Outcome, Plan, PlannedStep, Subject
from aurora_tui.cli import group
from aurora_tui.commands.plan_lines import plan_lines
from aurora_tui.commands.wrapping import cells, hanging
from aurora_tui.situation.runbook import Note, Scale
from tests.commands.desk import Desk

ESCAPES = "\x1b[2J\x1b]0;x\x07\u202e"


def plan(**changes: object) -> Plan:
    scale = PlannedStep(
        number=1,
        step=Scale(deployment="bridge", replicas=3),
        title="Scale bridge to 3",
        subject=Subject(kind="Deployment", resource="deployments.apps", path="/x", name="bridge"),
        changes=(Change(what="replicas", now="1", after="3"),),
        why="three serve",
        kubectl="kubectl scale deployment/bridge --replicas=3 " + "x" * 200,
        warnings=("an autoscaler fights",),
    )
    fields = {
        "run": "0123456789",
        "runbook": "rollback",
        "title": "rollback",
        "environment": "production",
        "namespace": "aurora-production",
        "cluster": Cluster(context="bastion", server="https://api.example", uid="u-1", user="olga"),
        "made_at": "2026-01-03T14:02:11Z",
        "steps": (scale, PlannedStep(number=2, step=Note(text="call"), title="Note: call", already=True)),
        "checks": (
            Check(title="rights", outcome=Outcome.REFUSED, words="we may not patch", remedy="Ask for it."),
            Check(title="lock", outcome=Outcome.OK, words="free"),
        ),
        "target": 300,
        "ground": "ROLL BACK: RTT",
    }
    return Plan(**{**fields, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ((), "and --yes WORD and --reason TEXT must be given"),
        (("--yes", "test"), "and --reason TEXT must be given"),
        (("--reason", "x"), "and --yes WORD must be given"),
    ],
)
def test_a_pipe_consents_to_nothing(desk: Desk, options: tuple[str, ...], told: str) -> None:
    answer = desk.type("act", "rollback", *options)
    assert (answer.code, answer.out) == (2, "")
    assert "Nobody can be asked: this is not a terminal, " + told in answer.err
    assert desk.entries() == []


def test_another_word_than_the_environments_is_refused(desk: Desk) -> None:
    answer = desk.type("act", "rollback", "--yes", "production", "--reason", "x")
    assert (answer.code, answer.out) == (2, "")
    assert "--yes production: that is not the word of environment test" in answer.err


@pytest.mark.parametrize("words", [(), ("rollback", "--take-back", "abc")])
def test_one_thing_is_done_at_a_time(desk: Desk, words: tuple[str, ...]) -> None:
    answer = desk.type("act", *words, "--plan-only")
    assert answer.code == 2
    assert "Name one runbook, or one run with --take-back. Runbooks: rollback, failover, " in answer.err


def test_an_unknown_runbook_is_refused_and_the_known_ones_named(desk: Desk) -> None:
    answer = desk.type("act", "rolback", "--plan-only")
    assert answer.code == 2
    assert "There is no runbook 'rolback' in the mission. Name one of: rollback, failover, " in answer.err


@pytest.mark.parametrize("option", ["--reason", "--override"])
def test_a_blank_reason_is_none(desk: Desk, option: str) -> None:
    answer = desk.type("act", "rollback", option, "  ")
    assert answer.code == 2
    assert option in answer.err


def test_a_plan_begins_with_cluster_and_namespace_and_ends_with_what_refuses_it() -> None:
    lines = list(plan_lines(plan(), 100))
    assert lines[:5] == [
        "PRODUCTION · bastion / aurora-production",
        "  server   https://api.example as olga",
        "  cluster  kube-system u-1",
        "  act      rollback, 2 steps, to be verified within 05:00",
        "  ground   ROLL BACK: RTT",
    ]
    assert lines[-2:] == ["REFUSED", "  - rights: we may not patch"]


def test_a_step_says_now_and_after_why_and_what_to_be_wary_of() -> None:
    lines = list(plan_lines(plan(), 100))
    start = lines.index("1. Scale bridge to 3")
    assert lines[start + 1 : start + 5] == [
        "     Deployment bridge",
        "     replicas  1 → 3",
        "     why: three serve",
        "     WARNING: an autoscaler fights",
    ]
    assert "2. Note: call (is so already)" in lines


def test_what_stands_against_it_is_the_last_of_what_was_checked() -> None:
    lines = list(plan_lines(plan(), 100))
    start = lines.index("checked")
    assert lines[start + 1 : start + 4] == [
        "  ok       lock: free",
        "  REFUSED  rights: we may not patch",
        "           Ask for it.",
    ]


def test_a_drill_of_another_name_says_that_it_is_one() -> None:
    assert next(plan_lines(plan(), 100, drill=True)).startswith("PRODUCTION (DRILL) · ")


@pytest.mark.parametrize("width", [40, 80, 120])
def test_lines_are_no_wider_than_asked_but_for_what_is_to_be_copied(width: int) -> None:
    long = "wide 漢字 " * 40 + "x" * 300
    words = plan(ground=long, checks=(Check(title="t", outcome=Outcome.WARNING, words=long, remedy=long),))
    lines = list(plan_lines(words, width))
    assert [line for line in lines if cells(line) > width] == [line for line in lines if line.startswith("     $ ")]
    assert any("x" * 200 in line for line in lines), "a command to copy is whole"


def test_nothing_untrusted_reaches_the_terminal_raw() -> None:
    nasty = PlannedStep(
        number=1,
        step=Note(text="x"),
        title=f"t{ESCAPES}",
        subject=Subject(kind=f"k{ESCAPES}", resource="r", path="/p", name=f"n{ESCAPES}"),
        changes=(Change(what=f"w{ESCAPES}", now=f"a{ESCAPES}", after=f"b{ESCAPES}"),),
        diff=(f"+d{ESCAPES}",),
        why=f"y{ESCAPES}",
        kubectl=f"k{ESCAPES}\nrm",
        warnings=(f"w{ESCAPES}",),
        refusals=(f"r{ESCAPES}",),
    )
    check = Check(title=f"t{ESCAPES}", outcome=Outcome.WARNING, words=f"w{ESCAPES}", remedy=f"r{ESCAPES}")
    whole = plan(
        steps=(nasty,), checks=(check,), ground=f"g{ESCAPES}", title=f"t{ESCAPES}", forced=(f"f{ESCAPES}",),
        cluster=Cluster(context=f"c{ESCAPES}", server=f"s{ESCAPES}", ca=f"a{ESCAPES}", uid=f"u{ESCAPES}", user=ESCAPES),
    )  # fmt: skip
    for line in plan_lines(whole, 100):
        assert line.isprintable(), line


def test_words_hang_under_their_label() -> None:
    assert list(hanging("why: ", "one two three", 15)) == ["why: one two", "     three"]
    assert list(hanging("label ", "", 20)) == ["label"]


def test_the_shell_completes_runbooks() -> None:
    complete = ShellComplete(group, {}, "aurora-tui", "_AURORA_TUI_COMPLETE")
    assert [item.value for item in complete.get_completions(["act"], "r")] == ["rollback", "resume"]


@pytest.mark.parametrize("command", ["act", "runs", "resume", "cancel", "abandon", "execute"])
def test_help_imports_nothing_heavy(command: str) -> None:
    heavy = ("textual", "msgspec", "kubernetes", "aiohttp", "httpx", "promql_parser", "aurora_tui.settings")
    script = (
        "import sys\nfrom aurora_tui.cli import main\n"
        "try:\n    main(sys.argv[1:])\nexcept SystemExit:\n    pass\n"
        f"print('heavy:', *[name for name in {heavy} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script, command, "--help"], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("Usage: ")
    assert done.stdout.splitlines()[-1] == "heavy:"
