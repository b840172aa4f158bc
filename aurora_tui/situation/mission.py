"""What is watched: the mission as typed, checked values (the `ops/aurora.toml` of DESIGN).

Every struct here is one table of the mission file. Durations are seconds (`Duration`), times of day are
UTC, ratios are 0 to 1. The file is read in `aurora_tui.settings`; here is only its meaning.

PromQL texts may hold three placeholders, filled in when asked:

- `$treaty`  a regular expression for the treaty label's value (`.+` for all of them);
- `$window`  a range such as `72h` (only in `good_ratio`);
- `$fresh`   three scrape intervals, the longest a gauge may be old (`45s`).
"""

from __future__ import annotations

from enum import Enum

import msgspec

from aurora_tui.situation.duration import Duration
from aurora_tui.situation.runbook import Runbook
from aurora_tui.situation.table import Table, lasting


class Direction(Enum):
    """Which side of its objective an SLO's value must be on."""

    AT_LEAST = "at_least"
    AT_MOST = "at_most"


class Comparison(Enum):
    """How a criterion compares a value with its limit; true means *bad*."""

    LESS = "<"
    LESS_EQUAL = "<="
    GREATER = ">"
    GREATER_EQUAL = ">="


class Severity(Enum):
    """Alert severities, worst first. UNKNOWN is shown as "?" and ranked like SEV3."""

    SEV1 = "SEV1"
    SEV2 = "SEV2"
    SEV3 = "SEV3"
    SEV4 = "SEV4"
    UNKNOWN = "?"


class MissionIdentity(Table, frozen=True, kw_only=True):
    """`[mission]`: what is being released and how its metrics are labelled."""

    name: str
    release: str
    treaty: str
    treaty_label: str = "treaty_id"
    release_checksum: str | None = None
    merkle_root: str | None = None
    window: Duration = lasting("72h")
    scrape_interval: Duration = lasting("15s")
    ledger_rpo: Duration = lasting("15m")
    green_hours: int = 168
    soak_days: int = 7
    day_zone: str = "UTC"


class Reading(Table, frozen=True, kw_only=True):
    """One way to read a quantity, with the statistic it gives. Listed best first; the first with data wins.

    `value` gives one sample a treaty. `newest` gives, per treaty, the Unix time of the newest raw sample the
    value stands on (`max by (treaty_id)(timestamp(...))`): its age is the reading's age, and a grid point
    without it is missing. `good_ratio` (SLOs only) gives the share of good events over `$window`; without it
    compliance is the share of present minutes whose value was good. `events`: events per hold window.
    """

    statistic: str
    value: str
    newest: str
    good_ratio: str | None = None
    events: str | None = None
    min_events: float = 0.0


class Colours(Table, frozen=True, kw_only=True):
    """Thresholds for colour only: at or better than `good`, at or better than `warn`, else bad."""

    good: float
    warn: float


class Objective(Table, frozen=True, kw_only=True):
    """`[[slo]]`: a service level objective. `budget` is the share that must be good (0.95 = 5 % budget)."""

    id: str
    title: str
    direction: Direction
    threshold: float
    budget: float
    reading: tuple[Reading, ...]
    colours: Colours
    unit: str = ""
    digits: int = 2
    as_written: str | None = None
    note: str | None = None


class Criterion(Table, frozen=True, kw_only=True):
    """`[[criterion]]`: when to roll back. Either a measured one (reading, op, value, hold) or `severity`."""

    id: str
    title: str
    then: str
    slo: str | None = None
    reading: tuple[Reading, ...] = ()
    op: Comparison | None = None
    value: float | None = None
    hold: Duration | None = None
    unit: str = ""
    digits: int = 2
    severity: Severity | None = None


class CheckpointKind(Enum):
    """What must be there for a checkpoint to be done."""

    REPORT = "report"
    STEP = "step"
    TASK = "task"


class Checkpoint(Table, frozen=True, kw_only=True):
    """`[[phase.checkpoint]]`: something due `at` after the phase's start. STEP carries the traffic share."""

    id: str
    title: str
    at: Duration
    kind: CheckpointKind = CheckpointKind.TASK
    traffic_percent: float | None = None
    detail: str | None = None


class ChecklistItem(Table, frozen=True, kw_only=True):
    """`[[phase.checklist]]`: ticked by a person, or by `check` when automatic.

    `check` is one of `slo:<id>`, `slos`, `green_hours:<n>`, `no_incidents:<SEV>`, `phase_done:<id>`,
    `checkpoint:<id>`, `daily:<id>:<n>` (n days of it done).
    """

    id: str
    title: str
    check: str | None = None


