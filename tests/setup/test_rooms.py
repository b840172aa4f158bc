"""The house's rules hold: who imports whom, and nothing but the console needs Textual."""

from __future__ import annotations

import json
import subprocess
import sys
import sysconfig
from pathlib import Path

from grimp import ImportGraph
from importlinter import ContractCheck

from tests.setup.rooms import RoomsContract

CHECKOUT = Path(__file__).resolve().parents[2]

LOAD_EVERYTHING_BUT_THE_CONSOLE = """
import importlib, json, pkgutil, sys
import aurora_tui

loaded, needing_textual = [], []
def load(package):
    for found in pkgutil.iter_modules(package.__path__, package.__name__ + "."):
        if found.name in ("aurora_tui.console", "aurora_tui.__main__"):
            continue
        module = importlib.import_module(found.name)
        loaded.append(found.name)
        if not needing_textual and any(name.partition(".")[0] == "textual" for name in sys.modules):
            needing_textual.append(found.name)
        if found.ispkg:
            load(module)
load(aurora_tui)
print(json.dumps({"loaded": loaded, "needing_textual": needing_textual}))
"""


def test_every_module_but_the_console_loads_without_textual() -> None:
    run = subprocess.run(
        [sys.executable, "-c", LOAD_EVERYTHING_BUT_THE_CONSOLE], cwd=CHECKOUT, capture_output=True, text=True
    )
    assert run.returncode == 0, run.stderr
    found = json.loads(run.stdout)
    assert "aurora_tui.situation.verdict" in found["loaded"]
    assert found["needing_textual"] == []


def test_the_import_contracts_hold() -> None:
    run = subprocess.run(
        [str(Path(sysconfig.get_path("scripts")) / "lint-imports"), "--no-cache"],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stdout + run.stderr


def rooms(*table: str, imports: list[tuple[str, str]]) -> ContractCheck:
    graph = ImportGraph()
    graph.add_module("house")
    for importer, imported in imports:
        graph.add_import(importer=importer, imported=imported, line_number=1, line_contents="")
    contract = RoomsContract("rooms", {"root_packages": ["house"]}, {"rooms": list(table)})
    return contract.check(graph, verbose=False)


def test_a_room_may_import_what_its_line_lists() -> None:
    assert rooms("hall: attic", "attic:", imports=[("house.hall.door", "house.attic.beam")]).kept


def test_a_room_may_not_import_another() -> None:
    check = rooms("hall: attic", "attic:", imports=[("house.attic.beam", "house.hall.door")])
    assert check.metadata["broken"] == ["house.attic.beam -> house.hall.door (l. 1)"]


def test_a_line_may_name_rooms_that_are_not_built_yet() -> None:
    assert rooms("hall: cellar", "cellar: *", imports=[("house.hall.door", "house.hall.step")]).kept


def test_a_room_without_a_line_breaks_the_contract() -> None:
    check = rooms("hall:", imports=[("house.shed", "house.shed.saw")])
    assert not check.kept
    assert check.metadata["unlisted"] == ["shed"]
