"""Wait: nothing is changed; the next step comes once something is so.

A wait is never `already` so when it is planned: what is so now says nothing about what will be after the steps
before it. What this environment does not have, a probe or a Prometheus, cannot be waited for: the plan warns of it
before anything is approved, and the step then counts as done, in words that say that it was skipped.
"""

from __future__ import annotations

import math
import shlex
from collections.abc import Sequence

from aurora_tui.actions.operation import Impossible, Permission, Reach, Standing
from aurora_tui.actions.operations import waiting
from aurora_tui.actions.operations.crew import read_deployment, subject_of
from aurora_tui.actions.operations.deployment import path_of
from aurora_tui.actions.plan import PlannedStep, Subject
from aurora_tui.situation.duration import Duration
from aurora_tui.situation.mission import Probe
from aurora_tui.situation.runbook import AnyStep, Wait, WaitFor
from aurora_tui.text import redact_url, safe

_SKIPPED = "skipped"


class WaitOperation:
    """Look whether it is so."""

    async def plan(self, step: Wait, number: int, reach: Reach) -> PlannedStep:
        """What will be waited for, and whether it can be."""
        limit = max(1, math.ceil(step.limit))
        if step.until in (WaitFor.ROLLOUT, WaitFor.PODS):
            return await self._for_deployment(step, number, limit, reach)
        what, lacking, refusal = _page(step, reach) if step.until is WaitFor.HEALTH else _query(step, reach)
        return PlannedStep(
            number=number,
            step=step,
            title=f"Wait {what}",
            kubectl="" if lacking or refusal else _typed(step, reach),
            goal={_SKIPPED: lacking} if lacking else {"until": step.until.value},
            warnings=(f"{lacking}: skipped",) if lacking else (),
            refusals=(refusal,) if refusal else (),
            limit=limit,
        )

    def permissions(self, planned: PlannedStep) -> Sequence[Permission]:
        """To read the deployment, its ReplicaSets and its pods."""
        if planned.subject is None:
            return ()
        return (
            Permission(verb="get", group="apps", resource="deployments", name=planned.subject.name),
            Permission(verb="list", group="apps", resource="replicasets"),
            Permission(verb="list", group="", resource="pods"),
        )

    async def rehearse(self, planned: PlannedStep, reach: Reach) -> None:
        """Nothing is written."""

    async def standing(self, planned: PlannedStep, reach: Reach) -> Standing:
        """Whether it is so now."""
        step = planned.step
        assert isinstance(step, Wait)
        if lacking := planned.goal.get(_SKIPPED):
            return Standing(done=True, words=f"skipped: {lacking}")
        match step:
            case Wait(until=WaitFor.ROLLOUT, deployment=str(name)):
                return await waiting.rollout(name, planned.subject, reach)
            case Wait(until=WaitFor.PODS, deployment=str(name)):
                return await waiting.pods(name, planned.subject, reach)
            case Wait(until=WaitFor.HEALTH) if probe := _probe(step, reach):
                return await waiting.health(probe, reach)
            case Wait(until=WaitFor.QUERY, query=str(asked)) if reach.settings.environment.prometheus is not None:
                return await waiting.query(asked, reach)
        raise Impossible(
            f"what this step waits for is no longer in the settings: {planned.title}", "Put it back, or plan anew."
        )

    async def carry_out(self, planned: PlannedStep, reach: Reach) -> None:
        """Nothing to do but to look again."""

    def inverse(self, planned: PlannedStep) -> Sequence[AnyStep]:
        """Nothing was changed."""
        return ()

    async def _for_deployment(self, step: Wait, number: int, limit: int, reach: Reach) -> PlannedStep:
        what = "the rollout of" if step.until is WaitFor.ROLLOUT else "the pods of"
        name = step.deployment
        if not name:
            words = (
                f'the runbook does not say which deployment: write deployment = "…" beside until = "{step.until.value}"'
            )
            return PlannedStep(
                number=number, step=step, title=f"Wait for {what} a deployment", refusals=(words,), limit=limit
            )
        found = await read_deployment(reach.cluster, reach.namespace, name)
        path = path_of(reach.namespace, name)
        subject = Subject(
            kind="Deployment", resource="deployments.apps", path=path, name=name, namespace=reach.namespace
        )
        status = f"kubectl -n {reach.namespace} rollout status deployment/{name} --timeout={Duration(limit)}"
        pods = f"kubectl -n {reach.namespace} get pods --watch"
        return PlannedStep(
            number=number,
            step=step,
            title=f"Wait for {what} {safe(name, 80)}",
            subject=subject if found is None else subject_of(found, path),
            kubectl=status if step.until is WaitFor.ROLLOUT else pods,
            goal={"until": step.until.value},
            # An earlier step may be about to make it.
            warnings=(f"there is no deployment {safe(name, 80)} now",) if found is None else (),
            limit=limit,
        )


def _page(step: Wait, reach: Reach) -> tuple[str, str, str]:
    """What is waited for, why it cannot be here, why it can never be."""
    if not step.probe:
        return "until a page is well", "", 'the runbook does not say which probe: write probe = "…"'
    probe = _probe(step, reach)
    if probe is None:
        name = safe(step.probe, 60)
        return f"until {name} is well", f"this environment has no probe {name}", ""
    return f"until {safe(probe.title, 60)} is well", "", ""


def _query(step: Wait, reach: Reach) -> tuple[str, str, str]:
    """The same for a query."""
    if not step.query:
        return "for a query", "", 'the runbook does not say which query: write query = "…"'
    what = f"until {safe(' '.join(step.query.split()), 80)}"
    if reach.settings.environment.prometheus is None:
        return what, "this environment has no Prometheus", ""
    try:
        waiting.filled(step.query, reach)
    except ValueError as error:
        return what, "", safe(str(error), 300)
    return what, "", ""


def _probe(step: Wait, reach: Reach) -> Probe | None:
    return next((one for one in reach.settings.environment.probe if one.id == step.probe), None)


def _typed(step: Wait, reach: Reach) -> str:
    """What a person would type to look for themselves."""
    probe, prometheus = _probe(step, reach), reach.settings.environment.prometheus
    if step.until is WaitFor.HEALTH and probe is not None:
        return f"curl -fsS {shlex.quote(redact_url(probe.url))}"
    if step.query and prometheus is not None:
        return f"promtool query instant {redact_url(prometheus.url)} {shlex.quote(waiting.filled(step.query, reach))}"
    return ""