class Phase(Table, frozen=True, kw_only=True):
    """`[[phase]]`: one stretch of the plan. It starts when an operator says so, not by the calendar."""

    id: str
    title: str
    length: Duration
    traffic_percent: float | None = None
    next: str | None = None
    checkpoint: tuple[Checkpoint, ...] = ()
    checklist: tuple[ChecklistItem, ...] = ()
    detail: str | None = None


class Daily(Table, frozen=True, kw_only=True):
    """`[[daily]]`: the daily protocol's round at `at` (HH:MM in `mission.day_zone`) and its tasks."""

    id: str
    title: str
    at: str
    tasks: tuple[str, ...] = ()
    phases: tuple[str, ...] = ()


class AlertRule(Table, frozen=True, kw_only=True):
    """`[[alert]]`: an alert the plan names, how bad it is and whom it reaches."""

    name: str
    severity: Severity
    condition: str
    route: str
    hold: Duration | None = None


class SeverityRules(Table, frozen=True, kw_only=True):
    """`[severity]`: how a label becomes a severity. The first label of `labels` that is set decides."""

    labels: tuple[str, ...] = ("sev", "severity")
    values: dict[str, Severity] = msgspec.field(default_factory=dict)


class Kpi(Table, frozen=True, kw_only=True):
    """`[[kpi]]`: a success metric of the plan, by group (technical, operational, business)."""

    group: str
    statement: str
    slo: str | None = None


class Endpoint(Table, frozen=True, kw_only=True):
    """`[[endpoint]]`: an address worth knowing, shown in help and in `doctor`."""

    title: str
    url: str


class WorkloadRoles(Table, frozen=True, kw_only=True):
    """`[workloads]`: which deployment plays which part in this mission, and the route that splits traffic."""

    canary: str | None = None
    stable: str | None = None
    standby: tuple[str, ...] = ()
    route: str | None = None


class Credentials(Table, frozen=True, kw_only=True):
    """How to authenticate. Secrets are named, never written: an environment variable or a file."""

    bearer_env: str | None = None
    bearer_file: str | None = None
    username: str | None = None
    password_env: str | None = None
    password_file: str | None = None
    client_certificate: str | None = None
    client_key: str | None = None
    ca: str | None = None
    headers: dict[str, str] = msgspec.field(default_factory=dict)
    headers_env: dict[str, str] = msgspec.field(default_factory=dict)


class HttpSource(Table, frozen=True, kw_only=True):
    """An HTTP source of an environment. `interval`: seconds between looks; stale after three of them."""

    url: str
    interval: Duration = lasting("15s")
    auth: Credentials = Credentials()


class ProbeKind(Enum):
    """`health` must answer 2xx (JSON `status` shown); `exposition` must carry Prometheus text."""

    HEALTH = "health"
    EXPOSITION = "exposition"


class Probe(HttpSource, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[[environments.X.probe]]`: a page to look at directly (bridge `/health`, exporter `/metrics`)."""

    id: str
    title: str
    kind: ProbeKind


class ClusterSource(Table, frozen=True, kw_only=True):
    """`[environments.X.cluster]`: which cluster; without it, no cluster is watched and the verdict says so."""

    namespace: str
    context: str | None = None
    kubeconfig: str | None = None
    extra_namespaces: tuple[str, ...] = ()
    in_cluster: bool = False


class Environment(Table, frozen=True, kw_only=True):
    """`[environments.NAME]`: where to look, and how careful to be. A source left out is not watched."""

    prometheus: HttpSource | None = None
    alertmanager: HttpSource | None = None
    grafana: HttpSource | None = None
    cluster: ClusterSource | None = None
    probe: tuple[Probe, ...] = ()
    colour: str = "primary"
    confirm_word: str | None = None
    read_only: bool = False
    drill: bool = False


class DrillClock(Table, frozen=True, kw_only=True):
    """`[clock]`: a drill's faster clock. World time = world_origin + (real now − real_origin) × speed."""

    real_origin: float
    world_origin: float
    speed: float


class Interface(Table, frozen=True, kw_only=True):
    """`[interface]`: the person's own taste (user file)."""

    theme: str = "aurora-dark"
    environment: str | None = None


class Mission(Table, frozen=True, kw_only=True):
    """The whole mission file, the user's profile merged over it."""

    mission: MissionIdentity
    slo: tuple[Objective, ...]
    criterion: tuple[Criterion, ...]
    phase: tuple[Phase, ...]
    environments: dict[str, Environment]
    runbook: tuple[Runbook, ...] = ()
    daily: tuple[Daily, ...] = ()
    alert: tuple[AlertRule, ...] = ()
    severity: SeverityRules = SeverityRules()
    kpi: tuple[Kpi, ...] = ()
    endpoint: tuple[Endpoint, ...] = ()
    workloads: WorkloadRoles = WorkloadRoles()
    interface: Interface = Interface()
    clock: DrillClock | None = None
    ledger: str | None = None
