"""One run of a model with the model server's own code, in a child process under limits.

What would not start, or would refuse what its contract promises, is told in the server's words;
else what the run showed: contract, memory, time, whether rows may share runs, and a golden file.
"""

import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from modelctl.errors import UsageError
from modelctl.model.tensors import Contract, TensorSpec

MAX_WALL_S = 300
"""A start that takes longer is longer than any probe of a pod waits."""
MAX_ROWS = 32
"""Rows that are tried together where nobody says how many."""
_SMALL_BYTES = 1 << 20  # of a model whose trial is remembered while this process lives
_MAX_CPU_S = 600
_MODULE = "modelserver.rehearsal"

_OUT_OF_TIME = f"the start took more than {MAX_WALL_S} s"
_REMEDIES: Mapping[str, str] = {
    "WarmUpFailed": "give input that it takes with --example FILE (.json, .npz or .csv)",
    "GoldenMalformed": "see docs/how-to/golden-files.md for the form",
    "GoldenMismatch": "record it anew with --example FILE",
    "ModelOutOfMemory": "try it on a machine with more memory, or quantise the model",
}


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a server would not start: the class of its error, its words, and what to do.

    `shapes` are those of outputs that the graph declares wrongly: with them declared it may start.
    """

    error: str
    detail: str
    remedy: str = ""
    shapes: Mapping[str, tuple[int, ...]] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.detail}; {self.remedy}" if self.remedy else self.detail


@dataclass(frozen=True, slots=True)
class Trial:
    """What a start showed; sizes in bytes, times in seconds.

    `memory_bytes` is the least that a server should be given: at the peak, `batch_peak_bytes` with
    `useful_rows` rows together, it is not full. `golden` is a golden file, None where none can be
    made; `notes` say in a line each what was found out about the contract.
    """

    contract: Contract
    run_s: float
    peak_bytes: int
    batch_peak_bytes: int
    memory_bytes: int
    useful_rows: int
    independence: str
    unbatched_because: str | None
    golden: bytes | None
    notes: tuple[str, ...] = ()


def run(
    content: bytes | Path,
    *,
    contract: Contract | None = None,
    providers: Sequence[str] = ("cpu",),
    threads: int = 1,
    max_rows: int = MAX_ROWS,
    rows_claimed: bool = False,
    golden: bytes | None = None,
    example: bytes | Path | None = None,
    memory_bytes: int | None = None,
) -> Trial | Refusal:
    """What a server's start shows of an ONNX file, which is tried on the CPU.

    `contract` is what it has to keep; None: what its graph declares, as far as runs bear it out.
    `example` is run first: a request's JSON, or a .json, .npz or .csv file. `golden` is replayed.
    At most `max_rows` rows are tried together.

    Raises:
        UsageError: The package of the model server is not installed.
    """
    require()
    request = _Request(
        content, contract, tuple(providers), threads, max_rows, rows_claimed, golden, example,
        memory_bytes,
    )  # fmt: skip
    is_small = isinstance(content, bytes) and len(content) <= _SMALL_BYTES
    return _once(request) if is_small and not isinstance(example, Path) else _tried(request)


@dataclass(frozen=True, slots=True)
class _Request:
    """The arguments of `run`."""

    content: bytes | Path
    contract: Contract | None
    providers: tuple[str, ...]
    threads: int
    max_rows: int
    rows_claimed: bool
    golden: bytes | None
    example: bytes | Path | None
    memory_bytes: int | None


@lru_cache(maxsize=64)
def _once(request: _Request) -> Trial | Refusal:
    """As `_tried`; a process that is asked for the same again, as tests are, pays once."""
    return _tried(request)


def _tried(request: _Request) -> Trial | Refusal:
    with tempfile.TemporaryDirectory(prefix="modelctl-") as name:
        folder, contract = Path(name), request.contract
        files = {"model.onnx": request.content, "golden.json": request.golden,
                 "example.json": request.example}  # fmt: skip
        path, golden, example = (
            None if content is None else str(_file(folder, file, content))
            for file, content in files.items()
        )
        asked = {
            "path": path,
            "contract": _fields(contract) if contract else None,
            "threads": request.threads,
            "max_rows": request.max_rows,
            "rows_claimed": request.rows_claimed,
            "golden": golden,
            "example": example,
            "memory_bytes": request.memory_bytes,
        }
        return _judged(asked, request.providers)


def require() -> None:
    """Return if the model server is installed beside this package."""
    if find_spec("modelserver") is None:
        raise UsageError(
            "found no model server to try the model with, expected the package modelserver in this "
            "environment: install it beside modelctl, of the same version"
        )


def _file(folder: Path, name: str, content: bytes | Path) -> Path:
    if isinstance(content, Path):
        return content.absolute()
    path = folder / name
    path.write_bytes(content)
    return path


def _judged(asked: Mapping[str, object], providers: Sequence[str]) -> Trial | Refusal:
    answer, ended = _answer(json.dumps(asked).encode())
    if not answer:
        return Refusal("ModelCrashes", f"the model ended the process that tried it: {ended}")
    fields = json.loads(answer)
    if fields["ok"]:
        return _trial(fields)
    error, detail = str(fields["error"]), str(fields["detail"])
    if error == "ModelUnsupported" and tuple(providers) != ("cpu",):
        detail += " (it was tried on the CPU)"
    shapes = {name: tuple(shape) for name, shape in fields["shapes"].items()}
    return Refusal(error, detail, _REMEDIES.get(error, ""), shapes)


def _answer(asked: bytes) -> tuple[bytes, str]:
    """What the child prints, and else why it ended."""
    child = subprocess.Popen(
        [sys.executable, "-P", "-m", _MODULE],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=os.environ
        | {
            "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
            "OPENBLAS_NUM_THREADS": "1",  # a thread for each core is memory too
        },
        process_group=0,  # an interrupt is for the parent, which ends the child
    )
    try:
        _bound(child.pid)
        answer, _ = child.communicate(asked, timeout=MAX_WALL_S)
    except subprocess.TimeoutExpired:
        return b"", _OUT_OF_TIME
    finally:
        _end(child)
    return answer, _cause(child.returncode)


def _bound(pid: int) -> None:
    """Bound what a model may take: no run of a start takes longer, or more than the machine has."""
    machine = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    with suppress(OSError, ValueError):  # it has ended already, or a lower limit holds
        resource.prlimit(pid, resource.RLIMIT_CPU, (_MAX_CPU_S, _MAX_CPU_S))
        resource.prlimit(pid, resource.RLIMIT_DATA, (machine, resource.RLIM_INFINITY))


def _end(child: "subprocess.Popen[bytes]") -> None:
    """End the process and those that it started."""
    if child.returncode is None:  # its group is still its own
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()
    for stream in (child.stdin, child.stdout):
        if stream is not None:
            with suppress(OSError):
                stream.close()


def _cause(code: int) -> str:
    if code == -signal.SIGXCPU:
        return f"more than {_MAX_CPU_S} s of processor time"
    if code == -signal.SIGKILL:
        return "SIGKILL, as where memory is short"
    return signal.Signals(-code).name if code < 0 else f"exit code {code}"


def _fields(contract: Contract) -> dict[str, object]:
    sides = {"inputs": contract.inputs, "outputs": contract.outputs}
    return {
        side: [{"name": e.name, "datatype": e.datatype, "shape": list(e.shape)} for e in specs]
        for side, specs in sides.items()
    }


def _trial(fields: Mapping[str, Any]) -> Trial:
    contract = fields["contract"]
    inputs, outputs = (
        tuple(TensorSpec(e["name"], e["datatype"], tuple(e["shape"])) for e in contract[side])
        for side in ("inputs", "outputs")
    )
    return Trial(
        contract=Contract(inputs, outputs),
        run_s=fields["run_s"],
        peak_bytes=fields["peak_bytes"],
        batch_peak_bytes=fields["batch_peak_bytes"],
        memory_bytes=fields["memory_bytes"],
        useful_rows=fields["useful_rows"],
        independence=fields["independence"],
        unbatched_because=fields["unbatched_because"],
        golden=fields["golden"].encode() or None,
        notes=tuple(fields["notes"]),
    )
