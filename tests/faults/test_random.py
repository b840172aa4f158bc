"""Random faults on every source, the cluster's too, while the truth behind them changes.

The ordinary run lasts ten minutes of the world's time in half a minute. The full one, ten minutes on the wall at the
drill's own speed and intervals:

    ops/bin/test --slow tests/faults/test_random.py -k ten_minutes -s
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from aurora_tui.situation.verdict import Word
from tests.faults.matrix import authorities
from tests.faults.rooms import drill
from tests.faults.storm import Plan, Storm, rage

pytestmark = pytest.mark.xdist_group("storm")

FAST = Plan(seed=3, speed=30.0, minutes=10.0, healthy=(1.0, 6.0), faulty=(0.3, 4.0), calm=(3.5, 4.5), breach=(5.0, 6.0))
WHOLE = Plan(
    seed=11, speed=1.0, minutes=10.0, healthy=(5.0, 90.0), faulty=(1.0, 30.0), calm=(90.0, 110.0), breach=(90.0, 110.0)
)


def survive(plan: Plan, folder: Path, record_property: Callable[[str, object], None]) -> Storm:
    """A storm with what must hold for each."""
    trusted, _ = authorities(folder)
    with drill(folder, options=("--speed", f"{plan.speed:g}")) as world:
        storm = asyncio.run(rage(world, plan, trusted, folder))
    assert storm.wrongly_go == []
    assert storm.lost == []
    assert storm.last is not None
    assert [light.name for light in storm.last.lights if light.error] == []
    # It was a storm: the truth was bad for longer than is allowed to be missed, and the console saw good and bad.
    assert storm.not_go > plan.not_go_within
    assert storm.told[Word.GO] > 0
    assert storm.told[Word.BLIND] > 0
    assert len(storm.faults) >= 10
    record_property(
        "measured",
        f"random faults: {plan.minutes:g} min of world time at ×{plan.speed:g}, {len(storm.faults)} faults, "
        f"{len(storm.breaches)} breaches, {storm.told.total()} Situations; never GO on a bad truth",
    )
    return storm


def test_a_storm_of_faults_never_makes_it_say_go_while_the_truth_is_bad(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    survive(FAST, tmp_path, record_property)


@pytest.mark.slow
def test_a_storm_of_ten_minutes_on_the_wall(tmp_path: Path, record_property: Callable[[str, object], None]) -> None:
    survive(WHOLE, tmp_path, record_property)
