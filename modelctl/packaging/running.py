"""What ONNX Runtime makes of rows, in a child process: a graph may end the process that runs it."""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modelctl.errors import UsageError
from modelctl.packaging import apart, arrays
from modelctl.packaging.arrays import Arrays

_Session = Any  # onnxruntime carries no types

BATCH_ROWS = 32  # of one run: as a server's batch is, and the last one is smaller
_QUICKEST_S = 0.5  # of timing each model, at the least
_MOST_RUNS = 400


def run(model: bytes | Path, rows: Arrays) -> dict[str, NDArray[Any]]:
    """The outputs by name, for all rows.

    Raises:
        UsageError: ONNX Runtime does not load the model, or does not run it on the rows.
        ModelctlError: ONNX Runtime is not installed.
    """
    with apart.folder() as folder:
        arrays.write(folder / "rows.npz", rows)
        paths = [str(_written(model, folder))]
        apart.asked(reply, {"do": "run", "models": paths, "folder": str(folder)})
        return arrays.read(folder / "outputs.npz")


def seconds_a_row(models: Sequence[bytes], rows: Arrays) -> list[float]:
    """The median time of a run with one row, of each model, measured by turns.

    Raises:
        UsageError: A model is not loaded, or does not run.
    """
    with apart.folder() as folder:
        arrays.write(folder / "rows.npz", rows)
        paths = [str(_written(model, folder, number)) for number, model in enumerate(models)]
        answer = apart.asked(reply, {"do": "time", "models": paths, "folder": str(folder)})
        return [float(each) for each in answer["seconds"]]


def _written(model: bytes | Path, folder: Path, number: int = 0) -> Path:
    if isinstance(model, Path):
        return model.absolute()
    path = folder / f"{number}.onnx"
    path.write_bytes(model)
    return path


def reply(request: bytes) -> str:
    """What the child answers, as JSON; outputs are written beside the rows."""
    return apart.answered(_done, request)


def _done(fields: dict[str, Any]) -> Mapping[str, object]:
    folder = Path(fields["folder"])
    sessions = [session(path) for path in fields["models"]]
    rows = arrays.read(folder / "rows.npz")
    if fields["do"] == "time":
        return {"seconds": _timed(sessions, rows)}
    arrays.write(folder / "outputs.npz", outputs(sessions[0], rows))
    return {}


def session(model: str | bytes) -> _Session:
    """A session on one thread of the CPU; for the child alone."""
    import onnxruntime  # noqa: PLC0415 - the child alone needs it

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 4
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def outputs(runner: _Session, rows: Arrays) -> dict[str, NDArray[Any]]:
    """The outputs of a session for all rows, in runs of some rows each."""
    names = [each.name for each in runner.get_outputs()]
    parts = [runner.run(names, batch) for batch in batches(runner, rows)]
    return {
        name: np.concatenate([_tensor(part[index]) for part in parts])
        for index, name in enumerate(names)
    }


def _tensor(value: Any) -> NDArray[Any]:  # noqa: ANN401 - whatever a graph gives
    """An output as an array: a list of maps, as ZipMap gives, has a column for each key."""
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return np.array([[each[key] for key in sorted(each)] for each in value], np.float32)
    return arrays.plain(np.atleast_1d(np.asarray(value)))


def batches(runner: _Session, rows: Arrays) -> Iterator[dict[str, NDArray[Any]]]:
    """The rows in parts that the graph takes: of its own size where that is fixed."""
    first = [each.shape[0] for each in runner.get_inputs() if each.shape]
    size = next((each for each in first if isinstance(each, int)), BATCH_ROWS)
    for start in range(0, arrays.count(rows), size):
        yield {name: _fed(each[start : start + size]) for name, each in rows.items()}


def _fed(values: NDArray[Any]) -> NDArray[Any]:
    return values.astype(object) if values.dtype.kind == "U" else values


def _timed(sessions: Sequence[_Session], rows: Arrays) -> list[float]:
    """Medians, the sessions by turns, so that what else the machine does is everybody's."""
    feeds = [_one_row(runner, rows) for runner in sessions]
    spent: list[list[float]] = [[] for _ in sessions]
    begun = time.perf_counter()
    enough = _QUICKEST_S * len(sessions)
    while len(spent[0]) < _MOST_RUNS and time.perf_counter() - begun < enough:
        for runner, feed, each in zip(sessions, feeds, spent, strict=True):
            start = time.perf_counter()
            runner.run(None, feed)
            each.append(time.perf_counter() - start)
    return [float(np.median(each)) for each in spent]


def _one_row(runner: _Session, rows: Arrays) -> dict[str, NDArray[Any]]:
    """One row, or as many as the graph wants at the least."""
    feed = next(batches(runner, rows))
    fixed = any(each.shape and isinstance(each.shape[0], int) for each in runner.get_inputs())
    return feed if fixed else arrays.first(feed, 1)


@contextmanager
def told_as(source: Path) -> Iterator[None]:
    """Say of which file an error is."""
    try:
        yield
    except UsageError as error:
        raise UsageError(f"{source}: {error}") from error
