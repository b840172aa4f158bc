"""The workloads panel: each deployment, and beneath it the pods that are not well (or all of them)."""

from __future__ import annotations

from functools import partial

import msgspec

from aurora_tui.console.figures import percent
from aurora_tui.console.ink import ELLIPSIS, NO_VALUE, Line, Row, Span, fit, fixed, span
from aurora_tui.console.lamps import dark_words, outdated
from aurora_tui.console.moments import age
from aurora_tui.console.panels.crowd import Listing, Place, listed
from aurora_tui.console.table import Column, Layout, arrange
from aurora_tui.situation.pod import is_starting
from aurora_tui.situation.situation import Situation
from aurora_tui.situation.workload import DeploymentStatus, PodStatus, Rollout

_DEPLOYMENT_COLUMNS = (
    Column(room=1),
    Column(least=14, most=40),  # name
    Column(drop=3),  # revision
    Column(drop=4, least=6, most=16),  # image
    Column(),  # ready
    Column(drop=2),  # restarts
    Column(drop=1),  # role and traffic
)
_POD_COLUMNS = (
    Column(room=3),
    Column(least=10, most=40),  # name
    Column(least=10, most=28),  # reason
    Column(drop=1),  # restarts
    Column(drop=3, least=6, most=16),  # node
    Column(drop=2, right=True),  # age
)
_MEASURED = 500  # pods that decide the columns; thousands more would cost more than they tell
_ROLLOUT_INK = {Rollout.FAILED: ("✗", "bad"), Rollout.PAUSED: ("‖", "warn")}


def title(situation: Situation) -> str:
    """`WORKLOADS  5,006 pods · 37 not well`: how many there are, and how many of them to see to."""
    count = len(situation.pods)
    if not count:
        return "WORKLOADS"
    sick = sum(not pod.healthy for pod in situation.pods)
    words = f"WORKLOADS  {count:,} pod{'s' * (count > 1)}"
    return f"{words} · {sick:,} not well" if sick else words


def rows(
    situation: Situation,
    now: float,
    width: int,
    every_pod: bool = False,
    watched: bool = True,
    opened: bool = False,
) -> list[Row]:
    """The mission's deployments first, each followed by its sick pods; then the others, the sick ones first.

    Many of a kind are counted rather than listed, but for `opened` (as for a filter, which looks at each), which
    lists all that is sick, and `every_pod`, which lists everything. A cluster that is not watched, or not to be
    believed, is said so first.
    """
    if not watched:
        return [fixed("unwatched", span("— no data: no cluster is watched in this environment", "unknown"))]
    light = next((light for light in situation.lights if light.name == "cluster"), None)
    dark = light is not None and not light.trusted(now)
    warning = [fixed("dark", span(dark_words(light, now), "unknown"), pressing=True)] if light and dark else []
    by_owner: dict[Place | None, list[PodStatus]] = {}
    known = {(deployment.namespace, deployment.name) for deployment in situation.deployments}
    for pod in situation.pods:
        if every_pod or not pod.healthy:
            owner = (pod.namespace, pod.owner) if pod.owner else None
            by_owner.setdefault(owner if owner in known else None, []).append(pod)
    shown = listed(situation.deployments, by_owner, everything=every_pod or opened)
    result = _drawn(shown, now, width, searched=opened)
    if not result and not warning:
        result.append(Row("none", partial(fit, (span("no deployments in this namespace", "dim"),), width), "none"))
    return warning + ([outdated(row) for row in result] if dark else result)


def _drawn(shown: Listing, now: float, width: int, searched: bool) -> list[Row]:
    deployments = {item.uid: _deployment_cells(item) for item, *_ in shown.parts if item is not None}
    layout = arrange(_DEPLOYMENT_COLUMNS, [[part.text for part in cells] for cells in deployments.values()], width)
    pods = _pod_rows([pod for part in shown.parts for pod in part.pods], now, width, searched)
    result: list[Row] = []
    for item, group, more, compact in shown.parts:
        name = item.uid if item is not None else "strays"
        if item is None:
            result.append(Row(name, partial(fit, (span("  pods of no deployment", "dim"),), width), "pods"))
        else:
            sick = item.ready < item.desired or item.rollout is Rollout.FAILED
            result.append(Row(name, partial(layout.line, deployments[name]), _search(item), item, pressing=sick))
            if item.rollout not in ((Rollout.DONE, Rollout.PROGRESSING) if compact else (Rollout.DONE,)):
                result.append(Row(f"{name}/rollout", partial(_rollout_line, item, width), _search(item), item))
        result += [pods[pod.uid] for pod in group]
        if more:
            words = span(f"  ✗ … and {more:,} more not well: x lists them", "bad")
            result.append(Row(f"{name}/more", partial(fit, (words,), width), "", item, pressing=True))
    if shown.well:
        ready, desired = sum(item.ready for item in shown.well), sum(item.desired for item in shown.well)
        words = span(f"✔ {len(shown.well)} more deployments, {ready:,}/{desired:,} ready: x lists them", "good")
        result.append(Row("well", partial(fit, (words,), width)))
    return result


