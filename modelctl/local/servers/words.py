"""The line that explains why a program ended, chosen from what it said. Pure."""

import json
import re
import signal
from collections.abc import Mapping, Sequence

_WORDS = 400  # characters of an explanation, so that a message stays readable
_BEGINNING = 120  # of these, for how a long one begins; the rest is its end, which has the remedy
_GAP = " … "
_TRACEBACK = "Traceback (most recent call last):"
# How runtimes, the C library and Envoy begin the line that says why they give up.
_FATAL = re.compile(
    r"Fatal Python error|terminate called|what\(\):|Segmentation fault|Aborted|Bus error"
    r"|Illegal instruction|Assertion .* failed|\*\*\* .*(detected|smash)|double free|free\(\):"
    r"|malloc\(\):|corrupted|std::bad_alloc|[Oo]ut of memory|Cannot allocate memory"
    r"|No space left on device|error while loading shared libraries|panic"
    r"|\[critical\]|\[error\]|^[\w./-]*: error: |^(ERROR|CRITICAL|FATAL)\b"
)


def ending(code: int | None) -> str:
    """How a program ended, from its exit code; None where nobody was told."""
    if code is None:
        return "ended with an exit code that an earlier `modelctl up` alone was told"
    if code >= 0:
        return f"exit code {code}"
    try:
        return f"killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"killed by signal {-code}"


def last_words(lines: Sequence[str], code: int | None = None) -> str:
    """The error that explains the end, in at most 400 characters; "" where nothing does.

    That is the last error, traceback or fatal message. A program that was killed could not say
    why: what it reported long before does not count then, only a fatal message at its very end.
    """
    told = [line.strip() for line in lines if line.strip()]
    if code == -signal.SIGKILL:
        return ""
    if code is not None and code < 0:
        told = told[_after_events(told) :]
    for index in range(len(told) - 1, -1, -1):
        words = _explanation(told, index)
        if words:
            return cut(words)
    return cut(told[-1]) if told and not _fields(told[-1]) else ""


def cut(text: str) -> str:
    """A text that is too long without its middle, between words: its end has the remedy."""
    text = " ".join(text.split())
    if len(text) <= _WORDS:
        return text
    head, tail = text[:_BEGINNING], text[len(text) - _WORDS + _BEGINNING + len(_GAP) :]
    head = head.rpartition(" ")[0] or head
    tail = tail.partition(" ")[2] or tail
    return f"{head}{_GAP}{tail}"


def _after_events(lines: Sequence[str]) -> int:
    """Where the text after the last event begins that is no error."""
    quiet = (i for i in range(len(lines) - 1, -1, -1) if _fields(lines[i]) and not _error(lines[i]))
    return next(quiet, -1) + 1


def _explanation(lines: Sequence[str], index: int) -> str:
    """What the line at `index` explains, if it does."""
    line = lines[index]
    if _fields(line):
        return _error(line)
    if _TRACEBACK in line:
        return _raised(lines[index + 1 :])
    if not _FATAL.search(line):
        return ""
    return _raised(lines[_traceback_around(lines, index) :]) or line


def _traceback_around(lines: Sequence[str], index: int) -> int:
    """Where the traceback begins whose message has the line at `index`; past the end for none."""
    for before in range(index, -1, -1):
        if _fields(lines[before]):
            break
        if _TRACEBACK in lines[before]:
            return before + 1
    return len(lines)


def _raised(lines: Sequence[str]) -> str:
    """The exception at the end of a traceback, with all the lines of its message."""
    message: list[str] = []
    for line in lines:
        if _fields(line):
            break
        if line.startswith(("File ", "^", "~")):
            message = []
        else:
            message.append(line)
    # The first of them is the source line of the last frame, unless the frame shows none.
    named = next((i for i, line in enumerate(message) if re.match(r"[\w.]+(: |$)", line)), 0)
    return " ".join(message[named:])


def _error(line: str) -> str:
    """The words of an event of the level error or above; "" for any other line."""
    fields = _fields(line)
    if fields.get("level") not in {"error", "critical", "fatal"}:
        return ""
    words = [str(fields[key]) for key in ("error", "detail", "exception") if fields.get(key)]
    return ": ".join(words[:2]) or str(fields.get("event") or fields.get("message") or line)


def _fields(line: str) -> Mapping[str, object]:
    """The fields of a log line in JSON; none of any other line."""
    if not line.startswith("{"):
        return {}
    try:
        fields = json.loads(line)
    except ValueError:
        return {}
    return fields if isinstance(fields, Mapping) else {}
