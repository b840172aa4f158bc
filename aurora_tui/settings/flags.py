"""The command line's flags as documents: merged over every file, each named as the origin of what it sets."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from aurora_tui.settings.document import Document, Place
from aurora_tui.settings.problem import Problem, shown_value


@dataclass(frozen=True, slots=True, kw_only=True)
class Overrides:
    """Flags of the command line: they win over both files. None: not given."""

    environment: str | None = None
    prometheus: str | None = None
    alertmanager: str | None = None
    grafana: str | None = None
    context: str | None = None
    namespace: str | None = None
    kubeconfig: str | None = None
    treaty: str | None = None
    theme: str | None = None
    read_only: bool = False


def chosen_environment(document: Document, overrides: Overrides) -> str | Problem:
    """The environment to look at: the flag's, else the files', else the only one there is."""
    table = document.at(("environments",))
    known = list(table) if isinstance(table, dict) else []
    place = ("interface", "environment")
    origin, key, chosen = "--env", "", overrides.environment
    if chosen is None:
        origin, key, chosen = str(document.origin(place)), "interface.environment", document.at(place)
    if isinstance(chosen, str) and chosen in known:
        return chosen
    choice = "choose one of " + ", ".join(known) if known else "write [environments.NAME] in a settings file"
    if isinstance(chosen, str):
        return Problem(origin, key, shown_value(chosen), "there is no such environment", choice)
    if len(known) == 1:
        return str(known[0])
    return Problem(origin, "interface.environment", "", "no environment is chosen", f"{choice}, here or with --env")


def with_flags(document: Document, environment: str, overrides: Overrides) -> Document:
    """The document with the flags merged over it. A source's authentication stays as the files have it."""
    here: Place = ("environments", environment)
    for flag, value, place in (
        ("--prometheus", overrides.prometheus, (*here, "prometheus", "url")),
        ("--alertmanager", overrides.alertmanager, (*here, "alertmanager", "url")),
        ("--grafana", overrides.grafana, (*here, "grafana", "url")),
        ("--context", overrides.context, (*here, "cluster", "context")),
        ("--namespace", overrides.namespace, (*here, "cluster", "namespace")),
        ("--kubeconfig", overrides.kubeconfig, (*here, "cluster", "kubeconfig")),
        ("--treaty", overrides.treaty, ("mission", "treaty")),
        ("--theme", overrides.theme, ("interface", "theme")),
        ("--read-only", overrides.read_only or None, (*here, "read_only")),
    ):
        if value is None:
            continue
        document = document.merged(Document(_nested(place, value), flag))
        in_cluster = (*here, "cluster", "in_cluster")
        if flag in ("--context", "--kubeconfig") and document.at(in_cluster) is True:
            document = document.merged(Document(_nested(in_cluster, False), flag))
    return document


def flags_for(configs: Sequence[Path], overrides: Overrides) -> Iterator[str]:
    """The flags that say the same: one word each, so that no value is taken for a flag or a command.

    `configs` and the kubeconfig are to be absolute already, and the environment chosen.
    """
    for path in configs:
        yield f"--config={path}"
    for field in fields(overrides):
        value = getattr(overrides, field.name)
        flag = "--env" if field.name == "environment" else "--" + field.name.replace("_", "-")
        if value is True:
            yield flag
        elif isinstance(value, str):
            yield f"{flag}={value}"


def _nested(place: Place, value: Any) -> dict[str, Any]:
    for step in reversed(place):
        value = {step: value}
    return dict(value)
