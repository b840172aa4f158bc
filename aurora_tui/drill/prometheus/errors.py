"""The errors of a query, with the types and HTTP codes of Prometheus' API.

Source: https://prometheus.io/docs/prometheus/latest/querying/api/#format-overview
"""

from __future__ import annotations


class QueryError(Exception):
    """`error_type` and `status` as in the JSON body and the answer's code; the text is the `error` field."""

    error_type = "internal"
    status = 500


class BadQuery(QueryError):
    """The request or its query cannot be understood."""

    error_type = "bad_data"
    status = 400


class ExecutionFailed(QueryError):
    """The query was understood but has no answer on this data."""

    error_type = "execution"
    status = 422


class NotFound(QueryError):
    """What was asked for is not there."""

    error_type = "not_found"
    status = 404


class TimedOut(QueryError):
    """The query took longer than the server allows."""

    error_type = "timeout"
    status = 503
