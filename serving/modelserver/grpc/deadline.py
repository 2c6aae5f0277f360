"""The time that a client of gRPC gives.

Source: gRPC over HTTP2, Timeout.
"""

import re

from modelserver.errors import InvalidRequest
from modelserver.http import headers
from modelserver.http.headers import Given

_HEADER = b"grpc-timeout"
_FORM = re.compile(rb"([0-9]{1,8})([HMSmun])")
_SECONDS = {b"H": 3600.0, b"M": 60.0, b"S": 1.0, b"m": 1e-3, b"u": 1e-6, b"n": 1e-9}


def timeout_s(given: Given) -> float | None:
    """The seconds within which a call must have begun to run, None without a bound.

    Besides gRPC's own header those of REST count, one of which Envoy adds.

    Raises:
        InvalidRequest: A header is no time.
    """
    own, other = given.get(_HEADER), headers.timeout_s(given)
    if own is None:
        return other
    match = _FORM.fullmatch(own)
    if match is None:
        found = own[:20].decode("latin-1")
        raise InvalidRequest(
            "header grpc-timeout", f"found {found!r}, expected up to 8 digits and one of HMSmun"
        )
    bound_s = int(match[1]) * _SECONDS[match[2]]
    return bound_s if other is None else min(bound_s, other)
