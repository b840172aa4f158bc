"""The choice of a revision: the newest earlier one that is known to have run for long enough."""

from __future__ import annotations

import dataclasses
import json
import random as chance
from dataclasses import dataclass, field
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from aurora_tui.actions.operations.revisions import History, Pick, Revision, pick, pinned, revisions_of
from aurora_tui.actions.operations.template_diff import template_hash
from aurora_tui.clock import parse_iso

MINUTE, DAY = 60.0, 86400.0
WELL = 10 * MINUTE


@dataclass
class Deployed:
    """A deployment's life as it was, and the ReplicaSets that Kubernetes keeps of it."""

    now: float = 1_767_000_000.0
    current: list[tuple[float, str]] = field(default_factory=list)  # (since, template), in order
    sets: dict[str, Revision] = field(default_factory=dict)

    def then(self, template: str, stays: float) -> Deployed:
        """The template is rolled out and stays for so many seconds."""
        number = len(self.current) + 1
        if self.current and self.current[-1][1] == template:
            self.now += stays
            return self
        if self.current:
            left = self.sets[self.current[-1][1]]
            self.sets[left.template] = change(left, wanted=0, ready=0, left_by=self.now + 5)
        old = self.sets.get(template)
        if old is None:
            self.sets[template] = Revision(number=number, template=template, created_at=self.now, wanted=3, ready=3)
        else:
            self.sets[template] = change(old, number=number, earlier=old.numbers, wanted=3, ready=3, left_by=None)
        self.current.append((self.now, template))
        self.now += stays
        return self

    def longest(self, template: str) -> float:
        """The longest time in a row that the template was the current one."""
        ends = [since for since, _ in self.current[1:]] + [self.now]
        return max(end - since for (since, each), end in zip(self.current, ends, strict=True) if each == template)

    @property
    def history(self) -> History:
        return History(list(self.sets.values()), self.current[-1][1], self.now)

    @property
    def choice(self) -> Pick:
        return pick(self.history, WELL)


def change(revision: Revision, **to: object) -> Revision:

    return dataclasses.replace(revision, **to)  # type: ignore[arg-type]


def number(picked: Pick) -> int | None:
    return None if picked.target is None else picked.target.number


def test_the_revision_before_is_taken_when_it_ran_for_long_enough() -> None:
    picked = Deployed().then("a", 5 * DAY).then("b", 8 * DAY).then("c", 3 * MINUTE).choice
    assert number(picked) == 2
    assert picked.why.startswith("revision 2 ran 8d; how ready its pods were then, the API no longer tells")


def test_one_that_ran_too_short_is_passed_over_and_said() -> None:
    picked = Deployed().then("a", 8 * DAY).then("b", 3 * MINUTE).then("c", MINUTE).choice
    assert number(picked) == 1
    assert "revision 2 ran 3m only: skipped" in picked.why


def test_when_none_ran_long_enough_nothing_is_picked() -> None:
    picked = Deployed().then("a", 2 * MINUTE).then("b", 3 * MINUTE).then("c", DAY).choice
    assert picked.target is None
    assert "no earlier revision is known to have run well for 10m" in picked.refusal
    assert "revision 1 ran 2m only" in picked.refusal


def test_the_only_revision_has_none_before_it() -> None:
    assert Deployed().then("a", DAY).choice.refusal == "there is no earlier revision to return to"


def test_what_was_rolled_back_is_not_returned_to() -> None:
    """Good, bad, back to good, and then another bad one: the good one it is, under its new number."""
    picked = Deployed().then("good", DAY).then("bad", 2 * DAY).then("good", MINUTE).then("worse", MINUTE).choice
    assert number(picked) == 3
    assert picked.target is not None
    assert picked.target.template == "good"


def test_a_second_undo_does_not_go_back_to_the_bad_version() -> None:
    picked = Deployed().then("good", DAY).then("bad", 2 * DAY).then("good", MINUTE).choice
    assert picked.already
    assert number(picked) == 3
    assert picked.why.startswith("revision 2 was left for revision 3 (was 1) already")


