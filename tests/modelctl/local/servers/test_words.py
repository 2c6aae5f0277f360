"""The line that explains a death."""

import json

import pytest

from modelctl.local.servers.words import cut, ending, last_words


def event(level: str, name: str, **fields: str) -> str:
    """A line of a model server's log."""
    return json.dumps({"level": level, "event": name, **fields})


READY = event("info", "ready", model="m")
FAILED = event("error", "start-failed", error="DigestWrong", detail="found a, expected b")
TRACEBACK = (
    "Traceback (most recent call last):",
    '  File "/a.py", line 1, in <module>',
    "    run()",
    "    ^^^^^",
    '  File "/b.py", line 2, in run',
    "    raise ValueError(text)",
    "ValueError: the first line",
    "  and the remedy",
)


@pytest.mark.parametrize(
    ("lines", "code", "expected"),
    [
        ((), 1, ""),
        (("a", "b"), 1, "b"),
        (("a", "", "  "), 1, "a"),
        ((READY,), 1, ""),
        ((READY, "unstructured"), 1, "unstructured"),
        ((FAILED, event("info", "stopped")), 86, "DigestWrong: found a, expected b"),
        ((FAILED, "goodbye"), 86, "DigestWrong: found a, expected b"),
        ((event("error", "killed"), "1"), 143, "killed"),
        ((event("critical", "x", detail="why"),), 1, "why"),
        (("[1]", "null"), 1, "null"),
        (TRACEBACK, 1, "ValueError: the first line and the remedy"),
        ((READY, *TRACEBACK, READY), 1, "ValueError: the first line and the remedy"),
        ((*TRACEBACK, FAILED), 86, "DigestWrong: found a, expected b"),
        ((FAILED, *TRACEBACK), 1, "ValueError: the first line and the remedy"),
        (
            (*TRACEBACK[:-2], "MemoryError: std::bad_alloc", "give more"),
            1,
            "MemoryError: std::bad_alloc give more",
        ),
        (("Fatal Python error: Segmentation fault", "", READY), 1, "Fatal Python error: Segmenta"),
        (("python: error while loading shared libraries: libx.so.1: gone",), 127, "python: error"),
        (("[2026-11-28][1][critical][main] cannot bind", "[x][info] bye"), 1, "[2026-11-28][1][cr"),
    ],
)
def test_exit(lines: tuple[str, ...], code: int, expected: str) -> None:
    """The last error, traceback or fatal message explains an exit; an event that is none never."""
    found = last_words(lines, code)

    assert expected == found or (len(expected) > 12 and found.startswith(expected))


@pytest.mark.parametrize(
    ("lines", "code", "expected"),
    [
        ((READY,), -9, ""),
        ((FAILED, READY), -9, ""),
        (("last line",), -9, ""),
        ((READY, "double free or corruption (out)"), -6, "double free or corruption (out)"),
        (
            (READY, "Fatal Python error: Segmentation fault", "Current thread 0x1:"),
            -11,
            "Fatal Python error: Segmentation fault",
        ),
        ((FAILED, READY), -11, ""),
        (("double free", READY), -11, ""),
        ((READY, "some text"), -15, "some text"),
    ],
)
def test_signal(lines: tuple[str, ...], code: int, expected: str) -> None:
    """A killed program is not explained by what it reported before it went on working."""
    assert expected == last_words(lines, code)


def test_a_long_text_keeps_its_end() -> None:
    """Of a text that is too long the middle goes, between words; the remedy at its end stays."""
    text = f"found {' '.join(f'word{n}' for n in range(200))}; give the container more memory"

    found = cut(text)

    assert len(found) <= 400
    assert found.startswith("found word0 word1 ")
    assert found.endswith("word199; give the container more memory")
    assert set(found.replace(" … ", " ").split()) <= set(text.split())


def test_a_long_word_is_cut() -> None:
    """A single word without end is cut all the same."""
    assert 400 == len(cut("x" * 100_000))


def test_a_short_text_is_kept() -> None:
    """A text that fits is kept, in one line."""
    assert "found a; expected b" == cut("found a;\n  expected b")


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (0, "exit code 0"),
        (86, "exit code 86"),
        (-9, "killed by SIGKILL"),
        (-99, "killed by signal 99"),
        (None, "ended with an exit code that an earlier `modelctl up` alone was told"),
    ],
)
def test_ending(code: int | None, expected: str) -> None:
    """An exit code becomes words, also one that nobody was told."""
    assert expected == ending(code)
