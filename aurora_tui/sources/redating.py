"""Rows as dated by a clock that is wrong: told in the time that everything else is told in.

An API server whose clock is ten minutes ahead would make every new pod ten minutes younger than it is, and hide for
as long that it does not come up.
"""

from __future__ import annotations

import msgspec

from aurora_tui.situation.workload import Condition, Container, DeploymentStatus, PodStatus, WarningEvent


def redated_pod(row: PodStatus, ahead: float) -> PodStatus:
    """`row`, its times `ahead` seconds earlier."""
    return msgspec.structs.replace(
        row,
        created_at=_back(row.created_at, ahead),
        restarted_at=_back(row.restarted_at, ahead),
        containers=tuple(_container(one, ahead) for one in row.containers),
        conditions=tuple(_condition(one, ahead) for one in row.conditions),
    )


def redated_deployment(row: DeploymentStatus, ahead: float) -> DeploymentStatus:
    """As `redated_pod`."""
    return msgspec.structs.replace(
        row,
        created_at=_back(row.created_at, ahead),
        conditions=tuple(_condition(one, ahead) for one in row.conditions),
    )


def redated_event(event: WarningEvent, ahead: float) -> WarningEvent:
    """As `redated_pod`."""
    return msgspec.structs.replace(event, first_at=_back(event.first_at, ahead), last_at=_back(event.last_at, ahead))


def _back(moment: float | None, ahead: float) -> float | None:
    return None if moment is None else moment - ahead


def _container(one: Container, ahead: float) -> Container:
    if one.last_finished_at is None:
        return one
    return msgspec.structs.replace(one, last_finished_at=one.last_finished_at - ahead)


def _condition(one: Condition, ahead: float) -> Condition:
    return one if one.since is None else msgspec.structs.replace(one, since=one.since - ahead)