def test_going_forward_again_is_no_rolling_back() -> None:
    picked = Deployed().then("a", DAY).then("b", DAY).then("a", MINUTE).then("b", DAY).then("c", MINUTE).choice
    assert number(picked) == 4


def test_pods_that_are_ready_still_count_as_running_on() -> None:
    world = Deployed().then("a", MINUTE).then("b", DAY)
    world.sets["a"] = change(world.sets["a"], wanted=2, ready=2)
    assert number(world.choice) == 1
    assert world.choice.why == "revision 1 runs still, with pods ready"


def test_a_revision_that_never_took_over_is_passed_over() -> None:
    """The first still has its pods: the second hung in its rollout for an hour before the third came."""
    world = Deployed().then("a", DAY).then("b", 60 * MINUTE).then("c", MINUTE)
    world.sets["a"] = change(world.sets["a"], wanted=3, ready=3)
    assert number(world.choice) == 1
    assert "revision 2 never took over from revision 1, which still has pods: skipped" in world.choice.why


def test_a_gap_in_the_history_is_not_filled_with_a_guess() -> None:
    world = Deployed().then("a", DAY).then("b", DAY).then("c", MINUTE)
    del world.sets["b"]
    assert world.choice.target is None
    assert "revision 1 ran for a time that the history does not tell" in world.choice.refusal


def test_returned_to_it_counts_from_when_the_other_was_scaled_down() -> None:
    world = Deployed().then("a", MINUTE).then("b", MINUTE).then("a", DAY).then("c", MINUTE)
    assert number(world.choice) == 3
    assert "ran at least 23h59m" in world.choice.why


def test_of_what_was_left_by_going_back_no_time_is_told_that_is_not_known() -> None:
    world = Deployed().then("good", 8 * DAY).then("candidate", DAY / 12).then("good", 60)
    again = pinned(world.history, "candidate", 2)
    assert again.why.startswith("revision 2 was named; it ran for a time that the history does not tell;")


def test_returned_to_at_an_unknown_time_only_its_first_spell_counts() -> None:
    world = Deployed().then("a", MINUTE).then("b", MINUTE).then("a", DAY).then("c", MINUTE)
    world.sets["b"] = change(world.sets["b"], left_by=None)
    assert world.choice.target is None


def test_a_restart_is_no_other_revision() -> None:
    world = Deployed().then("a", DAY).then("b", DAY).then("b restarted", MINUTE)
    for name in ("b", "b restarted"):
        world.sets[name] = change(world.sets[name], essence="b")
    assert number(world.choice) == 1
    assert "revision 2 differs from the present one by a restart only: skipped" in world.choice.why


def test_a_named_revision_is_taken_whatever_is_known_of_it() -> None:
    picked = pinned(Deployed().then("a", DAY).then("b", MINUTE).then("c", MINUTE).history, None, 2)
    assert number(picked) == 2
    assert not picked.warnings


def test_a_named_revision_is_found_by_a_number_that_it_had() -> None:
    history = Deployed().then("a", DAY).then("b", DAY).then("a", DAY).then("c", DAY).history
    assert number(pinned(history, None, 1)) == 3


def test_a_named_template_goes_before_a_number_that_moved() -> None:
    history = Deployed().then("a", DAY).then("b", DAY).then("a", DAY).history
    assert number(pinned(history, "b", 3)) == 2


def test_a_named_revision_that_is_not_in_the_history_is_refused() -> None:
    history = Deployed().then("a", DAY).then("b", DAY).history
    assert pinned(history, None, 7).refusal == "revision 7 is not in the deployment's history"
    assert pinned(history, "f" * 64, None).refusal
    assert pinned(history, None, 2).already


def test_the_toggle_is_named() -> None:
    history = Deployed().then("good", DAY).then("bad", DAY).then("good", DAY).history
    assert "this returns to what was rolled back" in pinned(history, None, 2).warnings[0]


