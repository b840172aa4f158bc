"""The world that the tests of acting work on is the one that the drill begins with."""

from __future__ import annotations

from pathlib import Path

from aurora_tui.drill.manifests import CANARY, NAMESPACE, STABLE, STANDBY
from aurora_tui.kube.writes import read, read_all
from tests.actions.worlds import OPERATOR, VIEWER, world


async def test_it_stands_settled_and_its_time_passes_when_somebody_sleeps(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        found = await read_all(here.connection, f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments")
        ready = {one["metadata"]["name"]: one["status"].get("readyReplicas", 0) for one in found}
        assert ready == {CANARY: 3, STABLE: 3, STANDBY: 0}
        before = here.clock.now()
        await here.clock.sleep(90)
        assert here.clock.now() - before == 90 == here.reach.clock.now() - before
        assert here.settings.clock.now() == here.clock.now()


async def test_its_server_goes_and_comes_back(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        await here.stop()
        await here.start()
        assert await read(here.connection, f"/api/v1/namespaces/{NAMESPACE}") is not None
        assert await read(here.as_user(VIEWER), f"/api/v1/namespaces/{NAMESPACE}") is not None
        assert [one.method for one in here.asked] == ["GET", "GET"]
        assert not here.writes


async def test_a_living_one_is_joined_through_its_profile(tmp_path: Path) -> None:
    async with world(tmp_path, speed=30.0) as here:
        assert here.settings.environment_name == "drill"
        assert here.settings.environment.drill
        assert here.profile.exists()
        assert OPERATOR in here.users
        before = here.clock.now()
        await here.clock.sleep(1)
        assert here.clock.now() - before >= 1
