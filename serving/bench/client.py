"""A plain HTTP client for what is not load: readiness, checks, single bodies."""

import http.client
from contextlib import closing

from serving.bench.dialects import Body
from serving.bench.wrk import Target

NO_ANSWER = 0
"""Stands for the status when there was no answer at all."""


def get_status(port: int, path: str, *, timeout_s: float) -> int:
    """Status of ``GET path``, or `NO_ANSWER`."""
    try:
        return _request("GET", Target(port, path, Body(b"", {})), timeout_s)[0]
    except (OSError, http.client.HTTPException):
        return NO_ANSWER


def post(target: Target, *, timeout_s: float) -> tuple[int, Body]:
    """Status and body of the answer; `NO_ANSWER` and an empty body when there was none."""
    try:
        return _request("POST", target, timeout_s)
    except (OSError, http.client.HTTPException):
        return NO_ANSWER, Body(b"", {})


def _request(method: str, target: Target, timeout_s: float) -> tuple[int, Body]:
    with closing(http.client.HTTPConnection("127.0.0.1", target.port, timeout=timeout_s)) as link:
        headers = dict(target.body.headers)
        link.request(method, target.path, target.body.content or None, headers)
        answer = link.getresponse()
        return answer.status, Body(answer.read(), dict(answer.getheaders()))
