"""The workloads panel: each deployment, and beneath it the pods that are not well (or all of them)."""

from __future__ import annotations

from functools import partial

from aurora_tui.console.figures import percent
from aurora_tui.console.ink import ELLIPSIS, NO_VALUE, Line, Row, Span, fit, fixed, span
from aurora_tui.console.lamps import dark_words, outdated
from aurora_tui.console.moments import age
from aurora_tui.console.table import Column, Layout, arrange
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


def rows(situation: Situation, now: float, width: int, every_pod: bool = False, watched: bool = True) -> list[Row]:
    """Deployments in the Situation's order, each followed by its pods: the sick ones, or all when `every_pod`.

    A cluster that is not watched, or not to be believed, is said so first.
    """
    if not watched:
        return [fixed("unwatched", span("— no data: no cluster is watched in this environment", "unknown"))]
    light = next((light for light in situation.lights if light.name == "cluster"), None)
    dark = light is not None and not light.trusted(now)
    warning = [fixed("dark", span(dark_words(light, now), "unknown"), pressing=True)] if light and dark else []
    by_owner: dict[str | None, list[PodStatus]] = {}
    known = {deployment.name for deployment in situation.deployments}
    for pod in situation.pods:
        if every_pod or not pod.healthy:
            by_owner.setdefault(pod.owner if pod.owner in known else None, []).append(pod)
    deployments = [(item, _deployment_cells(item)) for item in situation.deployments]
    layout = arrange(_DEPLOYMENT_COLUMNS, [[part.text for part in cells] for _, cells in deployments], width)
    pods = _pod_rows([pod for group in by_owner.values() for pod in group], now, width)
    result: list[Row] = []
    for item, cells in deployments:
        sick = item.ready < item.desired or item.rollout is Rollout.FAILED
        result.append(Row(item.uid, partial(layout.line, cells), _search(item), item, pressing=sick))
        if item.rollout is not Rollout.DONE:
            result.append(Row(f"{item.uid}/rollout", partial(_rollout_line, item, width), _search(item), item))
        result += [pods[pod.uid] for pod in by_owner.get(item.name, [])]
    strays = by_owner.get(None, [])
    if strays:
        result.append(Row("strays", partial(fit, (span("  pods of no deployment", "dim"),), width), "pods"))
        result += [pods[pod.uid] for pod in strays]
    if not result and not warning:
        result.append(Row("none", partial(fit, (span("no deployments in this namespace", "dim"),), width), "none"))
    return warning + ([outdated(row) for row in result] if dark else result)


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


def _pod_rows(pods: list[PodStatus], now: float, width: int) -> dict[str, Row]:
    sample = [[part.text for part in _pod_cells(pod, now)] for pod in pods[:_MEASURED]]
    layout = arrange(_POD_COLUMNS, sample, width)
    return {
        pod.uid: Row(
            pod.uid,
            partial(_pod_line, layout, pod, now),
            f"{pod.name} {pod.reason} {pod.node or ''}".lower(),
            pod,
            not pod.healthy,
        )
        for pod in pods
    }


def _pod_line(layout: Layout, pod: PodStatus, now: float) -> Line:
    return layout.line(_pod_cells(pod, now))


def _pod_cells(pod: PodStatus, now: float) -> tuple[Span, ...]:
    glyph, ink = ("✔", "good") if pod.healthy else ("✗", "bad")
    restarts = "" if not pod.restarts else f"{pod.restarts} restart{'s' if pod.restarts > 1 else ''}"
    return (
        span(f"  {glyph}", f"{ink} bold"),
        span(short_name(pod)),
        span(pod.reason, ink),
        span(restarts, "warn"),
        span(pod.node or NO_VALUE, "dim"),
        span(age(None if pod.created_at is None else now - pod.created_at), "dim"),
    )
