"""amtool works with the embedded Alertmanager unchanged: the same commands to it and to the real one say the same."""

from __future__ import annotations

import json
import re
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.contract.alertmanager_pair import Pair, serving_pair
from tests.contract.conftest import COMPARED

pytestmark = [pytest.mark.needs("prometheus-alertmanager", "amtool"), pytest.mark.xdist_group("alertmanager")]

_PATIENCE = 20.0  # the real server routes and inhibits a moment after it has answered
_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?(?: UTC|Z)")


class Both:
    """Runs amtool on both servers."""

    def __init__(self, pair: Pair, folder: Path) -> None:
        self.pair = pair
        self.compared = 0
        self._folder = folder

    def run(self, whose: str, *arguments: str) -> tuple[int, str, str]:
        client = getattr(self.pair, whose)
        ids = self.pair.ids[whose]
        filled = [re.sub(r"\$(\d)", lambda found: ids[int(found[1]) - 1], each) for each in arguments]
        url = str(client.base_url).rstrip("/")
        environment = {"HOME": str(self._folder), "PATH": "/usr/bin:/bin:/usr/local/bin", "TZ": "UTC"}
        done = subprocess.run(
            ["amtool", f"--alertmanager.url={url}", *filled],
            capture_output=True,
            text=True,
            timeout=60,
            env=environment,
        )
        return done.returncode, done.stdout.replace(url, "URL"), done.stderr.replace(url, "URL")

    def same(self, *arguments: str) -> str:
        """Our output, once it is what the real server's is."""
        self.compared += 1
        changing = arguments[1] in {"add", "update", "expire", "import"}
        end = time.monotonic() + _PATIENCE
        while True:
            real, ours = self.run("real", *arguments), self.run("ours", *arguments)
            if changing:
                for whose, (_, said, _) in (("real", real), ("ours", ours)):
                    known = self.pair.ids[whose]
                    known += [id for id in _ID.findall(said) if id not in known]
            if self._comparable("real", real) == self._comparable("ours", ours):
                return ours[1]
            if changing or time.monotonic() > end:
                pytest.fail(f"amtool {arguments}\nreal: {real}\nours: {ours}")

    def _comparable(self, whose: str, done: tuple[int, str, str]) -> object:
        names = {id: f"${place}" for place, id in enumerate(self.pair.ids[whose], 1)}
        code, said, complaint = done
        said = _MOMENT.sub("TIME", _ID.sub(lambda found: names.get(found[0], "?"), said))
        complaint = _MOMENT.sub("TIME", _ID.sub(lambda found: names.get(found[0], "?"), complaint))
        if said.startswith(("[", "{")):
            return code, json.loads(said), complaint
        # Columns are as wide as the longest of them: ids and times are of one length.
        return code, sorted(said.splitlines()), complaint


@pytest.fixture
def both(tmp_path: Path, record_property: Callable[[str, object], None]) -> Iterator[Both]:
    with serving_pair(tmp_path) as pair:
        both = Both(pair, tmp_path)
        yield both
    record_property(COMPARED, both.compared)


def test_alerts_are_added_and_queried(both: Both) -> None:
    both.same("alert", "query")
    both.same(
        "alert", "add", "RTTHigh", "sev=SEV2", "treaty_id=A", "--annotation=summary=slow", "--generator-url=http://p/g"
    )
    both.same("alert", "add", "alertname=CapacityLow", "sev=SEV3", "treaty_id=B", "--end=2099-01-01T00:00:00Z")
    both.same("alert", "add", "Boom", "sev=SEV1", "treaty_id=B")
    both.same("alert", "add", "Synthetic", "drill=true", "note=a b")
    both.same("alert", "add", "bad-name=x")
    both.same("alert", "add")
    for form in ("simple", "extended", "json"):
        said = both.same("alert", "query", f"--output={form}")
        assert "RTTHigh" in said
        both.same("alert", "query", f"--output={form}", "sev=~SEV[12]", "treaty_id!=B")
    for matcher in ("RTTHigh", "alertname=RTTHigh", "sev!~SEV.", "nothing=", "sev=~(", "alertname=~.*High"):
        both.same("alert", "query", matcher)
    for flag in ("--active", "--silenced", "--inhibited", "--unprocessed", "--receiver=pagerduty", "--receiver=("):
        both.same("alert", "query", flag)


