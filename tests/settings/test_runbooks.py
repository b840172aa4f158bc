"""Runbooks: every mistake in a step, a choice or a stage is told before anybody presses a key."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner

from aurora_tui.commands.config import command as config
from aurora_tui.errors import UsageError
from aurora_tui.settings import check_queries
from aurora_tui.situation.runbook import AnyStep, Wait
from tests.settings.places import aurora_tables, complaint, loaded, write

LONGEST = "a" * 63
RIGHT_KINDS = (
    'write one of "undo", "scale", "set-image", "restart", "delete-pod", "patch", "traffic", "apply", "delete", '
    '"snapshot", "restore", "wait", "silence", "note"'
)


def runbook(steps: str, more: str = "") -> str:
    """A runbook of its own with these steps, as a person's file."""
    return f"[[runbook]]\nid = 'mine'\nkey = 'M'\ntitle = 'mine'\nstep = [{steps}]\n{more}"


@pytest.mark.parametrize(
    ("step", "told"),
    [
        ("{}", f"do: missing; {RIGHT_KINDS}"),
        ("{do = 'roll-back'}", f'do = "roll-back": is not one of those known; {RIGHT_KINDS}'),
        ("{do = 3}", f"do = 3: is not one of those known; {RIGHT_KINDS}"),
        ("{do = 'scale', deployment = 'a', replicas = 3, limits = '1m'}", 'limits: unknown key; did you mean "limit"?'),
        ("{do = 'scale', deployment = 'a'}", "replicas: missing; write a whole number"),
        ("{do = 'scale', deployment = 'a', replicas = '3'}", 'replicas = "3": is not a whole number'),
        ("{do = 'scale', deployment = 'a', replicas = -1}", "replicas = -1: is out of range; write replicas from 0"),
        ("{do = 'scale', deployment = 'a', replicas = 1001}", "replicas = 1001: is out of range; write replicas from"),
        ("{do = 'scale', deployment = 'A', replicas = 1}", 'deployment = "A": is not the name of an object; use small'),
        ("{do = 'scale', deployment = 'a_b', replicas = 1}", 'deployment = "a_b": is not the name of an object'),
        ("{do = 'restart', deployment = '-a'}", 'deployment = "-a": is not the name of an object'),
        ("{do = 'restart', deployment = 'a..b'}", 'deployment = "a..b": is not the name of an object'),
        (f"{{do = 'restart', deployment = '{LONGEST}a'}}", "deployment = "),
        ("{do = 'undo', deployment = ''}", 'deployment = "": is not the name of an object'),
        (
            "{do = 'undo', deployment = 'a', healthy_for = '0s'}",
            'healthy_for = "0s": is out of range; write a duration',
        ),
        ("{do = 'undo', deployment = 'a', limit = '0s'}", 'limit = "0s": is out of range; write a duration above 0s'),
        ("{do = 'undo', deployment = 'a', limit = 30}", "limit = 30: is not a duration in quotes"),
        ("{do = 'undo', deployment = 'a', revision = 0}", "revision = 0: is out of range; write a revision's number"),
        ("{do = 'undo', deployment = 'a', template = 'ab'}", 'template = "ab": is not a SHA-256; write 64 hexadecimal'),
        ("{do = 'delete-pod', pod = 'a/b'}", 'pod = "a/b": is not the name of an object'),
        ("{do = 'set-image', deployment = 'a', container = 'c', image = ''}", 'image = "": is not an image'),
        ("{do = 'set-image', deployment = 'a', container = 'c', image = 'a b'}", 'image = "a b": is not an image'),
        (
            "{do = 'set-image', deployment = 'a', container = 'c.d', image = 'x'}",
            'container = "c.d": is not the name of',
        ),
        ("{do = 'traffic', weights = {}}", "weights = {}: is empty; write a weight for each backend"),
        ("{do = 'traffic', weights = {a = 0, b = 0}}", "weights = {…}: leaves nobody any traffic; let at least one"),
        ("{do = 'traffic', weights = {a = -1, b = 2}}", "weights = {…}: has a weight that is out of range"),
        ("{do = 'traffic', weights = {a = 0.5}}", "weights.a = 0.5: is not a whole number"),
        ("{do = 'traffic', weights = {A = 1}}", "weights = {…}: has a backend whose name is not the name of an object"),
        ("{do = 'traffic', weights = {a = 1}, route = 'a b'}", 'route = "a b": is not the name of an object'),
        ("{do = 'wait'}", 'until: missing; write one of "rollout", "pods", "health", "query"'),
        ("{do = 'wait', until = 'noon'}", 'until = "noon": is not one of those known; write one of "rollout", "pods"'),
        ("{do = 'wait', until = 'pods'}", 'deployment: missing; until = "pods" waits for a deployment'),
        ("{do = 'wait', until = 'rollout'}", 'deployment: missing; until = "rollout" waits for a deployment'),
        ("{do = 'wait', until = 'health'}", 'probe: missing; until = "health" waits for a probe'),
        ("{do = 'wait', until = 'query'}", 'query: missing; until = "query" waits for a query'),
        (
            "{do = 'wait', until = 'pods', deployment = 'a', probe = 'bridge'}",
            'probe = "bridge": is not looked at; remove it: until = "pods" looks at deployment alone',
        ),
        (
            "{do = 'wait', until = 'health', probe = 'brigde'}",
            'probe = "brigde": no environment has such a probe; name one that is: known are bridge, expo',
        ),
        ("{do = 'silence', matchers = {}, lasting = '1h'}", "matchers = {}: is empty; write at least one label"),
        ("{do = 'silence', matchers = {a-b = 'x'}, lasting = '1h'}", "matchers = {…}: is not a label name"),
        ("{do = 'silence', matchers = {a = ''}, lasting = '1h'}", "matchers = {…}: matches every alert that has no"),
        ("{do = 'silence', matchers = {a = 'x'}, lasting = '0s'}", 'lasting = "0s": is out of range'),
        ("{do = 'apply', path = ' '}", 'path = " ": is empty; write some text'),
        ("{do = 'note', text = ''}", 'text = "": is empty; write some text'),
    ],
)
def test_a_mistake_in_a_step_is_told_with_file_key_and_remedy(step: str, told: str, tmp_path: Path) -> None:
    file = write(tmp_path / "p.toml", runbook("{do = 'restore'}, " + step))
    said = complaint(file)
    assert said.startswith(f"{file}: runbook[mine].step[2].{told}"), said
    assert "\n" not in said


