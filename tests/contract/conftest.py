"""Says at the end how many answers were compared with real servers."""

from __future__ import annotations

import pytest

COMPARED = "answers compared"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    counts: dict[str, int] = {}
    for report in terminalreporter.stats.get("", []):  # set-ups and tear-downs that went well
        for name, value in getattr(report, "user_properties", ()):
            if name == COMPARED:
                module = report.nodeid.partition("::")[0]
                counts[module] = counts.get(module, 0) + int(str(value))
    for module, count in counts.items():
        terminalreporter.line(f"{module}: {count} answers compared with the real server")
