"""Argument types: from a word of the command line to a value, or a refusal in a finding's words.

Each raises `ArgumentTypeError` for a word that is no such value. Where a word becomes a field of a
typed file, the field's own schema decides.
"""

import math
import re
from argparse import ArgumentTypeError
from collections.abc import Callable
from datetime import datetime

from modelctl.repo import schema

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_WEIGHT = re.compile(r"(r[1-9][0-9]*)=(0|[1-9][0-9]?|100)")
_RELEASE = re.compile(r"r[1-9][0-9]*")
_METRIC = re.compile(r"([^\s=](?:[^=]*[^\s=])?)=([^=]+)")
_ADDRESS = re.compile(r"https?://[^\s/@]+(/[^\s@]*)?")
_PORT = re.compile(r"[0-9]{1,5}")
_MAX_PORT = 65535


def text(kind: str, *field: str | int) -> Callable[[str], str]:
    """The argument type for text that a field of a kind of typed file accepts."""

    def read(word: str) -> str:
        _refuse(kind, field, word)
        return word

    return read


def number(kind: str, *field: str | int) -> Callable[[str], float]:
    """The argument type for a number that a field of a kind of typed file accepts."""

    def read(word: str) -> float:
        value = _finite(word, f"found {word!r}, expected a number")
        _refuse(kind, field, value)
        return value

    return read


def metric(word: str) -> tuple[str, float]:
    """`NAME=NUMBER`, a measured quality of a release."""
    match = _METRIC.fullmatch(word)
    complaint = f"found {word!r}, expected NAME=NUMBER such as accuracy=0.98"
    if match is None:
        raise ArgumentTypeError(complaint)
    value = _finite(match[2], complaint)
    _refuse("release", ("provenance", "metrics"), {match[1]: value})
    return match[1], value


def weight(word: str) -> tuple[str, int]:
    """`RELEASE=PERCENT`, a wanted share of the traffic."""
    match = _WEIGHT.fullmatch(word)
    if match is None:
        raise ArgumentTypeError(
            f"found {word!r}, expected RELEASE=PERCENT from 0 to 100 such as r2=10"
        )
    return match[1], int(match[2])


def release(word: str) -> str:
    """The name of a release."""
    if _RELEASE.fullmatch(word) is None:
        raise ArgumentTypeError(f"found {word!r}, expected a release such as r2")
    return word


def host(word: str) -> tuple[str, str]:
    """`ENV=HOST`, the host name that callers use in an environment."""
    return _fact(word, "ENV=HOST such as prod=models.acme.io", "gateway", "hostname")


def store(word: str) -> tuple[str, str]:
    """`ENV=URI`, where an environment reads artifacts from."""
    return _fact(word, "ENV=URI such as prod=s3://models/", "store")


def _fact(word: str, expected: str, *field: str) -> tuple[str, str]:
    environment, sign, value = word.partition("=")
    if not (environment and sign and value):
        raise ArgumentTypeError(f"found {word!r}, expected {expected}")
    _refuse("environments", ("environments", 0, *field), value)
    return environment, value


def address(word: str) -> str:
    """The address of a page or an index; one with a password would be committed."""
    if _ADDRESS.fullmatch(word) is None:
        raise ArgumentTypeError(
            f"found {word!r}, expected an https:// address without user and password"
        )
    return word


def port(word: str) -> int:
    """A TCP port, or 0 for any free one."""
    if _PORT.fullmatch(word) is None or int(word) > _MAX_PORT:
        raise ArgumentTypeError(
            f"found {word!r}, expected a port from 1 to {_MAX_PORT}, or 0 for any free one"
        )
    return int(word)


def lines(word: str) -> int:
    """A number of lines."""
    if not word.isascii() or not word.isdecimal():
        raise ArgumentTypeError(f"found {word!r}, expected a number of lines such as 20")
    return int(word)


def moment(word: str) -> datetime:
    """A time in ISO 8601; without an offset it is this machine's."""
    try:
        return datetime.fromisoformat(word).astimezone()
    except (ValueError, OverflowError) as error:
        raise ArgumentTypeError(
            f"found the time {word!r}, expected ISO 8601 such as 2026-03-01T14:30"
        ) from error


def _finite(word: str, complaint: str) -> float:
    value = float(word) if _NUMBER.fullmatch(word) else math.nan
    if not math.isfinite(value):
        raise ArgumentTypeError(complaint)
    return value


def _refuse(kind: str, field: tuple[str | int, ...], value: object) -> None:
    fault = schema.fault(kind, field, value)
    if fault:
        raise ArgumentTypeError(fault)