def test_silences_are_added_queried_updated_and_expired(both: Both) -> None:
    both.same("alert", "add", "RTTHigh", "sev=SEV2")
    who = ("--author=eva", "--comment=known")
    both.same("silence", "add", "alertname=RTTHigh", *who, "--duration=2h")
    both.same(
        "silence",
        "add",
        "RTTHigh",
        "sev=~SEV.",
        "treaty_id!=A",
        *who,
        "--start=2098-01-01T00:00:00Z",
        "--end=2099-01-01T00:00:00Z",
    )
    both.same("silence", "add", "alertname=RTTHigh", "--author=eva")
    both.same("silence", "add", "alertname=~(", *who)
    both.same("silence", "add", *who)
    both.same("alert", "query")
    both.same("alert", "query", "--silenced")
    for form in ("simple", "extended", "json"):
        both.same("silence", "query", f"--output={form}")
        both.same("silence", "query", f"--output={form}", "alertname=RTTHigh")
    both.same("silence", "query", "--quiet")
    both.same("silence", "query", "--created-by=nobody")
    both.same("silence", "query", "--within=1h")
    both.same("silence", "update", "$1", "--comment=for longer", "--duration=5h")
    both.same("silence", "update", "$2", "--comment=later")
    both.same("silence", "update", "00000000-0000-4000-8000-000000000000", "--comment=x")
    both.same("silence", "query", "--output=json")
    both.same("silence", "expire", "$1")
    both.same("silence", "expire", "$1")
    both.same("silence", "expire", "00000000-0000-4000-8000-000000000000")
    both.same("silence", "query")
    both.same("silence", "query", "--expired")
    both.same("alert", "query")


def test_silences_are_exported_and_imported(both: Both, tmp_path: Path) -> None:
    both.same("silence", "add", "alertname=RTTHigh", "--author=eva", "--comment=known", "--duration=2h")
    exported = json.loads(both.run("ours", "silence", "query", "--output=json")[1])
    file = tmp_path / "silences.json"
    file.write_text(json.dumps([{**each, "comment": "imported"} for each in exported]))
    both.same("silence", "import", "--force", str(file))
    file.write_text(json.dumps([{name: value for name, value in each.items() if name != "id"} for each in exported]))
    both.same("silence", "import", str(file))
    both.same("silence", "query", "--output=json")


def test_the_configuration_is_shown_and_its_routes_tested(both: Both) -> None:
    for form in ("simple", "json"):  # the extended one prints addresses of memory
        real, ours = (both.run(whose, "config", "show", f"--output={form}") for whose in ("real", "ours"))
        assert ours[0] == real[0] == 0
        pattern = re.compile(r"resolve_timeout.*templates: \[\]", re.DOTALL)
        assert pattern.findall(ours[1]) == pattern.findall(real[1]) != []
    both.same("config", "routes", "show")
    for labels in (("sev=SEV1",), ("sev=SEV3", "drill=true"), ("severity=page",), ()):
        both.same("config", "routes", "test", *labels)
    both.same("config", "routes", "test", "--verify.receivers=pagerduty", "sev=SEV3")
    both.same("cluster", "show")


def test_the_configuration_that_it_shows_is_one(both: Both, tmp_path: Path) -> None:
    file = tmp_path / "shown.yml"
    file.write_text(both.pair.ours.get("/api/v2/status").json()["config"]["original"])
    code, said, _ = both.run("ours", "check-config", str(file))
    assert code == 0, said
    assert "5 receivers" in said
