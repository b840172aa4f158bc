"""Before the word may be typed: each check in words, refused where it must be, a warning where it cannot be made."""

from __future__ import annotations

import asyncio
import dataclasses
from pathlib import Path
from typing import Any

import msgspec
import pytest

from aurora_tui.actions.answer import bounded, ok
from aurora_tui.actions.holding import LEASE, TAKE_OVER, Holding
from aurora_tui.actions.identity import identify
from aurora_tui.actions.operation import Permission
from aurora_tui.actions.plan import Cluster, Outcome
from aurora_tui.actions.preflight.budgets import picks
from aurora_tui.actions.preflight.identity import difference
from aurora_tui.actions.preflight.objects import Acted
from aurora_tui.actions.preflight.owners import keeper
from aurora_tui.actions.preflight.quota import _lacking, added, quantity
from aurora_tui.actions.preflight.rights import in_words, needed_by
from aurora_tui.drill.manifests import CANARY, NAMESPACE, STABLE, STANDBY
from aurora_tui.kube.lease import Lease
from aurora_tui.situation.journal import project
from aurora_tui.situation.runbook import DeletePod, Note, Patch, Restart, Scale
from aurora_tui.situation.verdict import Word
from tests.actions.desks import book, bundled, check, plan_of, situation, titles
from tests.actions.worlds import OPERATOR, VIEWER, World, world
from tests.situation.missions import records

UP = Scale(deployment=STANDBY, replicas=3)


def warned(plan: Any, title: str) -> str:
    found = check(plan, title)
    assert found.outcome is Outcome.WARNING, found
    return found.words


def refused(plan: Any, title: str) -> str:
    found = check(plan, title)
    assert found.outcome is Outcome.REFUSED, found
    assert any(words.startswith(f"{title}:") for words in plan.refusals)
    return found.words


