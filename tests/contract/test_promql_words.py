"""What is no query is refused with Prometheus' error, at its position and in its words; what is one, is answered."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.contract.conftest import COMPARED
from tests.contract.promql_pair import INSTANT, RANGE, Pair, serving_pair
from tests.contract.promql_samples import START
from tests.contract.promql_texts import OTHERWISE, TEXTS

pytestmark = [pytest.mark.needs("prometheus"), pytest.mark.xdist_group("promql")]

AT = START + 1800


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    with serving_pair(tmp_path_factory.mktemp("prometheus")) as pair:
        yield pair


def test_every_text_is_understood_or_refused_in_the_same_words(
    pair: Pair, record_property: Callable[[str, object], None]
) -> None:
    instants = [(INSTANT, {"query": text, "time": AT}) for text in TEXTS]
    ranges = [(RANGE, {"query": text, "start": AT, "end": AT + 60, "step": 15}) for text in TEXTS]
    wrong = pair.differences(instants + ranges)
    record_property(COMPARED, pair.compared)
    assert not wrong, f"{len(wrong)} differ:\n" + "\n\n".join(wrong[:10])


def test_every_selector_of_a_match_is_understood_or_refused_in_the_same_words(
    pair: Pair, record_property: Callable[[str, object], None]
) -> None:
    before, wrong = pair.compared, []
    for text in TEXTS:
        real, ours = pair.ask("/api/v1/series", {"match[]": text})
        if real != ours:
            wrong.append(f"{text!r}\nreal: {str(real)[:300]}\nours: {str(ours)[:300]}")
    record_property(COMPARED, pair.compared - before)
    assert not wrong, f"{len(wrong)} differ:\n" + "\n\n".join(wrong[:10])


@pytest.mark.parametrize(("text", "reason"), OTHERWISE.items())
def test_what_is_not_imitated_is_refused_as_bad_data(pair: Pair, text: str, reason: str) -> None:
    real, ours = pair.ask(INSTANT, {"query": text, "time": AT})
    assert ours != real, f"no longer so: {reason}"
    assert (ours.status, ours.body["errorType"]) == (400, "bad_data")
