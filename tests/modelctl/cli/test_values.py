"""Argument types: the good words, and the bad ones with what was expected."""

from argparse import ArgumentTypeError
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from modelctl.cli import values

Kind = Callable[[str], object]
SHARE = values.number("model", "service_level", "error_rate")
LATENCY = values.number("model", "service_level", "latency_p99_ms")
IMAGE = values.text("release", "image")
DIGEST = values.text("release", "provenance", "data_sha256")
PLACE = values.text("release", "artifact", "uri")
PINNED = f"registry.example.com/modelserver@sha256:{'0' * 64}"
OWNER = values.text("model", "owner")


@pytest.mark.parametrize(
    ("kind", "word", "value"),
    [
        (values.weight, "r2=0", ("r2", 0)),
        (values.weight, "r10=100", ("r10", 100)),
        (values.release, "r12", "r12"),
        (values.metric, "accuracy=0.981", ("accuracy", 0.981)),
        (values.metric, "log loss=-1.5e-3", ("log loss", -0.0015)),
        (values.port, "0", 0),
        (values.port, "65535", 65535),
        (SHARE, "0.001", 0.001),
        (LATENCY, "50", 50.0),
        (DIGEST, "ab" * 32, "ab" * 32),
        (IMAGE, PINNED, PINNED),
        (PLACE, "s3://models/", "s3://models/"),
        (PLACE, "oci://registry.example.com:5000/models/", "oci://registry.example.com:5000/models/"),
        (PLACE, "abfss://c@a.dfs.core.windows.net/m/", "abfss://c@a.dfs.core.windows.net/m/"),
    ],
)  # fmt: skip
def test_good_words(kind: Kind, word: str, value: object) -> None:
    """A word that means something is read as that."""
    assert value == kind(word)


@pytest.mark.parametrize(
    ("kind", "word", "expected"),
    [
        (values.weight, "r2", "RELEASE=PERCENT from 0 to 100 such as r2=10"),
        (values.weight, "r2=", "RELEASE=PERCENT"),
        (values.weight, "=10", "RELEASE=PERCENT"),
        (values.weight, "r2=101", "RELEASE=PERCENT"),
        (values.weight, "r2=-1", "RELEASE=PERCENT"),
        (values.weight, "r2=5.5", "RELEASE=PERCENT"),
        (values.weight, "r2=010", "RELEASE=PERCENT"),
        (values.weight, "r0=10", "RELEASE=PERCENT"),
        (values.weight, "r2=\N{ARABIC-INDIC DIGIT FIVE}", "RELEASE=PERCENT"),
        (values.release, "2", "a release such as r2"),
        (values.release, "r02", "a release such as r2"),
        (values.release, "r2 ", "a release such as r2"),
        (values.release, "r2\n", "a release such as r2"),
        (values.metric, "accuracy", "NAME=NUMBER such as accuracy=0.98"),
        (values.metric, "=0.5", "NAME=NUMBER"),
        (values.metric, " =0.5", "NAME=NUMBER"),
        (values.metric, "accuracy=", "NAME=NUMBER"),
        (values.metric, "accuracy=nan", "NAME=NUMBER"),
        (values.metric, "accuracy=inf", "NAME=NUMBER"),
        (values.metric, "accuracy=1e999", "NAME=NUMBER"),
        (values.metric, "accuracy=1_0", "NAME=NUMBER"),
        (values.metric, "a=b=1", "NAME=NUMBER"),
        (values.metric, f"{'a' * 101}=1", "at most 100 characters"),
        (values.port, "65536", "a port from 1 to 65535, or 0 for any free one"),
        (values.port, "-1", "a port"),
        (values.port, "80.0", "a port"),
        (values.port, "²", "a port"),
        (values.port, "9" * 5000, "a port"),
        (LATENCY, "-5", "more than 0"),
        (LATENCY, "0", "more than 0"),
        (LATENCY, "nan", "a number"),
        (LATENCY, "-inf", "a number"),
        (LATENCY, "fast", "a number"),
        (LATENCY, "1e9", "at most 600000"),
        (SHARE, "1.5", "at most 1"),
        (DIGEST, "ab", "64 lower-case hexadecimal digits"),
        (DIGEST, "AB" * 32, "64 lower-case hexadecimal digits"),
        (DIGEST, f"{'ab' * 32}\n", "64 lower-case hexadecimal digits"),
        (IMAGE, "modelserver:latest", "an image name, @sha256: and 64 hexadecimal digits"),
        (PLACE, "models", "an https, s3, gs, az, abfss, oci, file or store URI"),
        (OWNER, "Vision", "lower-case letters, digits and hyphens"),
        (OWNER, "a" * 41, "at most 40 characters"),
        (values.moment, "yesterday", "ISO 8601 such as 2026-03-01T14:30"),
        (values.moment, "0001-01-01T00:00+14:00", "ISO 8601"),
        (values.moment, "2026-13-01", "ISO 8601"),
    ],
)  # fmt: skip
def test_bad_words(kind: Kind, word: str, expected: str) -> None:
    """A word that means nothing is shown with what was expected."""
    with pytest.raises(ArgumentTypeError, match="found ") as caught:
        kind(word)

    assert f"expected {expected}" in str(caught.value)


def test_a_moment_has_an_offset() -> None:
    """A time is compared with commits of any place."""
    found = values.moment("2026-03-01T14:30+01:00")

    assert datetime(2026, 3, 1, 13, 30, tzinfo=UTC) == found
    assert values.moment("2026-03-01T14:30").tzinfo is not None