async def test_all_is_well_and_every_check_says_so(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        seen = await identify(here.connection)
        plan = await plan_of(here, bundled(here, "rollback"), seen=seen, judged=situation())
        assert [one for one in plan.checks if one.outcome is not Outcome.OK] == []
        assert titles(plan) == [
            "cluster", "user", "environment", "other runs", "evidence", "namespace", "lock", "rights", "dry run",
            "autoscaler", "owner", "quota",
        ]  # fmt: skip
        assert plan.forced == ()


# ── which cluster, as whom ──


async def test_another_cluster_than_the_one_looked_at_is_refused(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        seen = msgspec.structs.replace(await identify(here.connection), uid="another")
        plan = await plan_of(here, book(UP), seen=seen)
        assert refused(plan, "cluster").startswith("ANOTHER CLUSTER: its uid of kube-system is ")


@pytest.mark.parametrize("field", ["context", "server", "ca", "uid"])
def test_a_cluster_is_another_one_when_any_of_its_marks_is(field: str) -> None:
    one = Cluster(context="bastion", server="https://a:6443", ca="aa", uid="1")
    assert difference(one, one) == ""
    assert difference(one, msgspec.structs.replace(one, **{field: "other"})) != ""


def test_what_may_not_be_read_makes_no_cluster_another_one() -> None:
    one = Cluster(context="bastion", server="https://a:6443", ca="aa", uid="1")
    assert difference(one, msgspec.structs.replace(one, uid=None)) == ""


async def test_a_cluster_that_nobody_looked_at_is_told_by_name(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        assert "nobody has looked at it" in warned(await plan_of(here, book(UP)), "cluster")


async def test_not_knowing_which_cluster_answers_refuses(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        await here.stop()
        assert "could not be checked: cannot connect" in refused(await plan_of(here, book(UP)), "cluster")


# ── rules ──


async def test_a_read_only_environment_refuses(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        here.reach = dataclasses.replace(here.reach, settings=dataclasses.replace(here.settings, read_only=True))
        assert "read-only" in refused(await plan_of(here, book(UP)), "environment")


async def test_a_runbook_runs_only_where_it_may(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        plan = await plan_of(here, book(UP, environments=("staging",)))
        assert refused(plan, "environment") == "test may not run in drill, only in staging"


def _journal(*more: tuple[str, dict[str, Any]]) -> Any:
    plan = {"runbook": "failover", "title": "failover", "environment": "drill", "steps": []}
    entries = [(1.0, "run.approved", {"run": "abc", "plan": plan}), *((2.0, *one) for one in more)]
    return project(records(*entries))


async def test_another_run_that_is_open_refuses_by_its_name(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        plan = await plan_of(here, book(UP), journal=_journal())
        assert refused(plan, "other runs") == "run abc, failover, approved by eva@bastion, is approved"
        over = _journal(("run.finished", {"run": "abc", "outcome": "verified"}))
        assert check(await plan_of(here, book(UP), journal=over), "other runs").outcome is Outcome.OK


async def test_blind_data_refuses(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        blind = situation(Word.BLIND, "metrics: no answer")
        assert refused(await plan_of(here, book(UP), judged=blind), "evidence") == "BLIND: metrics: no answer"


async def test_blind_data_is_acted_on_knowingly_and_that_is_recorded(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        plan = await plan_of(here, book(UP), judged=situation(Word.BLIND, "metrics: no answer"), on_what_we_know=True)
        assert warned(plan, "evidence") == "BLIND: metrics: no answer"
        assert plan.forced == ("acted on what is known: BLIND: metrics: no answer",)
        assert plan.refusals == ()


async def test_evidence_that_nobody_looked_at_is_a_warning(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        assert "nobody looked" in warned(await plan_of(here, book(UP)), "evidence")


# ── the place ──


async def test_a_namespace_that_is_not_there_refuses(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        here.reach = dataclasses.replace(here.reach, namespace="elsewhere")
        assert refused(await plan_of(here, book(Note(text="x"))), "namespace").startswith("elsewhere does not exist")


async def test_a_namespace_that_is_being_deleted_refuses(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        path = f"/api/v1/namespaces/{NAMESPACE}"
        finalizer = {"metadata": {"finalizers": ["example.com/hold"]}}
        admin = here.as_user("admin")
        pod = next(iter(here.cluster.pods(NAMESPACE)))["metadata"]["name"]
        await admin.request("PATCH", f"{path}/pods/{pod}", body=finalizer, content_type="application/merge-patch+json")
        await admin.request("DELETE", path)
        assert "is being deleted" in refused(await plan_of(here, book(UP)), "namespace")


# ── the lock ──


async def test_a_lock_that_another_one_holds_refuses_and_tells_who(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        await Lease(here.connection, NAMESPACE, LEASE, "otto@elsewhere:7", run="xyz").acquire()
        words = refused(await plan_of(here, book(UP)), "lock")
        assert words.startswith("held by otto@elsewhere:7 (run xyz) since 20")


async def test_a_lock_is_taken_over_when_that_is_asked_for_and_the_executor_is_told(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        await Lease(here.connection, NAMESPACE, LEASE, "otto@elsewhere:7", run="xyz").acquire()
        plan = await plan_of(here, book(UP), take_over=True)
        assert warned(plan, "lock").startswith("held by otto@elsewhere:7")
        assert TAKE_OVER in plan.forced
        assert plan.refusals == ()
        async with Holding(here.reach, "eva@bastion:1") as holding:
            await holding.take(forced=TAKE_OVER in plan.forced, before=None)


async def test_a_lock_left_behind_by_a_run_that_is_over_is_taken_over(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        await Lease(here.connection, NAMESPACE, LEASE, "eva@bastion:7", run="abc").acquire()
        over = _journal(("run.finished", {"run": "abc", "outcome": "abandoned"}))
        plan = await plan_of(here, book(UP), journal=over)
        assert "left behind" in warned(plan, "lock")
        assert TAKE_OVER in plan.forced


# ── rights and dry run ──


async def test_a_right_that_is_lacking_refuses_and_is_named(tmp_path: Path) -> None:
    async with world(tmp_path, user=VIEWER) as here:
        words = refused(await plan_of(here, book(UP)), "rights")
        assert f"patch deployments.apps/scale {STANDBY}" in words
        assert "create leases.coordination.k8s.io" in words
        assert "get deployments.apps/scale" not in words


async def test_every_right_is_asked_for_once_by_name(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        plan = await plan_of(here, book(UP, Scale(deployment=STANDBY, replicas=1)))
        needed = needed_by(plan.steps)
        assert len(set(needed)) == len(needed)
        assert in_words(needed[0]) == f"get deployments.apps/scale {STANDBY}"


def test_a_right_is_written_as_kubectl_writes_it() -> None:
    assert in_words(Permission(verb="list", group="", resource="pods")) == "list pods"
    assert in_words(Permission(verb="create", group="", resource="pods", subresource="eviction", name="a")) == (
        "create pods/eviction a"
    )


async def test_what_the_server_would_refuse_is_refused_before(tmp_path: Path) -> None:
    async with world(tmp_path, user=VIEWER) as here:
        words = refused(await plan_of(here, book(UP)), "dry run")
        assert words.startswith(f"step 1, Scale {STANDBY} to 3: cannot patch deployments/scale.apps {STANDBY}")
        assert here.deployment(STANDBY)["spec"]["replicas"] == 0


async def test_what_was_not_tried_is_not_told_as_well(tmp_path: Path) -> None:
    async with world(tmp_path, user=VIEWER) as here:
        patch = Patch(resource="deployments.apps", name=STANDBY, body='{"metadata": {"labels": {"a": "b"}}}')
        plan = await plan_of(here, book(patch))
        assert plan.steps[0].refusals
        assert warned(plan, "dry run").startswith("not tried: step 1,")


async def test_where_nothing_is_written_there_is_nothing_to_try(tmp_path: Path) -> None:
    async with world(tmp_path, user=VIEWER) as here:
        plan = await plan_of(here, book(Scale(deployment=STANDBY, replicas=0), Note(text="x")))
        assert check(plan, "dry run").words == "nothing is to be written: there was nothing to try"


async def test_how_many_writes_were_tried_is_told(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        plan = await plan_of(here, book(UP, Note(text="x")))
        assert check(plan, "dry run").words == "the server would take every write: 1 tried"


# ── who else has a hand in it ──


async def _create(here: World, path: str, body: dict[str, Any]) -> None:
    await here.as_user("admin").request("POST", path, body=body)


def _autoscaler(target: str) -> dict[str, Any]:
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "hpa", "namespace": NAMESPACE},
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": target},
            "minReplicas": 2,
            "maxReplicas": 5,
            "metrics": [
                {
                    "type": "Resource",
                    "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 60}},
                }
            ],
        },
    }


@pytest.mark.parametrize(
    ("replicas", "words"), [(7, "will set another number than 7"), (0, "at 0 it stops")], ids=["up", "to 0"]
)
async def test_an_autoscaler_that_will_fight_is_warned_of(tmp_path: Path, replicas: int, words: str) -> None:
    async with world(tmp_path) as here:
        await _create(
            here, f"/apis/autoscaling/v2/namespaces/{NAMESPACE}/horizontalpodautoscalers", _autoscaler(CANARY)
        )
        plan = await plan_of(here, book(Scale(deployment=CANARY, replicas=replicas)))
        assert warned(plan, "autoscaler").startswith(f"hpa keeps {CANARY} between 2 and 5 replicas")
        assert words in warned(plan, "autoscaler")


async def test_an_autoscaler_of_another_deployment_is_none_of_ours(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        await _create(
            here, f"/apis/autoscaling/v2/namespaces/{NAMESPACE}/horizontalpodautoscalers", _autoscaler(STABLE)
        )
        assert check(await plan_of(here, book(UP)), "autoscaler").outcome is Outcome.OK


async def test_an_owner_that_puts_back_what_is_changed_is_warned_of(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        await here.connection.request(
            "PATCH",
            f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments/{STANDBY}",
            body={"metadata": {"annotations": {"argocd.argoproj.io/tracking-id": "aurora:apps/Deployment:x/y"}}},
            content_type="application/merge-patch+json",
        )
        found = check(await plan_of(here, book(UP)), "owner")
        assert found.outcome is Outcome.WARNING
        assert found.words.startswith(f"Deployment {STANDBY} is kept by Argo CD")
        assert "argocd app set" in found.remedy


@pytest.mark.parametrize(
    ("metadata", "who"),
    [
        ({"labels": {"kustomize.toolkit.fluxcd.io/name": "apps"}}, "Flux"),
        ({"labels": {"helm.toolkit.fluxcd.io/name": "bridge"}}, "Flux"),
        ({"annotations": {"meta.helm.sh/release-name": "bridge"}}, "Helm"),
        ({"managedFields": [{"manager": "argocd-controller"}]}, "Argo CD"),
        ({"managedFields": [{"manager": "kubectl-client-side-apply"}], "labels": {"app": "x"}}, None),
        ({}, None),
    ],
)
def test_who_keeps_an_object_is_known_by_its_marks(metadata: dict[str, Any], who: str | None) -> None:
    found = keeper({"metadata": metadata})
    assert (found and found[0]) == who


async def test_a_paused_deployment_that_is_to_roll_out_is_warned_of(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        await here.connection.request(
            "PATCH",
            f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments/{STABLE}",
            body={"spec": {"paused": True}},
            content_type="application/merge-patch+json",
        )
        plan = await plan_of(here, book(Restart(deployment=STABLE)))
        # Whether the step itself refuses or not, a paused deployment never passes in silence.
        assert "paused" in " ".join([*plan.refusals, *(one.words for one in plan.checks)])


# ── room ──


@pytest.mark.parametrize(
    ("text", "number"), [("250m", "0.25"), ("256Mi", 2**28), ("2", 2), ("1e3", 1000), ("1k", 1000), ("", 0), ("x", 0)]
)
def test_a_quantity_is_a_number(text: str, number: object) -> None:
    assert str(float(quantity(text))) == str(float(str(number)))


async def test_what_scaling_up_adds_is_counted_by_the_names_of_quotas(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        plan = await plan_of(here, book(UP, Scale(deployment=CANARY, replicas=0)))
        acted = [Acted(step=one, name=STANDBY, found=here.deployment(one.step.deployment)) for one in plan.steps]  # type: ignore[union-attr]
        more = {name: float(value) for name, value in added(acted).items()}
        assert more == {
            "pods": 3.0, "requests.cpu": 0.75, "requests.memory": 3 * 2.0**28, "limits.memory": 3 * 2.0**29,
        }  # fmt: skip


async def test_a_quota_that_is_too_small_for_what_is_scaled_up_is_warned_of(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        quota = {
            "apiVersion": "v1",
            "kind": "ResourceQuota",
            "metadata": {"name": "small", "namespace": NAMESPACE},
            "spec": {"hard": {"pods": "8"}},
        }
        await _create(here, f"/api/v1/namespaces/{NAMESPACE}/resourcequotas", quota)
        here.pass_time(5)
        plan = await plan_of(here, book(UP))
        assert warned(plan, "quota") == "small leaves 2 of pods, and 3 are needed"
        down = await plan_of(here, book(Scale(deployment=CANARY, replicas=1)))
        assert check(down, "quota").words == "no pods are added"


def test_a_quota_that_the_added_pods_do_not_fit_into_is_warned_of() -> None:
    item = {
        "metadata": {"name": "small", "namespace": NAMESPACE},
        "spec": {},
        "status": {
            "hard": {"pods": "10", "requests.memory": "2Gi"},
            "used": {"pods": "6", "requests.memory": "1536Mi"},
        },
    }
    wanted = {"pods": quantity("3"), "requests.memory": quantity("768Mi")}
    [answer] = _lacking(item, wanted)
    assert answer.checks[0].words == "small leaves 512Mi of requests.memory, and 768Mi are needed"
    assert list(_lacking({**item, "spec": {"scopes": ["BestEffort"]}}, wanted)) == []


async def test_a_budget_with_nothing_to_give_is_told_when_one_of_its_pods_is_deleted(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        body = {
            "apiVersion": "policy/v1",
            "kind": "PodDisruptionBudget",
            "metadata": {"name": "keep", "namespace": NAMESPACE},
            "spec": {"minAvailable": 3, "selector": {"matchLabels": {"app": CANARY}}},
        }
        await _create(here, f"/apis/policy/v1/namespaces/{NAMESPACE}/poddisruptionbudgets", body)
        here.pass_time(5)
        pod = next(
            one["metadata"]["name"]
            for one in here.cluster.pods(NAMESPACE)
            if one["metadata"]["labels"]["app"] == CANARY
        )
        plan = await plan_of(here, book(DeletePod(pod=pod)))
        assert warned(plan, "disruption budget").startswith("keep allows no disruption now")
        assert "disruption budget" not in titles(await plan_of(here, book(UP)))


@pytest.mark.parametrize(
    ("selector", "picked"),
    [
        (None, False),
        ({}, True),
        ({"matchLabels": {"app": "a"}}, True),
        ({"matchLabels": {"app": "b"}}, False),
        ({"matchExpressions": [{"key": "app", "operator": "In", "values": ["a", "b"]}]}, True),
        ({"matchExpressions": [{"key": "app", "operator": "NotIn", "values": ["a"]}]}, False),
        ({"matchExpressions": [{"key": "app", "operator": "Exists"}]}, True),
        ({"matchExpressions": [{"key": "app", "operator": "DoesNotExist"}]}, False),
    ],
)
def test_a_selector_picks_as_the_api_says(selector: dict[str, Any] | None, picked: bool) -> None:
    assert picks(selector, {"app": "a"}) is picked


# ── checks that cannot be made ──


async def test_a_check_that_takes_too_long_is_a_warning_that_says_so() -> None:
    async def never() -> Any:
        await asyncio.Event().wait()

    [found] = (await bounded("lock", never(), seconds=0.01)).checks
    assert (found.outcome, found.words) == (Outcome.WARNING, "could not be checked: no answer within 0.01 s")
    [found] = (await bounded("cluster", never(), seconds=0.01, harmful=True)).checks
    assert found.outcome is Outcome.REFUSED


async def test_a_check_that_answers_in_time_is_taken_as_it_is() -> None:
    async def well() -> Any:
        return ok("lock", "free")

    assert await bounded("lock", well()) == ok("lock", "free")


async def test_what_we_may_not_look_at_is_a_warning(tmp_path: Path) -> None:
    from aurora_tui.drill.kubernetes.roles import User
    from tests.actions.worlds import USERS

    operator = USERS[OPERATOR]
    blindfold = [
        dataclasses.replace(rule, resources=tuple(one for one in rule.resources if one != "leases"))
        for rule in operator.rules
    ]
    users = {**USERS, "half": User("half", rules=tuple(blindfold))}
    async with world(tmp_path, user="half", users=users) as here:
        plan = await plan_of(here, book(UP))
        assert warned(plan, "lock").startswith("could not be checked: cannot get leases")
        assert "leases.coordination.k8s.io" in refused(plan, "rights")
