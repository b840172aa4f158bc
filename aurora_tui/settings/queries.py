"""Hold every PromQL text of the mission against the grammar. Importing the parser is why this stands apart."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import promql_parser

from aurora_tui.settings.document import Document, Place
from aurora_tui.settings.problem import Problem, problem_at
from aurora_tui.situation.query import substitute
from aurora_tui.situation.runbook import Wait

if TYPE_CHECKING:
    from aurora_tui.situation.mission import Mission
    from aurora_tui.situation.runbook import AnyStep

# The parser recurses on the machine's stack, where brackets nested too deep would end the process.
_LONGEST = 10_000
# What parses and yet is not one sample a treaty.
_NOT_INSTANT = {
    promql_parser.MatrixSelector: "is a range of samples",
    promql_parser.SubqueryExpr: "is a range of samples",
    promql_parser.StringLiteral: "is a text",
    promql_parser.NumberLiteral: "is a number",
}


def query_problems(mission: Mission, document: Document) -> list[Problem]:
    """Every query that Prometheus would refuse."""
    problems = []
    for place, query in queries(mission):
        verdict = _verdict(query, mission)
        if verdict is not None:
            problems.append(problem_at(document, place, *verdict))
    return problems


def queries(mission: Mission) -> Iterator[tuple[Place, str]]:
    """Every PromQL text of the mission, with its place in the settings."""
    readings = {"slo": [slo.reading for slo in mission.slo], "criterion": [each.reading for each in mission.criterion]}
    for table, lists in readings.items():
        for index, entry in enumerate(lists):
            for number, reading in enumerate(entry):
                for key in ("value", "newest", "good_ratio", "events"):
                    query = getattr(reading, key)
                    if query is not None:
                        yield (table, index, "reading", number, key), query
    for index, objective in enumerate(mission.slo):
        if objective.as_written is not None:
            yield ("slo", index, "as_written"), objective.as_written
    for place, step in _steps(mission):
        if isinstance(step, Wait) and step.query is not None:
            yield (*place, "query"), step.query


def _steps(mission: Mission) -> Iterator[tuple[Place, AnyStep]]:
    """Every step of every runbook, with its place in the settings."""
    for index, book in enumerate(mission.runbook):
        lists: list[tuple[Place, tuple[AnyStep, ...]]] = [(("runbook", index), book.step)]
        lists += [(("runbook", index, "choice", number), one.step) for number, one in enumerate(book.choice)]
        lists += [(("runbook", index, "stage", number), one.step) for number, one in enumerate(book.stage)]
        for place, steps in lists:
            for number, step in enumerate(steps):
                yield (*place, "step", number), step


def _verdict(query: str, mission: Mission) -> tuple[str, str] | None:
    identity = mission.mission
    filled = substitute(query, treaty=identity.treaty, scrape_interval=identity.scrape_interval, window=identity.window)
    if len(filled) > _LONGEST:
        return f"is longer than {_LONGEST} characters", "record parts of it with a recording rule"
    try:
        parsed = promql_parser.parse(filled)
    except ValueError as error:
        return f"not valid PromQL: {error}", "try the query in Prometheus' own page"
    for kind, wrong in _NOT_INSTANT.items():
        if isinstance(parsed, kind):
            return f"not a usable query: it {wrong}", "write a query with one sample a treaty"
    return None
