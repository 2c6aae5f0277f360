"""A trial of a model in a child process, before this process takes it.

Where a graph has operators that nobody has tried, a run may end the process without a word. The
child loads the model, runs it and is gone before the model is loaded here: what ends the child is
known by its name. Two copies of the weights are never in memory at once.
"""

import os
import pickle
import signal
import subprocess
import sys
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from modelserver.errors import ModelCrashes, RequestError, StartError
from modelserver.model import session
from modelserver.model.contract import Contract
from modelserver.model.provider_options import ProviderOptions
from modelserver.start import first_input, memory_bound
from modelserver.start.shapes import sized
from modelserver.tensor.datatypes import Array
from modelserver.tensor.spec import ANY_SIZE

Feeds = Mapping[str, Array]

LOADING, ONE_ROW, MANY_ROWS, NO_ELEMENTS = (
    "loading it",
    "a run on one row",
    "a run on many rows",
    "a run without elements",
)

WHY = "ONNX Runtime crashed over it in a trial"
"""Why a model that did not survive no elements is not given any such tensor."""

_MANY = 16

# Seconds for all runs without elements, each of which has nothing to do.
_EMPTY_S = 20.0

# What the kernel or an operator ends, rather than a fault: memory was short.
_NOT_A_CRASH = frozenset({signal.SIGKILL, signal.SIGTERM, signal.SIGINT})


@dataclass(frozen=True, slots=True)
class Trial:
    """What a child is given; `example` is input that the model takes, if one is known."""

    contract: Contract
    providers: tuple[str, ...]
    options: ProviderOptions
    threads: int
    example: Feeds | None


def survives_no_elements(path: Path, trial: Trial, untried: Collection[str]) -> bool:
    """Whether the model in a file may be run on tensors without elements.

    Raises:
        ModelCrashes: It ends the process that loads it or runs it.
    """
    with path.open("rb") as file:
        child = _started(file.fileno())
        reached, code = _followed(child, pickle.dumps(trial))
    if code >= 0 or -code in _NOT_A_CRASH:  # it says itself what is wrong, or memory was short
        return reached != NO_ELEMENTS or code == 0
    if reached == NO_ELEMENTS:
        return False
    raise ModelCrashes(
        f"{reached} ended a trial process by {signal.Signals(-code).name}; operators that are not "
        f"of the standard: {', '.join(sorted(untried))}; export the model without them, or use an "
        "image with another ONNX Runtime"
    )


def _started(descriptor: int) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [sys.executable, "-P", "-m", __name__, f"/proc/self/fd/{descriptor}"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        pass_fds=(descriptor,),
    )


def _followed(child: "subprocess.Popen[bytes]", given: bytes) -> tuple[str, int]:
    """What the child did last, and its exit code."""
    reached = LOADING
    with child:
        if child.stdin is None or child.stdout is None:
            return reached, 0
        with suppress(BrokenPipeError):
            child.stdin.write(given)
            child.stdin.close()
        while reached != NO_ELEMENTS and (line := child.stdout.readline()):
            reached = line.decode().strip()
        try:
            child.wait(_EMPTY_S if reached == NO_ELEMENTS else None)
        except subprocess.TimeoutExpired:
            child.kill()
    return reached, child.returncode


def main() -> None:
    """Try the file that the argument names, and say each step before it is done."""
    trial: Trial = pickle.load(sys.stdin.buffer)  # noqa: S301 - from the parent alone
    told = os.fdopen(os.dup(sys.stdout.fileno()), "w", buffering=1)
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # libraries print
    with suppress(StartError, RequestError, MemoryError):  # the parent meets them, and says so
        for step in _steps(Path(sys.argv[1]), trial):
            told.write(f"{step}\n")


def _steps(path: Path, trial: Trial) -> Iterator[str]:
    """Each step, which is done when the next one is asked for."""
    yield LOADING
    if trial.providers == ("cpu",):
        memory_bound.impose(trial.threads, memory_bound.memory_bytes())
    contract = trial.contract
    model = session.load(
        path, contract, providers=trial.providers, threads=trial.threads, options=trial.options
    )
    yield ONE_ROW
    feeds = first_input.find(model, trial.example).feeds
    outputs = contract.output_names
    if contract.rows_are_free:
        yield MANY_ROWS
        with suppress(RequestError):
            model.run(outputs, {name: sized(each, 0, _MANY) for name, each in feeds.items()})
    yield NO_ELEMENTS
    for empty in _without_elements(contract, feeds):
        with suppress(RequestError):
            model.run(outputs, empty)


def _without_elements(contract: Contract, feeds: Feeds) -> Iterator[dict[str, Array]]:
    if contract.rows_are_free:
        yield {name: each[:0] for name, each in feeds.items()}
    for spec in contract.inputs:
        for axis, size in enumerate(spec.shape):
            if size == ANY_SIZE:
                yield {**feeds, spec.name: sized(feeds[spec.name], axis, 0)}


if __name__ == "__main__":
    main()
