"""Answers that end: a body that drips or never stops must not hold a thread.

A time limit of `requests` is one for each read: a byte every few seconds keeps it waiting without end.
"""

from __future__ import annotations

import time
from io import BytesIO
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import HTTPError
from urllib3.util.retry import Retry

from aurora_tui.sources.failure import HttpFailure
from aurora_tui.text import redact_url

WHOLE_SECONDS = 20.0  # from the first byte sent to the last one received
MOST_BYTES = 50_000_000
_PIECE = 1 << 16


class BoundedAdapter(HTTPAdapter):
    """Reads every body itself, whole, within WHOLE_SECONDS and MOST_BYTES. It never tries a second time."""

    def __init__(self) -> None:
        super().__init__(max_retries=Retry(0))

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        """As `HTTPAdapter.send`. ReadTimeout for a body that takes too long, HttpFailure for one that is too large."""
        until = time.monotonic() + WHOLE_SECONDS
        response = super().send(request, *args, **{**kwargs, "stream": True})
        raw = response.raw
        try:
            response.raw = BytesIO(_whole(raw, request, until))
            raw.release_conn()
        except BaseException:
            raw.close()
            raise
        return response


def _whole(raw: Any, request: requests.PreparedRequest, until: float) -> bytes:
    pieces: list[bytes] = []
    size = 0
    try:
        # `read1` gives what has come; `read` would wait for a whole piece of it.
        while piece := raw.read1(_PIECE, decode_content=True):
            pieces.append(piece)
            size += len(piece)
            if size > MOST_BYTES:
                where = redact_url(request.url or "")
                raise HttpFailure(
                    f"{where} answered more than {MOST_BYTES // 1_000_000} MB", "Ask for fewer series: see the query."
                )
            if time.monotonic() > until:
                raise requests.ReadTimeout("the answer does not end", request=request)
    except HTTPError as error:
        raise requests.ConnectionError(error, request=request) from error
    return b"".join(pieces)
