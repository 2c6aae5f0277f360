"""A server whose runs wait for a test, so that what happens meanwhile needs no luck."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# The server itself, but ONNX Runtime runs only under a lock on the file `gate` in its folder.
PROGRAM = """
import fcntl, runpy
import onnxruntime
gate, run = open("gate", "a"), onnxruntime.InferenceSession.run
def run_when_let(*given):
    fcntl.flock(gate, fcntl.LOCK_SH)
    try:
        return run(*given)
    finally:
        fcntl.flock(gate, fcntl.LOCK_UN)
onnxruntime.InferenceSession.run = run_when_let
runpy.run_module("modelserver", run_name="__main__", alter_sys=True)
"""
GATED = ("-c", PROGRAM)
"""How Python is called for it; its model must not be quick enough for the event loop."""


@contextmanager
def shut(folder: Path) -> Iterator[None]:
    """Runs that begin in the block wait for its end."""
    with (folder / "gate").open("a") as gate:
        fcntl.flock(gate, fcntl.LOCK_EX)
        yield