@pytest.mark.parametrize(
    ("kind", "body", "told"),
    [
        ("merge", "{", "is not JSON: "),
        ("merge", "[" * 5000, "is not JSON: "),
        ("merge", "[]", "is no merge patch (RFC 7386); write an object"),
        ("merge", "{}", "is no merge patch (RFC 7386); write an object"),
        ("json", "{}", "is no JSON patch (RFC 6902): it is not a list of operations"),
        ("json", "[]", "is no JSON patch (RFC 6902): it is not a list of operations"),
        ("json", '[{"op": "replace", "path": "/a", "value": 1}, {}]', "operation 2 has no op that is known"),
        ("json", '[{"op": ["add"], "path": "/a", "value": 1}]', "operation 1 has no op that is known"),
        ("json", '[{"op": "replace", "path": "/a"}]', "operation 1 lacks value"),
        ("json", '[{"op": "move", "path": "/a"}]', "operation 1 lacks from"),
        ("json", '[{"op": "remove", "path": "spec/a"}]', "operation 1 has no path that begins with /"),
    ],
)
def test_a_patch_that_the_api_could_not_read_is_told(kind: str, body: str, told: str, tmp_path: Path) -> None:
    step = f"{{do = 'patch', resource = 'configmaps', name = 'x', kind = '{kind}', body = '{body}'}}"
    file = write(tmp_path / "p.toml", runbook(step))
    said = complaint(file)
    assert said.startswith(f"{file}: runbook[mine].step[1].body = ")
    assert told in said


