"""Laws of rollouts, whatever changes: never too many pods nor too few, always an end, revisions only rise."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aurora_tui.drill.kubernetes import Behaviour
from aurora_tui.drill.kubernetes.kinds import DEPLOYMENT, POD, REPLICA_SET
from aurora_tui.drill.kubernetes.revisions import REVISION, revision, without_hash
from aurora_tui.drill.kubernetes.rollout import surge_and_unavailable
from aurora_tui.drill.kubernetes.victims import ready_since
from tests.drill.clusters import NAMESPACE, StoppedCluster, deployment, settled

NAME = "aurora-bridge"
Object = dict[str, Any]
Step = tuple[str, int]

bounds = st.one_of(st.integers(0, 5), st.sampled_from(["0%", "10%", "25%", "33%", "50%", "100%"]))
images = st.integers(1, 4)
step: st.SearchStrategy[Step] = st.one_of(
    st.tuples(st.just("image"), images),
    st.tuples(st.just("scale"), st.integers(0, 8)),
    st.tuples(st.just("undo"), st.just(0)),
    st.tuples(st.just("wait"), st.integers(0, 12)),
    st.tuples(st.just("pause"), st.integers(0, 1)),
    st.tuples(st.just("kill"), st.integers(0, 7)),
)
laws = settings(max_examples=25, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))


def one(cluster: StoppedCluster) -> Object:
    return cluster.registry.find(DEPLOYMENT, NAMESPACE, NAME).thing


def sets(cluster: StoppedCluster) -> list[Object]:
    return [entry.thing for entry in cluster.store.entries(REPLICA_SET, NAMESPACE)]


def change(cluster: StoppedCluster, edit: Callable[[Object], None]) -> None:
    entry = cluster.registry.find(DEPLOYMENT, NAMESPACE, NAME)
    thing = entry.copy()
    edit(thing["spec"])
    cluster.registry.update(DEPLOYMENT, entry, thing)


def to_image(number: int) -> Callable[[Object], None]:
    def edit(spec: Object) -> None:
        spec["template"]["spec"]["containers"][0]["image"] = f"aurora/bridge:{number}"

    return edit


def undo(cluster: StoppedCluster) -> None:
    """As `kubectl rollout undo`: the template of the second highest revision."""
    by_revision = sorted(sets(cluster), key=revision)
    if len(by_revision) > 1:
        template = without_hash(by_revision[-2]["spec"]["template"])
        change(cluster, lambda spec: spec.update(template=template))


def take(cluster: StoppedCluster, what: Step) -> None:
    kind, number = what
    if kind == "image":
        change(cluster, to_image(number))
    elif kind == "scale":
        change(cluster, lambda spec: spec.update(replicas=number))
    elif kind == "undo":
        undo(cluster)
    elif kind == "pause":
        change(cluster, lambda spec: spec.update(paused=bool(number)))
    elif kind == "kill":
        pods = cluster.store.entries(POD, NAMESPACE)
        if pods:
            cluster.store.remove(pods[number % len(pods)])
    else:
        cluster.pass_time(number)


def strategy(surge: int | str, unavailable: int | str) -> Object:
    return {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": surge, "maxUnavailable": unavailable}}


def steady(pods: list[Object]) -> list[Object]:
    return [pod for pod in pods if "deletionTimestamp" not in pod["metadata"]]


@laws
@given(
    st.integers(0, 9),
    bounds,
    bounds,
    st.sampled_from([0, 5]),
    st.lists(st.tuples(images, st.integers(0, 9)), max_size=4),
)
def test_a_rollout_keeps_its_bounds_however_often_it_is_turned_round(
    replicas: int, surge: int | str, unavailable: int | str, patience: int, turns: list[tuple[int, int]]
) -> None:
    # Ages of pods count by powers of two: a rollout turned round half-way may lose an available pod rather than one
    # that has been ready for a little less long, on a real cluster too. So minReadySeconds only where nothing turns.
    patience = patience if len(turns) <= 1 else 0
    spec = {"strategy": strategy(surge, unavailable), "minReadySeconds": patience}
    cluster = settled(deployment("aurora/bridge:1", replicas=replicas, **spec))
    most, least = surge_and_unavailable(one(cluster))
    seen: list[tuple[int, int]] = []

    def count(type_: str, kind: str, thing: Object) -> None:
        if kind != "Pod":
            return
        pods = steady(cluster.pods(NAMESPACE))
        now = cluster.now()
        since = [ready_since(pod) for pod in pods]
        seen.append((len(pods), sum(moment is not None and now - moment >= patience for moment in since)))

    cluster.listen(count)
    for image, seconds in turns:
        change(cluster, to_image(image))
        cluster.pass_time(seconds)
    cluster.pass_time(300)
    assert max((made for made, _ in seen), default=0) <= replicas + most
    assert min((ready for _, ready in seen), default=replicas) >= replicas - least


@laws
@given(st.sampled_from(["RollingUpdate", "Recreate"]), bounds, bounds, st.lists(step, max_size=8))
def test_whatever_is_asked_for_in_whatever_order_is_what_there_is_in_the_end(
    type_: str, surge: int | str, unavailable: int | str, steps: list[Step]
) -> None:
    how = {"type": "Recreate"} if type_ == "Recreate" else strategy(surge, unavailable)
    cluster = settled(deployment("aurora/bridge:1", replicas=3, strategy=how))
    for each in steps:
        take(cluster, each)
    change(cluster, lambda spec: spec.update(paused=False))
    cluster.pass_time(400)
    found = one(cluster)
    wanted, image = found["spec"]["replicas"], found["spec"]["template"]["spec"]["containers"][0]["image"]
    pods = cluster.pods(NAMESPACE)
    assert [pod["spec"]["containers"][0]["image"] for pod in pods] == [image] * wanted
    assert len(cluster.ready_pods(NAMESPACE, {"app": NAME})) == wanted
    counts = {name: found["status"].get(name, 0) for name in ("replicas", "updatedReplicas", "availableReplicas")}
    assert set(counts.values()) == {wanted}
    assert "unavailableReplicas" not in found["status"]
    assert found["status"]["observedGeneration"] == found["metadata"]["generation"]
    reasons = {c["type"]: (c["status"], c["reason"]) for c in found["status"]["conditions"]}
    assert reasons["Available"] == ("True", "MinimumReplicasAvailable")
    assert reasons["Progressing"] == ("True", "NewReplicaSetAvailable")
    assert sorted(each["spec"]["replicas"] for each in sets(cluster))[:-1] == [0] * (len(sets(cluster)) - 1)


@laws
@given(st.lists(step, min_size=1, max_size=10))
def test_revisions_only_rise_and_the_current_one_is_the_highest(steps: list[Step]) -> None:
    cluster = settled(deployment("aurora/bridge:1", replicas=2))
    known: dict[str, int] = {}
    highest = 1
    for each in [*steps, ("pause", 0), ("wait", 60)]:
        take(cluster, each)
        cluster.pass_time(0)
        numbers = {each_set["metadata"]["uid"]: revision(each_set) for each_set in sets(cluster)}
        assert all(number >= known.get(uid, 0) for uid, number in numbers.items())
        assert len(set(numbers.values())) == len(numbers)
        assert max(numbers.values()) >= highest
        known, highest = numbers, max(numbers.values())
    assert one(cluster)["metadata"]["annotations"][REVISION] == str(highest)
    current = max(sets(cluster), key=revision)
    assert without_hash(current["spec"]["template"]) == one(cluster)["spec"]["template"]


@laws
@given(st.integers(2, 6), st.integers(0, 3), bounds)
def test_a_rollout_to_pods_that_fail_keeps_what_it_may_not_lose(
    replicas: int, unavailable: int, surge: int | str
) -> None:
    cluster = settled(
        deployment(
            "aurora/bridge:1", replicas=replicas, strategy=strategy(surge, unavailable), progressDeadlineSeconds=60
        )
    )
    cluster.behave(NAMESPACE, NAME, Behaviour.crash_loop(after=1), image="aurora/bridge:2")
    most, least = surge_and_unavailable(one(cluster))
    change(cluster, to_image(2))
    cluster.pass_time(120)
    old = [
        pod for pod in cluster.ready_pods(NAMESPACE, {"app": NAME}) if pod["spec"]["containers"][0]["image"][-1] == "1"
    ]
    assert len(old) >= replicas - least
    assert len(steady(cluster.pods(NAMESPACE))) <= replicas + most
    reasons = {c["type"]: c["reason"] for c in one(cluster)["status"]["conditions"]}
    assert reasons["Progressing"] == "ProgressDeadlineExceeded"
    undo(cluster)
    cluster.pass_time(120)
    assert len(cluster.ready_pods(NAMESPACE, {"app": NAME})) == replicas
    reasons = {c["type"]: c["reason"] for c in one(cluster)["status"]["conditions"]}
    assert reasons["Progressing"] == "NewReplicaSetAvailable"
