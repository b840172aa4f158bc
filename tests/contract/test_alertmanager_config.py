"""The configuration file is read as strictly as Alertmanager reads it, and in a drill it can reach nobody."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
import yaml

from aurora_tui.drill.alertmanager import read, shipped
from aurora_tui.drill.alertmanager.yaml_reading import BadConfiguration
from tests.contract.alertmanager_pair import serving_pair

OK = "route: {receiver: a}\nreceivers: [{name: a}]\n"
REFUSED = (
    "",
    "receivers: [{name: a}]\n",
    "route: {receiver: a}\n",
    "route: {}\nreceivers: [{name: a}]\n",
    "route: {receiver: b}\nreceivers: [{name: a}]\n",
    "route: {receiver: a, routes: [{receiver: c}]}\nreceivers: [{name: a}]\n",
    "route: {receiver: a}\nreceivers: [{name: a}, {name: a}]\n",
    "route: {receiver: a}\nreceivers: [{name: a}, {}]\n",
    "route: {receiver: a, matchers: [a=b]}\nreceivers: [{name: a}]\n",
    "route: {receiver: a, continue: true}\nreceivers: [{name: a}]\n",
    "route: {receiver: a, group_by: [a-b]}\nreceivers: [{name: a}]\n",
    "route: {receiver: a, group_by: [a, a]}\nreceivers: [{name: a}]\n",
    "route: {receiver: a, group_by: ['...', a]}\nreceivers: [{name: a}]\n",
    "route: {receiver: a, group_interval: 0s}\nreceivers: [{name: a}]\n",
    "route: {receiver: a, repeat_interval: 0s}\nreceivers: [{name: a}]\n",
    "route: {receiver: a, group_wait: soon}\nreceivers: [{name: a}]\n",
    "route: {receiver: a, group_wait: ''}\nreceivers: [{name: a}]\n",
    "route: {receiver: a, routes: [{matchers: [a]}]}\nreceivers: [{name: a}]\n",
    "route: {receiver: a, routes: [{matchers: ['a=~(']}]}\nreceivers: [{name: a}]\n",
    "route: {receiver: a, continue: perhaps}\nreceivers: [{name: a}]\n",
    "route: {receiver: [a]}\nreceivers: [{name: a}]\n",
    "route: {receiver: a, routes: x}\nreceivers: [{name: a}]\n",
    "route: a\nreceivers: [{name: a}]\n",
    "bar: 2\n" + OK,
    "global: {foo: 1}\nbar: 2\nroute: {receiver: a, zip: 1, routes: [{nope: 3}]}\nreceivers: [{name: a, hm: 1}]\n",
    "global: {resolve_timeout: soon}\n" + OK,
    "inhibit_rules: [{source_matchers: [a=b], equals: [a]}]\n" + OK,
    "inhibit_rules: [{source_matchers: [a]}]\n" + OK,
    "inhibit_rules: [{equal: [a-b]}]\n" + OK,
    "route: {receiver: a}\nreceivers:\n- name: a\n  pagerduty_configs:\n  - {routing_key_file: /k, sevrity: x}\n",
    "route: {receiver: a}\nreceivers:\n- name: a\n  slack_configs:\n  - {api_url_file: /k, chanel: x, z: 1}\n",
    "route: {receiver: a}\nroute: {receiver: a}\nreceivers: [{name: a}]\n",
)
ACCEPTED = (
    OK,
    "global: {resolve_timeout: 90s}\n" + OK,
    "global: {resolve_timeout: 1h30m}\ntemplates: []\n" + OK,
    "inhibit_rules:\n- source_matchers: ['b=\"x\"', a!~y|z]\n  target_matchers: ['{a=\"1,2\",c=d}']\n  equal: [z, a]\n"
    + OK,
    "route: {receiver: a, group_by: ['...'], group_wait: 0s, group_interval: 1w, repeat_interval: 400d}\n"
    "receivers: [{name: a}]\n",
    "route:\n  receiver: a\n  routes:\n"
    "  - {continue: true, matchers: ['x=~\"a\\\\\\\\b\"']}\n  - {receiver: 'true', matchers: [y=]}\n"
    "receivers: [{name: a}, {name: 'true'}, {name: 'a: b'}, {name: '12'}, {name: größe}]\n",
)


@pytest.mark.needs("amtool")
@pytest.mark.parametrize("text", REFUSED)
def test_it_is_refused_in_alertmanagers_words(text: str, tmp_path: Path) -> None:
    file = tmp_path / "alertmanager.yml"
    file.write_text(text)
    run = subprocess.run(["amtool", "check-config", str(file)], capture_output=True, text=True, timeout=60)
    with pytest.raises(BadConfiguration) as refused:
        read(text)
    assert run.stdout.partition("FAILED: ")[2].strip() == str(refused.value), run.stdout


@pytest.mark.needs("prometheus-alertmanager")
@pytest.mark.parametrize("text", ACCEPTED)
def test_it_is_shown_as_alertmanager_shows_it(text: str, tmp_path: Path) -> None:
    with serving_pair(tmp_path, text) as pair:
        real, ours = (client.get("/api/v2/status").json()["config"] for client in (pair.real, pair.ours))
        assert ours == real
        pair.same("GET", "/api/v2/receivers")


@pytest.mark.parametrize(
    "text",
    [
        "time_intervals: []\n" + OK,
        "route: {receiver: a, match: {a: b}}\nreceivers: [{name: a}]\n",
        "route: {receiver: a}\nreceivers: [{name: a, email_configs: []}]\n",
    ],
)
def test_what_alertmanager_knows_and_a_drill_does_not_is_refused_by_name(text: str) -> None:
    with pytest.raises(BadConfiguration, match=r"a drill does not know (time_intervals|match|email_configs)"):
        read(text)


def test_the_configuration_of_a_drill_names_productions_receivers_and_can_reach_none() -> None:
    production = yaml.safe_load((Path(__file__).resolve().parents[2] / "ops/alertmanager/alertmanager.yml").read_text())
    config = yaml.safe_load(shipped().text)
    assert config["receivers"] == [{"name": each["name"]} for each in production["receivers"]]
    assert [each["equal"] for each in config["inhibit_rules"]] == [
        each["equal"] for each in production["inhibit_rules"]
    ]
    assert len(config["route"]["routes"]) == len(production["route"]["routes"])


@pytest.mark.needs("prometheus-alertmanager")
def test_a_real_server_runs_the_drills_configuration_and_shows_the_same(tmp_path: Path) -> None:
    with serving_pair(tmp_path, shipped().text) as pair:
        real, ours = (client.get("/api/v2/status").json()["config"] for client in (pair.real, pair.ours))
        assert ours == real
