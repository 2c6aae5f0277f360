"""Frames, statuses and deadlines, without a server."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelserver import errors
from modelserver.errors import InvalidRequest, UnsupportedContent
from modelserver.grpc import codes, frames
from modelserver.grpc.deadline import timeout_s
from modelserver.http.status import STATUS


@given(st.binary(max_size=300))
def test_frame_comes_off_as_it_was_put_on(message: bytes) -> None:
    """Any message, an empty one too."""
    assert message == frames.message(frames.head(len(message)) + message)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"", "frame: found 0 bytes, expected at least 5"),
        (b"\0\0\0\0", "frame: found 4 bytes, expected at least 5"),
        (b"\0\0\0\0\2a", "frame: found 1 bytes of a message of 2"),
        (b"\0\0\0\0\1a\0\0\0\0\0", "frame: found 5 bytes after the message, expected one message"),
        (b"\2\0\0\0\0", "frame: found flag 2, expected 0"),
    ],
)
def test_anything_but_one_message_is_refused(body: bytes, expected: str) -> None:
    """A unary call is one whole message."""
    with pytest.raises(InvalidRequest) as caught:
        frames.message(body)

    assert expected == str(caught.value)


def test_compressed_message_is_unimplemented() -> None:
    """The client is told what it may send instead."""
    with pytest.raises(UnsupportedContent, match="found a compressed message, expected identity"):
        frames.message(b"\1\0\0\0\0")

    assert b"grpc-status: 12\r\ngrpc-message: x\r\ngrpc-accept-encoding: identity\r\n" == (
        codes.lines(codes.CODES[STATUS[UnsupportedContent]], "x")
    )


def test_every_error_of_a_request_has_a_code() -> None:
    """Whatever REST answers, gRPC has a word for it, and none of them is OK."""
    for error, status in STATUS.items():
        assert codes.CODES[status] != codes.OK, error


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.InvalidRequest, 3),
        (errors.DeadlineExceeded, 4),
        (errors.UnknownModel, 5),
        (errors.UnknownRelease, 5),
        (errors.BodyTooLarge, 8),
        (errors.InferenceFailed, 13),
        (errors.RequestCrashed, 13),
        (errors.NotReady, 14),
        (errors.Overloaded, 14),
    ],
)
def test_codes_say_whether_trying_again_helps(error: type[errors.RequestError], code: int) -> None:
    """UNAVAILABLE is for another time, RESOURCE_EXHAUSTED for a smaller request."""
    assert code == codes.CODES[STATUS[error]]


@given(st.text(max_size=2000))
def test_any_text_is_a_header(text: str) -> None:
    """Messages are one line of printable ASCII, within what a client takes."""
    lines = codes.lines(3, text.encode("utf-8", "replace").decode()).split(b"\r\n")

    assert b"grpc-status: 3" == lines[0]
    assert len(lines) == 3
    assert lines[1].decode("ascii").isprintable()
    assert len(lines[1]) < 8 << 10


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b"1H", 3600.0),
        (b"2M", 120.0),
        (b"3S", 3.0),
        (b"250m", 0.25),
        (b"10u", 1e-5),
        (b"99999999n", 0.099999999),
        (b"0S", 0.0),
    ],
)
def test_time_of_a_client(value: bytes, expected: float) -> None:
    """A number of up to eight digits, and a unit."""
    assert expected == pytest.approx(timeout_s({b"grpc-timeout": value}))


def test_the_shortest_time_counts() -> None:
    """Envoy's time, and REST's own header, bound a call as well."""
    own, envoy = {b"grpc-timeout": b"2S"}, {b"x-envoy-expected-rq-timeout-ms": b"1000"}

    assert timeout_s({}) is None
    assert [2, 1, 1] == [timeout_s(own), timeout_s(envoy), timeout_s(own | envoy)]


@pytest.mark.parametrize("value", [b"", b"S", b"123456789S", b"1s", b"-1S", b"1.5S"])
def test_what_is_no_time_is_refused(value: bytes) -> None:
    """A deadline that was not understood must not be taken for none."""
    with pytest.raises(InvalidRequest, match=r"^header grpc-timeout: found .*, expected up to 8"):
        timeout_s({b"grpc-timeout": value})
