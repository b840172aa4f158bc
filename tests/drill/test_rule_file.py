"""Rule files: production's own are read as they are, and what Prometheus would refuse is refused by name."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
import yaml

from aurora_tui.drill.monitoring import rules_folder
from aurora_tui.drill.prometheus import rule_file
from aurora_tui.drill.prometheus.rule_file import BadRuleFile, read_rule_file, read_rules

RULE = "{alert: A, expr: up == 0}"


def written(folder: Path, text: str) -> Path:
    file = folder / "mine.yml"
    file.write_text(text)
    return file


def of_rule(rule: str) -> str:
    return f"groups: [{{name: g, rules: [{rule}]}}]"


def test_a_file_is_read_as_it_is_written(tmp_path: Path) -> None:
    file = written(
        tmp_path,
        """
groups:
  - name: slow
    interval: 1m
    rules:
      - record: aurora:up:sum
        expr: sum by (job) (up)
        labels: {kind: 1}
      - alert: Down
        expr: |
          aurora:up:sum
            == 0
        for: 1h30m
        labels: {severity: critical}
        annotations: {summary: 'down: {{ $labels.job }}'}
  - {name: empty, rules: }
""",
    )
    slow, empty = read_rule_file(file)
    assert (slow.name, slow.interval, slow.file) == ("slow", 60.0, str(file))
    assert (empty.name, empty.interval, list(empty.rules)) == ("empty", 0.0, [])
    recorded, down = slow.rules
    assert (recorded.record, recorded.expr, dict(recorded.labels)) == (
        "aurora:up:sum",
        "sum by (job) (up)",
        {"kind": "1"},
    )
    assert (down.alert, down.expr, down.hold) == ("Down", "aurora:up:sum\n  == 0", 5400.0)
    assert (down.labels, down.annotations) == ({"severity": "critical"}, {"summary": "down: {{ $labels.job }}"})


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0),
        ("0s", 0),
        ("15s", 15),
        ("90m", 5400),
        ("1d", 86400),
        ("1w2d", 9 * 86400),
        ("1y", 365 * 86400),
        ("250ms", 0.25),
    ],
)
def test_durations_are_those_of_prometheus(tmp_path: Path, text: str, seconds: float) -> None:
    (group,) = read_rule_file(written(tmp_path, of_rule(f"{{alert: A, expr: up == 0, for: {text}}}")))
    assert group.rules[0].hold == seconds


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("groups: [", "it is not YAML"),
        ("- up", "a mapping is needed here, not list"),
        ("group: []", "unknown key 'group': one of groups"),
        ("groups: {}", "groups must be a list, not dict"),
        ("groups: [{rules: []}]", "Groupname must not be empty"),
        ("groups: [{name: g, rules: []}, {name: g, rules: []}]", 'groupname: "g" is repeated'),
        ("groups: [{name: g, rule: []}]", "unknown key 'rule': one of interval, limit, name, rules"),
        ("groups: [{name: g, limit: few, rules: []}]", "limit must be a whole number, not 'few'"),
        ("groups: [{name: g, interval: soon, rules: []}]", "group g: interval: not a valid duration string: 'soon'"),
        (of_rule("{expr: up}"), "group g, rule 1: one of 'record' or 'alert' must be set"),
        (of_rule("{alert: A, record: a, expr: up}"), "only one of 'record' and 'alert' must be set"),
        (of_rule(f"{RULE}, {{alert: B}}"), "group g, rule 2, \"B\": field 'expr' must be set in rule"),
        (of_rule("{alert: A, expr: 'up >'}"), 'group g, rule 1, "A": could not parse expression'),
        (of_rule("{alert: A, expr: no_such_function(up)}"), "could not parse expression"),
        (of_rule("{alert: A, expr: up, for: 5}"), "for: not a valid duration string: '5'"),
        (of_rule("{alert: A, expr: up, for: ''}"), "for: not a valid duration string: ''"),
        (of_rule("{alert: A, expr: up, for: 1.5m}"), "for: not a valid duration string: '1.5m'"),
        (of_rule("{alert: A, expr: up, for: 5m1h}"), "for: not a valid duration string: '5m1h'"),
        (of_rule("{alert: A, expr: up, keep_firing_for: 5}"), "keep_firing_for: not a valid duration string: '5'"),
        (of_rule("{record: a, expr: up, for: 5m}"), "invalid field 'for' in recording rule"),
        (of_rule("{record: a, expr: up, annotations: {b: c}}"), "invalid field 'annotations' in recording rule"),
        (of_rule("{record: a-b, expr: up}"), "invalid recording rule name: a-b"),
        (of_rule("{alert: A, expr: up, labels: {a-b: c}}"), "invalid label name: a-b"),
        (of_rule("{alert: A, expr: up, labels: {__name__: c}}"), "invalid label name: __name__"),
        (of_rule("{alert: A, expr: up, labels: [a]}"), "labels must be a mapping, not list"),
        (of_rule("{alert: A, expr: up, annotations: {a: [b]}}"), "a must be text, not list"),
    ],
)
def test_what_is_wrong_is_told_with_file_group_and_rule(tmp_path: Path, text: str, said: str) -> None:
    file = written(tmp_path, text)
    with pytest.raises(BadRuleFile) as caught:
        read_rule_file(file)
    assert str(caught.value).startswith(str(file))
    assert said in str(caught.value)
    assert caught.value.remedy


@pytest.mark.needs("promtool")
@pytest.mark.parametrize(
    "text",
    [
        "group: []",
        "groups: [{rules: []}]",
        "groups: [{name: g, interval: soon, rules: []}]",
        of_rule("{expr: up}"),
        of_rule("{alert: A}"),
        of_rule("{alert: A, expr: up, for: 5}"),
        of_rule("{alert: A, expr: up, for: 1.5m}"),
        of_rule("{record: a, expr: up, for: 5m}"),
        of_rule("{record: a-b, expr: up}"),
        of_rule("{alert: A, expr: up, labels: {a-b: c}}"),
    ],
)
def test_promtool_refuses_it_too(tmp_path: Path, text: str) -> None:
    command = ("promtool", "check", "rules", str(written(tmp_path, text)))
    assert subprocess.run(command, capture_output=True, check=False, timeout=60).returncode != 0


def test_a_folder_without_rules_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(BadRuleFile, match="no rule files"):
        read_rules(tmp_path)


def test_a_file_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(BadRuleFile, match="it cannot be read"):
        read_rule_file(tmp_path / "nowhere.yml")


def test_objectives_are_recorded_before_presence_is_judged() -> None:
    """The embedded server goes through groups in this order: nothing is missed at the start that is about to come."""
    names = [group.name for group in read_rules(rules_folder())]
    assert names == ["aurora-budget", "aurora-seen", "aurora-slo", "aurora-presence"]


def test_files_are_read_by_libyaml_where_it_is_there() -> None:
    """A drill is to start at once: production's rules take 15 ms with it, ten times as long without."""
    pytest.importorskip("yaml.cyaml")
    assert rule_file._LOADER is yaml.CSafeLoader
