"""Templates compared: the same to Kubernetes, or told apart in lines that a person may read."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from aurora_tui.actions.operations.template_diff import template_diff, template_hash, without_hash, without_restart


def template(image: str = "bridge:1", **metadata: Any) -> dict[str, Any]:
    return {"metadata": metadata, "spec": {"containers": [{"name": "bridge", "image": image, "args": ["-v", "x y"]}]}}


def test_the_hash_label_and_empty_metadata_make_no_difference() -> None:
    bare = template(labels={"app": "bridge"})
    hashed = template(labels={"app": "bridge", "pod-template-hash": "abc"}, creationTimestamp=None, annotations={})
    assert template_hash(bare) == template_hash(hashed)
    assert without_hash(hashed)["metadata"]["labels"] == {"app": "bridge"}
    assert hashed["metadata"]["labels"]["pod-template-hash"] == "abc", "what was given is left as it is"


def test_every_other_difference_makes_another_hash() -> None:
    assert template_hash(template()) != template_hash(template("bridge:2"))
    assert template_hash(template()) != template_hash(template(annotations={"a": "b"}))
    huge = {**template(), "spec": {"securityContext": {"runAsUser": 2**62}}}
    assert template_hash(huge) != template_hash(template())


def test_the_mark_of_a_restart_can_be_left_out() -> None:
    stamped = template(annotations={"kubectl.kubernetes.io/restartedAt": "2026-01-01T00:00:00Z"})
    assert template_hash(without_restart(stamped)) == template_hash(template())


def test_the_diff_shows_what_goes_and_what_comes() -> None:
    assert template_diff(template(), template("bridge:2")) == (
        "--- now",
        "+++ after",
        "@@ -5,4 +5,4 @@",
        "     - -v",
        "     - x y",
        "-    image: bridge:1",
        "+    image: bridge:2",
        "     name: bridge",
    )
    assert template_diff(template(), template()) == ()


def test_a_diff_is_bounded_and_says_how_much_is_left_out() -> None:
    long = template(annotations={f"note-{index:03}": "x" for index in range(300)})
    lines = template_diff(template(), long)
    assert len(lines) == 81
    assert lines[-1].endswith("more lines")


HOSTILE = st.text() | st.sampled_from(["\x1b[2J", "a\nb", "\u202egpj", "[bold]", ""])


@given(st.dictionaries(HOSTILE, HOSTILE | st.none() | st.integers() | st.lists(HOSTILE), max_size=5))
def test_a_diff_can_be_shown_whatever_a_template_holds(annotations: dict[str, Any]) -> None:
    for line in template_diff(template(), template(annotations=annotations)):
        assert line.isprintable()
        assert len(line) <= 200
