"""Our fold beside Prometheus' own `for`, as `promtool test rules` runs it: where they agree, and where not.

They agree on every series without holes, while it has not recovered from a trip. The intended differences:

1. One failed scrape restarts Prometheus' clock; ours bridges up to three points.
2. So does one NaN.
3. A dead exporter resolves Prometheus' alert; our trip is latched.
4. A recovery resolves it too; ours stays until an operator resets it.
5. An exporter that was never there, or went away healthy, is silence to Prometheus; to us, after the hold, it
   cannot be proved healthy.
6. After a gap too long to bridge, Prometheus starts counting anew and says nothing of the gap; ours does too,
   and says after the hold that it cannot be proved healthy.
7. A sample that merely does not come (no staleness marker) is carried on by Prometheus for five minutes, and
   fires on old data; ours counts the point as missing.
"""

from __future__ import annotations

import json
import random
import subprocess
from pathlib import Path

import pytest

from aurora_tui.situation.criterion import CriterionState, Fold, Grade, advance, state_of
from aurora_tui.situation.fold import begin

pytestmark = pytest.mark.needs("promtool")

G = 15
HOLD = 8 * G
RULES = {
    "groups": [
        {"name": "rollback", "rules": [{"alert": "FillLow", "expr": "treaty_fill_rate < 0.75", "for": f"{HOLD}s"}]}
    ]
}
# What a scrape brings: good, bad, failed (staleness marker), not a number, nothing at all, minus infinity.
SAMPLES = {"g": "0.9", "b": "0.7", ".": "stale", "n": "NaN", "_": "_", "i": "-Inf"}
GRADES = {"g": Grade.GOOD, "b": Grade.BAD, ".": Grade.MISSING, "n": Grade.MISSING, "_": Grade.MISSING, "i": Grade.BAD}
SHOWN = {
    CriterionState.OK: "-",
    CriterionState.BREACHING: "-",
    CriterionState.NO_DATA: "-",
    CriterionState.TRIPPED_UNVERIFIED: "?",
    CriterionState.TRIPPED: "F",
}


def ours(points: str) -> str:
    """What our fold says at each point: F tripped, ? tripped unverified, - neither."""
    fold: Fold = begin(float(HOLD), 0.0, float(G))
    said = ""
    for point in points:
        fold = advance(fold, [GRADES[point]])
        said += SHOWN[state_of(fold)]
    return said


def check_prometheus(cases: list[tuple[str, str]], folder: Path) -> None:
    """AssertionError unless Prometheus says, for each (points, said), exactly that at each point: F firing, - not."""
    firing = [{"exp_labels": {"treaty_id": "A"}}]
    tests = {
        "rule_files": ["rules.yml"],
        "evaluation_interval": f"{G}s",
        "tests": [
            {
                "interval": f"{G}s",
                "input_series": [
                    {
                        "series": 'treaty_fill_rate{treaty_id="A"}',
                        "values": " ".join(SAMPLES[point] for point in points),
                    }
                ],
                "alert_rule_test": [
                    {"eval_time": f"{index * G}s", "alertname": "FillLow", "exp_alerts": firing if at == "F" else []}
                    for index, at in enumerate(said)
                ],
            }
            for points, said in cases
        ],
    }
    (folder / "rules.yml").write_text(json.dumps(RULES))  # JSON is YAML
    (folder / "tests.yml").write_text(json.dumps(tests))
    ran = subprocess.run(
        ["promtool", "test", "rules", "tests.yml"], cwd=folder, capture_output=True, text=True, timeout=60, check=False
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr


@pytest.mark.parametrize(
    ("points", "said"),
    [
        ("ggbbbbbbbbbbb", "----------FFF"),
        ("bbbbbbbbgbbbb", "-------------"),
        ("bgbgbgbgbgbgb", "-------------"),
        ("iiiiiiiiii", "--------FF"),
    ],
)
def test_on_whole_series_they_agree(points: str, said: str, tmp_path: Path) -> None:
    assert ours(points) == said
    check_prometheus([(points, said)], tmp_path)


def test_on_random_whole_series_they_agree_until_the_first_recovery(tmp_path: Path) -> None:
    dice = random.Random(20260103)
    cases = []
    for _ in range(60):
        points = "".join(dice.choice(["g", "b" * dice.randint(1, 14)]) for _ in range(10))
        said = ours(points)
        recovered = points.find("g", said.find("F")) if "F" in said else -1
        if recovered >= 0:
            points, said = points[:recovered], said[:recovered]
        cases.append((points, said))
    assert sum("F" in said for _, said in cases) > 20
    check_prometheus(cases, tmp_path)


@pytest.mark.parametrize(
    ("points", "prometheus", "we"),
    [
        pytest.param("bbbbb.bbbbbbbbb", "--------------F", "--------FFFFFFF", id="1 one failed scrape"),
        pytest.param("bbbbbnbbbbbbbbb", "--------------F", "--------FFFFFFF", id="2 one NaN"),
        pytest.param("bbbbbbbbb.....", "--------F-----", "--------FFFFFF", id="3 the exporter dies while it fires"),
        pytest.param("bbbbbbbbbggg", "--------F---", "--------FFFF", id="4 recovery after a trip"),
        pytest.param("ggg..........", "-------------", "-----------??", id="5 the exporter dies while healthy"),
        pytest.param("bb....bbbbbbbbb", "--------------F", "--------??????F", id="6 a gap too long to bridge"),
        pytest.param("bb_________", "--------FFF", "--------???", id="7 samples that do not come"),
    ],
)
def test_the_intended_differences(points: str, prometheus: str, we: str, tmp_path: Path) -> None:
    check_prometheus([(points, prometheus)], tmp_path)
    assert ours(points) == we