@pytest.mark.parametrize(
    ("field", "value"),
    [("resource", "ConfigMap"), ("resource", "a/b"), ("resource", ""), ("name", "a/b"), ("name", ".."), ("name", "")],
)
def test_a_patch_of_what_is_no_object_is_told(field: str, value: str, tmp_path: Path) -> None:
    fields = {"resource": "configmaps", "name": "x", field: value}
    step = "{do = 'patch', body = '{\"a\": 1}', " + ", ".join(f"{key} = '{text}'" for key, text in fields.items()) + "}"
    file = write(tmp_path / "p.toml", runbook(step))
    assert complaint(file).startswith(f'{file}: runbook[mine].step[1].{field} = "{value}": is not ')


@pytest.mark.parametrize(
    "step",
    [
        f"{{do = 'restart', deployment = '{LONGEST}'}}",
        "{do = 'restart', deployment = 'bridge.v1'}",
        "{do = 'scale', deployment = 'a', replicas = 0}",
        "{do = 'scale', deployment = 'a', replicas = 1000}",
        "{do = 'traffic', weights = {a = 0, b = 1}}",
        "{do = 'patch', resource = 'deployments.apps', name = 'a', body = '{\"spec\": null}'}",
        "{do = 'patch', resource = 'roles.rbac.authorization.k8s.io', name = 'system:x', body = '{\"a\": 1}'}",
        "{do = 'patch', resource = 'c', name = 'a', kind = 'json', body = '[{\"op\": \"remove\", \"path\": \"/a\"}]'}",
        "{do = 'set-image', deployment = 'a', container = 'c', image = 'r.example:5000/x/y:1@sha256:ab'}",
        "{do = 'wait', until = 'query', query = 'up == 1', limit = '10m'}",
        "{do = 'silence', matchers = {alertname = 'X', host = ''}, lasting = '1h30m'}",
        "{do = 'note', text = 'call the provider'}",
        "{do = 'restore'}",
    ],
)
def test_what_is_right_is_taken(step: str, tmp_path: Path) -> None:
    settings = loaded(write(tmp_path / "p.toml", runbook(step)))
    check_queries(settings)
    assert len(settings.mission.runbook[-1].step) == 1


def test_a_step_that_is_no_table_is_told(tmp_path: Path) -> None:
    file = write(tmp_path / "p.toml", runbook("'rollback'"))
    assert (
        complaint(file) == f'{file}: runbook[mine].step[1] = "rollback": is not a table; write it as a [table] of keys'
    )


def test_steps_that_are_no_list_are_told(tmp_path: Path) -> None:
    file = write(tmp_path / "p.toml", "[[runbook]]\nid = 'rollback'\nstep = {do = 'restore'}")
    assert (
        complaint(file) == f"{file}: runbook[rollback].step = {{…}}: is not a list; write tables in [[double brackets]]"
    )


def test_a_runbook_may_have_no_steps_yet(tmp_path: Path) -> None:
    [*_, mine] = loaded(write(tmp_path / "p.toml", runbook(""))).mission.runbook
    assert (mine.id, mine.step, mine.stage) == ("mine", (), ())


