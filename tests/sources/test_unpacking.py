"""A body is counted while it comes, packed or not."""

from __future__ import annotations

import gzip
import tracemalloc

import pytest

from aurora_tui.sources.failure import HttpFailure
from aurora_tui.sources.unpacking import Body

URL = "http://user:s3cret@prometheus:9090/api?token=s3cret"


@pytest.mark.parametrize("encoding", [None, "identity", ""])
def test_a_plain_body_is_what_came(encoding: str | None) -> None:
    body = Body(encoding, 10, URL)
    body.feed(b"01234")
    body.feed(b"56789")
    assert body.whole() == b"0123456789"


@pytest.mark.parametrize("encoding", ["gzip", "x-gzip", " GZip "])
def test_a_packed_body_is_unpacked_however_it_is_cut(encoding: str) -> None:
    text = b"one two three " * 100
    packed = gzip.compress(text)
    body = Body(encoding, len(text), URL)
    for index in range(len(packed)):
        body.feed(packed[index : index + 1])
    assert body.whole() == text


@pytest.mark.parametrize("packed", [False, True])
def test_more_than_the_most_is_refused(packed: bool) -> None:
    text = b" " * 1_000_001
    body = Body("gzip" if packed else None, 1_000_000, URL)
    with pytest.raises(HttpFailure, match=r"^http://prometheus:9090/api answered more than 1 MB"):
        body.feed(gzip.compress(text) if packed else text)


def test_a_bomb_is_not_unpacked_beyond_the_most() -> None:
    bomb = gzip.compress(b" " * 200_000_000, 1)
    tracemalloc.start()
    with pytest.raises(HttpFailure, match="more than 1 MB"):
        Body("gzip", 1_000_000, URL).feed(bomb)
    assert tracemalloc.get_traced_memory()[1] < 5_000_000
    tracemalloc.stop()


def test_a_packed_body_that_is_cut_off_or_no_gzip_is_told_as_such() -> None:
    cut = Body("gzip", 1000, URL)
    cut.feed(gzip.compress(b"one two three")[:-4])
    with pytest.raises(HttpFailure, match="broken gzip: it ends too early"):
        cut.whole()
    with pytest.raises(HttpFailure, match="broken gzip"):
        Body("gzip", 1000, URL).feed(b"<html>")


def test_an_empty_body_may_be_called_gzip() -> None:
    assert Body("gzip", 1000, URL).whole() == b""


def test_an_encoding_that_was_not_asked_for_is_refused() -> None:
    with pytest.raises(HttpFailure, match="packed as br, which was not asked for"):
        Body("br", 1000, URL)
