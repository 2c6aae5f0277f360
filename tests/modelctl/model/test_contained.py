"""Reading in a child process: answers, and what a file does that ends it."""

import os
import signal
import sys

import pytest

from modelctl.model import contained


def reversed_text(content: bytes) -> str:
    """What a child answers in these tests, unless the file asks for something worse."""
    if content == b"crash":
        os.kill(os.getpid(), signal.SIGSEGV)
    if content == b"exhaust":
        bytearray(2 * contained.MAX_MEMORY_BYTES)
    if content == b"fault":
        raise ValueError("a fault of the program")
    if content == b"print":
        sys.stdout.write("a library that talks")
        sys.stdout.flush()
    if content == b"who":
        return str(os.getpid())
    return content.decode()[::-1]


def test_a_child_answers_again_and_again() -> None:
    """One child reads many files, and what a library prints is no answer."""
    first = contained.call(reversed_text, b"who")

    assert ["cba", "tnirp"] == [contained.call(reversed_text, each) for each in (b"abc", b"print")]
    assert first == contained.call(reversed_text, b"who")
    assert first != str(os.getpid())


@pytest.mark.parametrize(
    ("content", "cause"),
    [(b"crash", "SIGSEGV"), (b"exhaust", "4 GiB of memory"), (b"fault", "exit code 1")],
)
def test_what_ends_the_child_is_told(content: bytes, cause: str) -> None:
    """A crash, or too much memory, ends the child alone; the next file has another one."""
    with pytest.raises(contained.ContainedError, match=cause):
        contained.call(reversed_text, content)

    assert "cba" == contained.call(reversed_text, b"abc")


def test_a_child_that_has_ended_is_replaced() -> None:
    """A child that something else ended is no fault of the next file."""
    before = contained.call(reversed_text, b"who")
    process = contained._child(reversed_text)._process
    assert process is not None
    process.kill()
    process.wait()

    assert before != contained.call(reversed_text, b"who")


def test_an_interrupt_leaves_no_answer_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    """After an interrupt between question and answer, the next file gets an answer of its own."""

    def interrupted(*_: object) -> bytes:
        raise KeyboardInterrupt

    monkeypatch.setattr(contained, "_receive", interrupted)
    with pytest.raises(KeyboardInterrupt):
        contained.call(reversed_text, b"first")
    monkeypatch.undo()

    assert "dnoces" == contained.call(reversed_text, b"second")
