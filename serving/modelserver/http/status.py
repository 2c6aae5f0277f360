"""The status code of HTTP for each error of a request."""

from collections.abc import Mapping
from types import MappingProxyType

from modelserver import errors

UNAVAILABLE = 503
"""The status of what may be answered at another time."""

STATUS: Mapping[type[errors.RequestError], int] = MappingProxyType(
    {
        errors.InvalidRequest: 400,
        errors.InvalidBinary: 400,
        errors.UnknownModel: 404,
        errors.UnknownRelease: 404,
        errors.InfiniteOutput: 406,
        errors.BodyTooSlow: 408,
        errors.BodyTooLarge: 413,
        errors.RequestTooLarge: 413,
        errors.UnsupportedContent: 415,
        errors.Disconnected: 499,  # never sent, only counted: nobody is there to read it
        errors.InferenceFailed: 500,
        errors.RequestCrashed: 500,
        errors.NotReady: UNAVAILABLE,
        errors.Overloaded: UNAVAILABLE,
        errors.DeadlineExceeded: 504,
    }
)

RETRY_AFTER_S = 1
"""Seconds that a client is asked to wait after a 503."""
