"""How a command ends: its output is written, and an error becomes words and an exit code."""

import errno
import io
import os
import sys
import traceback
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from modelctl.errors import EditRefusedError, ModelctlError, OutputError

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

EXIT_FINDINGS = 1
EXIT_COULD_NOT_RUN = 2
EXIT_INTERRUPTED = 130  # as shells say of a program that Ctrl-C has ended
TRACEBACK = "MODELCTL_TRACEBACK"  # the environment variable that asks for tracebacks


class _Output(io.FileIO):
    """Standard output, whose failures are told from those of every other file."""

    def write(self, content: "ReadableBuffer", /) -> int:
        """Write, and tell a failure from that of any other file.

        Raises:
            OutputError: The bytes could not be written.
        """
        try:
            return super().write(content)
        except OSError as error:
            raise OutputError(f"standard output cannot be written: {_os_words(error)}") from error


def prepare_output() -> None:
    """Prepare both standard streams: what their encoding lacks is escaped from now on.

    A failure of standard output is told from that of any other file.

    Raises:
        OutputError: There is no standard output, so that nobody would see what was done.
    """
    no_output = sys.stdout is None
    # Python has None for a stream that is closed, and prints to the other one instead.
    sys.stderr, sys.stdout = sys.stderr or _nowhere(), sys.stdout or _nowhere()
    if no_output:
        raise OutputError("standard output is closed: send it to a file, or to /dev/null")
    real = sys.__stdout__
    if real is not None and sys.stdout is real:
        raw = io.BufferedWriter(_Output(real.fileno(), "wb", closefd=False))
        sys.stdout = io.TextIOWrapper(raw, real.encoding, line_buffering=real.isatty())
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def tell(error: BaseException) -> int:
    """Say on standard error what went wrong; gives the exit code."""
    reaction = next(reaction for reaction in REACTIONS if isinstance(error, reaction[0]))
    _, words, exit_code = reaction
    _let_go_unless_written(sys.stdout)
    if os.environ.get(TRACEBACK):
        traceback.print_exception(error)
    if told := words(error):
        _say(f"modelctl: {told}")
    return exit_code


def _say(words: str) -> None:
    """Words on standard error, control characters made visible; nothing where that is full."""
    shown = "".join(c if c.isprintable() or c == "\n" else ascii(c)[1:-1] for c in words)
    with suppress(OSError):
        print(shown, file=sys.stderr)
    _let_go_unless_written(sys.stderr)


def _nowhere() -> TextIO:
    return Path(os.devnull).open("w", encoding="utf-8")


def _let_go_unless_written(stream: TextIO) -> None:
    """Point a stream that cannot be written nowhere, or Python would complain when it ends."""
    try:
        stream.flush()
    except (OSError, OutputError):
        with Path(os.devnull).open("wb") as nowhere:
            os.dup2(nowhere.fileno(), stream.fileno())


def _output_words(error: BaseException) -> str:
    return "" if isinstance(error.__cause__, BrokenPipeError) else str(error)  # enough was read


def _os_words(error: BaseException) -> str:
    number, name = getattr(error, "errno", None), getattr(error, "filename", None)
    if number == errno.ENOENT and not _folder_is_there():
        return "the current folder has been removed: change into another"
    place = f"{os.fsdecode(name)}: " if isinstance(name, str | bytes) else ""
    remedy = f": {_REMEDIES[number]}, then try again" if number in _REMEDIES else ""
    return f"{place}{getattr(error, 'strerror', None) or error}{remedy}"


def _folder_is_there() -> bool:
    try:
        Path.cwd()
    except OSError:
        return False
    return True


def _memory_words(_: BaseException) -> str:
    return "there is not enough memory: end other programs, or use a machine with more"


def _fault_words(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    place = f" ({Path(frames[-1].filename).name}:{frames[-1].lineno})" if frames else ""
    words = " ".join(f"{type(error).__name__}: {error}".split())
    return (
        f"this is a fault of modelctl, not of your files: {words}{place}; "
        f"please report it with the traceback that {TRACEBACK}=1 shows"
    )


_REMEDIES = {
    errno.EACCES: "look at its owner and its permissions",
    errno.EPERM: "look at its owner and its permissions",
    errno.EROFS: "write elsewhere, or mount it for writing",
    errno.ENOSPC: "free some space",
    errno.EDQUOT: "free some space, or ask for a larger quota",
    errno.EMFILE: "raise the limit of open files (ulimit -n)",
    errno.ENFILE: "end other programs",
}
# From a kind of error to words and an exit code; the first that fits.
REACTIONS: tuple[tuple[type[BaseException], Callable[[BaseException], str], int], ...] = (
    (EditRefusedError, lambda error: f"refused: {error}", EXIT_FINDINGS),
    (OutputError, _output_words, EXIT_COULD_NOT_RUN),
    (ModelctlError, str, EXIT_COULD_NOT_RUN),
    (OSError, _os_words, EXIT_COULD_NOT_RUN),
    (MemoryError, _memory_words, EXIT_COULD_NOT_RUN),
    (KeyboardInterrupt, lambda _: "interrupted", EXIT_INTERRUPTED),
    (BaseException, _fault_words, EXIT_COULD_NOT_RUN),
)