STAGE = "[[runbook.stage]]\nid = '25'\ntitle = '25 %'\ndone = 'rollout/step-25'\nstep = [{do = 'restore'}]\n"
CHOICE = "[[runbook.choice]]\nid = 'soft'\ntitle = 'softer'\nstep = [{do = 'restore'}]\n"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            runbook("{do = 'restore'}", STAGE),
            "step = […]: a runbook with stages has no steps of its own; write step, or [[runbook.stage]], not both",
        ),
        (
            runbook("", STAGE + STAGE.replace("step-25'", "step-50'")),
            'stage[25].id = "25": this id is used twice; give each its own id',
        ),
        (
            runbook("", STAGE + STAGE.replace("id = '25'", "id = 'again'")),
            'stage[again].done = "rollout/step-25": is what another stage is done by; give each stage its ',
        ),
        (
            runbook("", STAGE.replace("step-25'", "step-26'")),
            'stage[25].done = "rollout/step-26": there is no such checkpoint; write phase/checkpoint: known are ',
        ),
        (runbook("", STAGE.replace("{do = 'restore'}", "")), "stage[25].step = []: is empty; write at least one step"),
        (
            runbook("", STAGE + "gate = ['weather']"),
            'stage[25].gate[1] = "weather": is not a check; write one of slo:<id>, slos, ',
        ),
        (
            runbook("", STAGE + "gate = ['slos', 'checkpoint:step-26']"),
            'stage[25].gate[2] = "checkpoint:step-26": names something unknown; name one that is: known are ',
        ),
        (
            runbook("", STAGE + "gate = ['after:rollout/step-25:soon']"),
            'stage[25].gate[1] = "after:rollout/step-25:soon": does not end in a duration; write for example ',
        ),
        (
            runbook("", STAGE + "gate = ['phase:party']"),
            'stage[25].gate[1] = "phase:party": names something unknown; name one that is: known are canary, ',
        ),
        (
            runbook("", STAGE + "gate = ['verdict:watch']"),
            'stage[25].gate[1] = "verdict:watch": names something unknown; name one that is: known are go',
        ),
        (runbook("{do = 'restore'}", CHOICE + CHOICE), 'choice[soft].id = "soft": this id is used twice'),
        (
            runbook("{do = 'restore'}", CHOICE.replace("{do = 'restore'}", "")),
            "choice[soft].step = []: is empty; write at least one step",
        ),
        (
            runbook("{do = 'restore'}", CHOICE.replace("do = 'restore'", "do = 'wait', until = 'pods'")),
            "choice[soft].step[1].deployment: missing; ",
        ),
        (
            runbook("{do = 'restore'}", "environments = ['staging', 'prod']"),
            'environments[2] = "prod": there is no such environment; name one that is: known are local, production, ',
        ),
        (runbook("", "target = '0s'"), 'target = "0s": is out of range; write a duration above 0s'),
    ],
)
def test_a_mistake_between_the_parts_of_a_runbook_is_told(text: str, told: str, tmp_path: Path) -> None:
    file = write(tmp_path / "p.toml", text)
    said = complaint(file)
    assert said.startswith(f"{file}: runbook[mine].{told}"), said
    assert "\n" not in said


def test_a_gate_speaks_a_checklists_language_and_four_words_more(tmp_path: Path) -> None:
    gate = ("checkpoint:h72-report", "phase_done:canary", "slos", "phase:rollout", "verdict:go")
    gate += ("checkpoint:canary/h72-report", "after:rollout/step-25:6h", "after:step-25:30m")
    file = write(tmp_path / "p.toml", runbook("", STAGE + f"gate = {list(gate)}"))
    assert loaded(file).mission.runbook[-1].stage[0].gate == gate


@pytest.mark.parametrize("word", ["verdict:go", "phase:canary", "after:h24-report:6h"])
def test_a_checklist_does_not_speak_a_gates_words(word: str, tmp_path: Path) -> None:
    item = f"[[phase]]\nid = 'canary'\n[[phase.checklist]]\nid = 'x'\ntitle = 'x'\ncheck = '{word}'"
    assert f'check = "{word}": is not a check' in complaint(write(tmp_path / "p.toml", item))


def test_the_same_id_in_two_runbooks_is_no_mistake(tmp_path: Path) -> None:
    second = runbook("{do = 'restore'}", CHOICE).replace("'mine'", "'other'").replace("'M'", "'O'")
    assert loaded(write(tmp_path / "p.toml", runbook("{do = 'restore'}", CHOICE) + second))


