"""The one table from errors to HTTP status codes."""

from collections.abc import Mapping
from types import MappingProxyType

from modelserver import errors

STATUS: Mapping[type[errors.RequestError], int] = MappingProxyType(
    {
        errors.InvalidRequest: 400,
        errors.InvalidBinary: 400,
        errors.UnknownModel: 404,
        errors.UnknownRelease: 404,
        errors.BodyTooSlow: 408,
        errors.BodyTooLarge: 413,
        errors.UnsupportedContent: 415,
        errors.Disconnected: 499,  # never sent, only counted: nobody is there to read it
        errors.InferenceFailed: 500,
        errors.RequestCrashed: 500,
        errors.NotReady: 503,
        errors.Overloaded: 503,
        errors.DeadlineExceeded: 504,
    }
)

RETRY_AFTER_S = 1
"""Seconds a client is asked to wait after a 503."""