def _search(item: DeploymentStatus) -> str:
    return f"{item.name} {item.image or ''} {item.role.value} {item.rollout.value}".lower()


def tag(image: str | None) -> str:
    """What tells one image from another: `1.0.0-rc1`, or a digest's first characters."""
    if image is None:
        return NO_VALUE
    name, at, digest = image.partition("@")
    if at:
        return digest.removeprefix("sha256:")[:9]
    last = name.rpartition("/")[2]
    return last.partition(":")[2] or "latest"


def state(item: DeploymentStatus) -> tuple[str, str]:
    """Glyph and ink of a deployment: its rollout, and whether what should be ready is."""
    if item.rollout in _ROLLOUT_INK:
        return _ROLLOUT_INK[item.rollout]
    if item.desired == 0:
        return "·", "dim"
    if item.ready < item.desired:
        return "⚠", "warn" if item.ready else "bad"
    return ("✔", "good") if item.rollout is Rollout.DONE else ("↻", "warn")


def _deployment_cells(item: DeploymentStatus) -> tuple[Span, ...]:
    glyph, ink = state(item)
    part = item.role.value
    if item.traffic is not None and (item.traffic > 0 or item.desired):
        part = f"{part} {percent(round(item.traffic * 100, 1))}".strip()
    return (
        span(glyph, f"{ink} bold"),
        span(item.name, "" if item.desired else "dim"),
        span(f"rev {item.revision if item.revision is not None else NO_VALUE}", "dim"),
        span(tag(item.image)),
        span(f"{item.ready}/{item.desired} ready", ink),
        span(f"⟳ {item.restarts}" if item.restarts else "", "warn"),
        span(part, "dim"),
    )


def _rollout_line(item: DeploymentStatus, width: int) -> Line:
    glyph, ink = _ROLLOUT_INK.get(item.rollout, ("↻", "warn"))
    detail = f": {item.rollout_detail}" if item.rollout_detail else ""
    return fit((span(f"  {glyph} rollout {item.rollout.value}{detail}", ink),), width)


def short_name(pod: PodStatus) -> str:
    """A pod's name without its deployment's: `…-7cd8b-hvmsq`."""
    if pod.owner and pod.name.startswith(f"{pod.owner}-"):
        return ELLIPSIS + pod.name[len(pod.owner) :]
    return pod.name


class _PodLine(msgspec.Struct, frozen=True, gc=False):
    """Draws one pod."""

    layout: Layout
    pod: PodStatus
    now: float

    def __call__(self) -> Line:
        return self.layout.line(_pod_cells(self.pod, self.now))


def _pod_rows(pods: list[PodStatus], now: float, width: int, searched: bool) -> dict[str, Row]:
    """A row for each pod, by uid; what a filter looks in only where there is one."""
    sample = [[part.text for part in _pod_cells(pod, now)] for pod in pods[:_MEASURED]]
    layout = arrange(_POD_COLUMNS, sample, width)
    return {
        pod.uid: Row(
            pod.uid,
            _PodLine(layout, pod, now),
            f"{pod.name} {pod_words(pod)} {pod.node or ''}".lower() if searched else "",
            pod,
            not pod.healthy,
        )
        for pod in pods
    }


def pod_words(pod: PodStatus) -> str:
    """kubectl's word; one that runs and is not ready says so, or it would read as well."""
    return pod.reason if pod.healthy or pod.reason != "Running" else f"Running {pod.ready}/{pod.containers_total}"


def pod_mark(pod: PodStatus, now: float) -> tuple[str, str]:
    """Glyph and ink: well, on its way up, or sick. One that has only just begun to start is no alarm."""
    if pod.healthy:
        return "✔", "good"
    return ("↻", "warn") if is_starting(pod, now) else ("✗", "bad")


def _pod_cells(pod: PodStatus, now: float) -> tuple[Span, ...]:
    glyph, ink = pod_mark(pod, now)
    restarts = "" if not pod.restarts else f"{pod.restarts} restart{'s' if pod.restarts > 1 else ''}"
    return (
        span(f"  {glyph}", f"{ink} bold"),
        span(short_name(pod)),
        span(pod_words(pod), ink),
        span(restarts, "warn"),
        span(pod.node or NO_VALUE, "dim"),
        span(age(None if pod.created_at is None else now - pod.created_at), "dim"),
    )
