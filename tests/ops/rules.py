"""What the tests of the rules share: the rule files as data, changed copies of them, and promtool's verdict."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

PROMETHEUS = Path(__file__).resolve().parents[2] / "ops" / "prometheus"
RULE_FILES = sorted((PROMETHEUS / "rules").glob("*.yml"))
TEST_FILES = sorted((PROMETHEUS / "tests").glob("*.yml"))

_DIFFERENCE = re.compile(r"alertname: (\w+), time: \S+ *\n\s+exp:\[(.*?)\], *\n\s+got:\[(.*?)\]\n", re.DOTALL)
_LABELS = re.compile(r"Labels:(\{.*\})")
_PAIR = re.compile(r'(\w+)="([^"]*)"')

RuleData = dict[str, Any]


def rules(file: Path) -> Iterator[RuleData]:
    """Every rule of a file, as it is written."""
    for group in yaml.safe_load(file.read_text())["groups"]:
        yield from group["rules"]


def alerting(file: Path) -> list[RuleData]:
    return [rule for rule in rules(file) if "alert" in rule]


def named(name: str) -> RuleData:
    """The only alerting rule of this name."""
    (found,) = (rule for file in RULE_FILES for rule in alerting(file) if rule["alert"] == name)
    return found


@dataclass(frozen=True)
class Verdict:
    """What promtool said. `noticed`: the labels of alerts that did not come as expected, or came unexpected."""

    passed: bool
    output: str
    noticed: tuple[Mapping[str, str], ...]

    def notices(self, rule: RuleData) -> bool:
        """Whether an alert of this rule was missed or too many."""
        wanted = {"alertname": rule["alert"], **rule.get("labels", {})}
        return any(wanted.items() <= labels.items() for labels in self.noticed)


def promtool_test(*files: Path) -> Verdict:
    command = ["promtool", "test", "rules", *map(str, files)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    output = ran.stdout + ran.stderr
    noticed: list[Mapping[str, str]] = []
    for _, expected, got in _DIFFERENCE.findall(output):
        different = set(_LABELS.findall(expected)) ^ set(_LABELS.findall(got))
        noticed += [dict(_PAIR.findall(labels)) for labels in different]
    return Verdict(ran.returncode == 0, output, tuple(noticed))


class Copy:
    """The rules and their tests in a folder of their own, to be changed."""

    def __init__(self, folder: Path) -> None:
        shutil.copytree(PROMETHEUS / "rules", folder / "rules")
        shutil.copytree(PROMETHEUS / "tests", folder / "tests")
        self._folder = folder

    def change_alerts(self, file: str, change: Callable[[RuleData], bool]) -> list[RuleData]:
        """Let `change` alter the alerting rules of a file in place; those of which it says that it did."""
        path = self._folder / "rules" / file
        document = yaml.safe_load(path.read_text())
        changed = [rule for group in document["groups"] for rule in group["rules"] if "alert" in rule and change(rule)]
        path.write_text(yaml.safe_dump(document, sort_keys=False, width=10_000))
        return changed

    def replace(self, file: str, old: str, new: str) -> None:
        path = self._folder / "rules" / file
        text = path.read_text()
        assert old in text, f"{file} does not say {old!r}"
        path.write_text(text.replace(old, new))

    def test(self, *names: str) -> Verdict:
        return promtool_test(*(self._folder / "tests" / f"{name}.yml" for name in names))