def test_replica_sets_are_read_with_the_numbers_that_they_had() -> None:
    def replica_set(name: str, annotations: dict[str, str], **spec: object) -> dict[str, object]:
        return {
            "metadata": {
                "name": name,
                "creationTimestamp": "2026-01-01T00:00:00Z",
                "annotations": annotations,
                "managedFields": [
                    {"manager": "kube-controller-manager", "time": "2026-01-02T00:00:00Z"},
                    {"manager": "kube-controller-manager", "time": "2026-01-09T00:00:00Z", "subresource": "status"},
                ],
            },
            "spec": {"replicas": 0, "template": {"metadata": {"labels": {"pod-template-hash": name}}}, **spec},
            "status": {},
        }

    prefix = "deployment.kubernetes.io/"
    found = revisions_of(
        [
            replica_set("a", {f"{prefix}revision": "4", f"{prefix}revision-history": "1,3"}),
            replica_set("b", {f"{prefix}revision": "5", f"{prefix}desired-replicas": "3"}),
            replica_set("c", {f"{prefix}revision": "five"}),
            replica_set("d", {}),
        ]
    )
    assert [(one.number, one.earlier) for one in found] == [(5, ()), (4, (1, 3))]
    assert found[0].template == found[1].template
    assert found[0].left_by == found[0].created_at + DAY
    assert found[1].left_by is None, "the deployment may have wanted no pods then"


def test_a_real_clusters_history_is_understood() -> None:
    """Recorded: two revisions, back to the first, a third that crashed, back again; the first is at number 5 now."""
    recording = Path(__file__).parents[1] / "contract/recordings/kubernetes-08-failed-rollout.jsonl"
    after = [one for line in recording.read_text().splitlines() if (one := json.loads(line))["label"] == "after-undo"]
    bodies = [one["response"]["body"] for one in after]
    deployment = next(one for one in bodies if one["kind"] == "Deployment")
    uid = deployment["metadata"]["uid"]
    sets = next(one["items"] for one in bodies if one["kind"] == "ReplicaSetList")
    own = [one for one in sets if one["metadata"]["ownerReferences"][0]["uid"] == uid]
    now = parse_iso("2026-11-23T08:00:00Z")
    history = History(revisions_of(own), template_hash(deployment["spec"]["template"]), now)
    assert [str(one) for one in history.revisions] == ["revision 5 (was 1, 3)", "revision 4", "revision 2"]
    assert history.present is history.revisions[0]
    short = pick(history, 5)
    assert (number(short), short.already) == (5, True)
    long = pick(history, WELL)
    assert long.target is None
    assert "revision 4 was left by going back before" in long.refusal


LIVES = st.lists(
    st.tuples(st.sampled_from("abcde"), st.floats(0, 30 * MINUTE) | st.floats(DAY, 9 * DAY)), min_size=1, max_size=12
)


@given(LIVES)
def test_what_is_picked_did_run_as_long_whatever_happened(life: list[tuple[str, float]]) -> None:
    world = Deployed()
    for template, stays in life:
        world.then(template, stays)
    for revision in world.sets.values():
        ran = world.history.ran(revision)
        assert ran is None or ran <= world.longest(revision.template) + 1e-3
    picked = world.choice
    if picked.target is None:
        assert picked.refusal
        return
    assert world.longest(picked.target.template) >= WELL - 1e-3
    assert (picked.target.template == world.current[-1][1]) is picked.already
    for newer in world.sets.values():
        if newer.number > picked.target.number and newer.template != world.current[-1][1]:
            assert f"{newer} " in picked.why, "each that is passed over is named"


@given(LIVES, st.sets(st.sampled_from("abcde")), st.randoms(use_true_random=False))
def test_what_the_api_forgot_never_makes_a_revision_look_better(
    life: list[tuple[str, float]], forgotten: set[str], random: chance.Random
) -> None:
    world = Deployed()
    for template, stays in life:
        world.then(template, stays)
    kept = [one for name, one in world.sets.items() if name not in forgotten or name == world.current[-1][1]]
    random.shuffle(kept)
    history = History(kept, world.current[-1][1], world.now)
    for revision in kept:
        ran = history.ran(revision)
        assert ran is None or ran <= world.longest(revision.template) + 1e-3
    target = pick(history, WELL).target
    assert target is None or world.longest(target.template) >= WELL - 1e-3
