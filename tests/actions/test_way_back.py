"""The order of a way back, for runs of any steps, ended anywhere."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from aurora_tui.actions.plan import PlannedStep, Subject
from aurora_tui.actions.way_back import way_back
from aurora_tui.situation.runbook import AnyStep, Scale, Traffic, Undo, Wait, WaitFor

Specs = dict[str, object]  # what of a world a run may change: replicas, template and weight by name
NAMES = ("bridge", "stable", "standby")
names = st.sampled_from(NAMES)
steps = st.one_of(
    st.builds(Scale, deployment=names, replicas=st.integers(0, 3)),
    st.builds(Undo, deployment=names, template=st.sampled_from("abc")),
    st.builds(Traffic, weights=st.fixed_dictionaries({name: st.integers(0, 100) for name in NAMES})),
)
worlds = st.fixed_dictionaries(
    {f"replicas {name}": st.integers(0, 3) for name in NAMES}
    | {f"template {name}": st.sampled_from("abc") for name in NAMES}
    | {f"weight {name}": st.integers(0, 100) for name in NAMES}
)
runs = st.lists(steps, max_size=6)


def after(specs: Specs, step: AnyStep) -> Specs:
    """What a step makes of a world."""
    match step:
        case Scale(deployment=name, replicas=replicas):
            return specs | {f"replicas {name}": replicas}
        case Undo(deployment=name, template=template):
            return specs | {f"template {name}": template}
        case Traffic(weights=weights):
            return specs | {f"weight {name}": weight for name, weight in weights.items()}
    return specs


def begun(specs: Specs, steps: Sequence[AnyStep]) -> tuple[Specs, list[PlannedStep]]:
    """The world once the steps are carried out, and the steps as each found it."""
    done = []
    for number, step in enumerate(steps, 1):
        before: dict[str, object]
        match step:
            case Scale(deployment=name):
                before = {"replicas": specs[f"replicas {name}"]}
            case Undo(deployment=name):
                before = {"template": specs[f"template {name}"], "revision": 1}
            case _:
                weights = {name: 1000 * int(str(specs[f"weight {name}"])) for name in NAMES}
                before = {"rules": [{"rule": 1, "weights": weights}]}
        route = Subject(kind="HTTPRoute", resource="httproutes", path="/route", name="route")
        now, specs = specs, after(specs, step)
        done.append(PlannedStep(number=number, step=step, title="", subject=route, before=before, already=now == specs))
    return specs, done


@given(worlds, runs)
def test_a_run_and_then_its_way_back_give_the_same_world(specs: Specs, run: list[AnyStep]) -> None:
    there, done = begun(specs, run)
    for step in way_back(done):
        there = after(there, step)
    assert there == specs


@given(worlds, runs)
def test_nothing_is_taken_away_before_everything_that_comes_up_is_ready(specs: Specs, run: list[AnyStep]) -> None:
    there, done = begun(specs, run)
    rising: set[str] = set()
    for step in way_back(done):
        match step:
            case Wait(until=WaitFor.PODS, deployment=str(name)):
                rising.discard(name)
            case Scale(deployment=name, replicas=replicas) if replicas > int(str(there[f"replicas {name}"])):
                rising.add(name)
            case Scale(replicas=replicas, deployment=name):
                below = replicas < int(str(there[f"replicas {name}"]))
                assert not (below and rising), f"{step} while {rising} are not known to be ready"
            case Undo(deployment=name):
                rising.add(name)
            case Traffic():
                assert not rising, f"traffic moves while {rising} are not known to be ready"
        there = after(there, step)
    assert not rising


@given(worlds, runs)
def test_nothing_comes_up_after_something_was_taken_away(specs: Specs, run: list[AnyStep]) -> None:
    there, done = begun(specs, run)
    taken = False
    for step in way_back(done):
        if isinstance(step, Scale):
            now = int(str(there[f"replicas {step.deployment}"]))
            assert not (taken and step.replicas > now)
            # Down to where it was, of a deployment that the run had moved both ways, takes away nothing that serves.
            taken = taken or (step.replicas < now and step.replicas == 0)
        there = after(there, step)


@given(worlds, runs)
def test_the_last_word_on_every_deployment_is_a_wait_for_it(specs: Specs, run: list[AnyStep]) -> None:
    _, done = begun(specs, run)
    back = way_back(done)
    for name in NAMES:
        about = [one for one in back if getattr(one, "deployment", None) == name]
        assert not about or isinstance(about[-1], Wait)
