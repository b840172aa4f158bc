"""The mission file and the person's profile, merged and checked into typed values.

Files, each merged over the one before: the bundled mission (or the one `--config` file that holds `[mission]`), the
person's own `$XDG_CONFIG_HOME/aurora-tui/config.toml`, every other `--config` file in order, flags.

One ledger is kept for each mission and environment, unless the settings say where: `$XDG_STATE_HOME/aurora-tui/
<mission>/<environment>/remembrancer.db`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import msgspec

from aurora_tui.bundled import bundled
from aurora_tui.clock import WALL, Clock
from aurora_tui.settings.document import Document
from aurora_tui.settings.flags import Overrides, chosen_environment, flags_for, with_flags
from aurora_tui.settings.locations import absolute, ledger_file, person_file, with_paths_resolved
from aurora_tui.settings.problem import Problem, file_problem, refuse
from aurora_tui.settings.reading import MISSING, read
from aurora_tui.settings.relations import relation_problems
from aurora_tui.settings.shape import convert, shape_problems
from aurora_tui.situation.mission import Environment, Mission

__all__ = ["Overrides", "Settings", "check_queries", "load"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything a command needs to know, checked. `files` are those read, in order of merging.

    `arguments`: the flags that load the same settings in another process, wherever it runs. The person's own file is
    not among them: it is found through the environment's variables.
    `document` is what they were read from: it knows which file each value came from.
    """

    mission: Mission
    environment_name: str
    environment: Environment
    files: tuple[Path, ...]
    ledger: Path
    theme: str
    read_only: bool
    clock: Clock = WALL
    arguments: tuple[str, ...] = ()
    document: Document = field(default_factory=Document, repr=False, compare=False)


_NO_FLAGS = Overrides()


def load(configs: Sequence[Path] = (), overrides: Overrides = _NO_FLAGS) -> Settings:
    """The mission file (bundled, or the one of `configs` that holds it), other files and flags merged over it.

    Raises UsageError naming file, key, value and what would be right, one line for every problem found.
    PromQL is not checked here: `check_queries` does that, so that a console can paint first.
    """
    files = _read_all(configs)
    document = Document()
    for part in files.values():
        document = document.merged(part)
    problems = []
    name = chosen_environment(document, overrides)
    if isinstance(name, str):
        document = with_flags(document, name, overrides)
    elif isinstance(document.at(("environments",)), dict):  # else the table itself is the problem, told below
        problems.append(name)
    problems += shape_problems(document) + relation_problems(document)
    refuse(problems)
    assert isinstance(name, str)
    document = with_paths_resolved(document)
    try:
        mission = convert(document)
    except msgspec.ValidationError as error:
        refuse([file_problem(next(iter(files)), f"cannot be used: {error}", "aurora-tui config schema describes it")])
        raise
    settings = _settings(mission, name, tuple(files), document)
    return replace(settings, arguments=_arguments(configs, overrides, settings))


def check_queries(settings: Settings) -> None:
    """Parse every PromQL text; UsageError as `load` raises it."""
    from aurora_tui.settings.queries import query_problems  # the parser takes a while to import

    refuse(query_problems(settings.mission, settings.document))


def _read_all(configs: Sequence[Path]) -> dict[Path, Document]:
    """Every settings file, in order of merging."""
    own = person_file()
    parts: dict[Path, Document] = {}
    problems = []
    for path in [own, *configs]:
        part = read(path)
        if isinstance(part, Document):
            parts[path] = part
        elif path in configs or part.wrong != MISSING:
            problems.append(part)
    missions = [path for path in configs if path in parts and "mission" in parts[path].values]
    if len(missions) > 1:
        right = f"give one mission; {missions[0]} holds one too"
        problems.append(file_problem(missions[1], "holds a second [mission]", right))
    base = missions[0] if missions else bundled("ops/aurora.toml")
    if not missions:
        part = read(base)
        if isinstance(part, Problem):
            problems.append(part)
        else:
            parts[base] = part
    refuse(problems)
    return {base: parts.pop(base), **parts}


def _arguments(configs: Sequence[Path], overrides: Overrides, settings: Settings) -> tuple[str, ...]:
    """The environment is named even where it was not: a file changed meanwhile must not choose another one."""
    cluster = settings.environment.cluster
    kubeconfig = None if overrides.kubeconfig is None or cluster is None else cluster.kubeconfig
    pinned = replace(overrides, environment=settings.environment_name, kubeconfig=kubeconfig)
    return tuple(flags_for([Path(absolute(path)) for path in configs], pinned))


def _settings(mission: Mission, name: str, files: tuple[Path, ...], document: Document) -> Settings:
    environment = mission.environments[name]
    clock = mission.clock
    return Settings(
        mission=mission,
        environment_name=name,
        environment=environment,
        files=tuple(Path(absolute(path)) for path in files),
        ledger=ledger_file(mission.ledger, mission.mission.name, name),
        theme=mission.interface.theme,
        read_only=environment.read_only,
        clock=WALL if clock is None else Clock(clock.real_origin, clock.world_origin, clock.speed),
        document=document,
    )