def test_traffic_without_any_route_is_told(tmp_path: Path) -> None:
    tables = aurora_tables()
    del tables["workloads"]["route"]
    tables["runbook"] = [one for one in tables["runbook"] if one["id"] == "rollback"]
    for criterion in tables["criterion"]:
        criterion["then"] = "rollback"
    file = write(tmp_path / "m.toml", tables)
    number = [step["do"] for step in tables["runbook"][0]["step"]].index("traffic") + 1
    told = f"{file}: runbook[rollback].step[{number}].route: missing; name the route here, or in [workloads]"
    assert complaint(file) == told


@pytest.mark.parametrize("part", ["step", "choice", "stage"])
def test_a_condition_that_is_no_promql_is_told_with_its_place(part: str, tmp_path: Path) -> None:
    bad = "{do = 'wait', until = 'query', query = 'rate(x'}"
    text = {
        "step": runbook(bad),
        "choice": runbook("{do = 'restore'}", CHOICE.replace("{do = 'restore'}", bad)),
        "stage": runbook("", STAGE.replace("{do = 'restore'}", bad)),
    }[part]
    where = {"step": "step[1]", "choice": "choice[soft].step[1]", "stage": "stage[25].step[1]"}[part]
    file = write(tmp_path / "p.toml", text)
    with pytest.raises(UsageError) as caught:
        check_queries(loaded(file))
    assert str(caught.value).startswith(f'{file}: runbook[mine].{where}.query = "rate(x": not valid PromQL: ')


def test_manifests_are_found_from_the_file_that_names_them(tmp_path: Path) -> None:
    steps = "{do = 'snapshot', path = 'k8s'}, {do = 'delete', path = '/k8s'}, {do = 'apply', path = 'a/{environment}'}"
    more = CHOICE.replace("do = 'restore'", "do = 'apply', path = 'b'")
    mine = loaded(write(tmp_path / "x/p.toml", runbook(steps, more))).mission.runbook[-1]
    paths = [step.path for step in (*mine.step, *mine.choice[0].step)]  # type: ignore[union-attr]
    assert paths == [f"{tmp_path}/x/k8s", "/k8s", f"{tmp_path}/x/a/{{environment}}", f"{tmp_path}/x/b"]


def test_another_files_steps_take_the_place_of_all_steps(tmp_path: Path) -> None:
    """A patch has a `name`; lists of tables with names are merged one by one, steps never."""
    patch = "{{do = 'patch', resource = 'c', name = '{}', body = '{{\"a\": 1}}'}}"
    first = write(tmp_path / "one.toml", runbook(f"{patch.format('x')}, {patch.format('y')}"))
    second = write(tmp_path / "two.toml", f"[[runbook]]\nid = 'mine'\nstep = [{patch.format('y')}]")
    [only] = loaded(first, second).mission.runbook[-1].step
    assert only.name == "y"  # type: ignore[union-attr]


def test_the_schema_describes_every_kind_of_step() -> None:
    described = json.loads(CliRunner().invoke(config, ["schema"]).output)
    kinds = {one.__struct_config__.tag for one in AnyStep.__args__}
    steps = described["$defs"]["Runbook"]["properties"]["step"]["items"]
    tagged = {part["$ref"].rpartition("/")[2] for part in steps["anyOf"]}
    tags = {tag for name in tagged for tag in described["$defs"][name]["properties"]["do"]["enum"]}
    assert tags == kinds
    assert described["$defs"]["Wait"]["required"] == ["do", "until"]


def test_the_bundled_runbooks_wait_for_what_there_is() -> None:
    waits = [step for book in loaded().mission.runbook for step in book.step if isinstance(step, Wait)]
    deployments: list[Any] = [step.deployment for step in waits if step.deployment is not None]
    bundled = msgspec.to_builtins(loaded().mission.workloads)
    assert set(deployments) <= {bundled["canary"], bundled["stable"], *bundled["standby"]}
    assert waits
