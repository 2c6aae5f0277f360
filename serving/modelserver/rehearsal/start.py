"""The start itself, with the server's own steps, and what it took."""

import hashlib
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from modelserver.artifact.cache import Artifact
from modelserver.errors import ContractMismatch, GoldenMismatch, ModelOutOfMemory, RequestError
from modelserver.inference.limits import derive
from modelserver.model.contract import Contract
from modelserver.rehearsal import draft, recorded
from modelserver.rehearsal.asked import Asked, Promise, Report
from modelserver.rehearsal.draft import Draft
from modelserver.start import memory_plan, steps, usage
from modelserver.start.golden import MAX_BYTES
from modelserver.start.steps import Loaded, Wanted

Step = Callable[[str], None]

_STEP_BYTES = 64 << 20
"""Memory is proposed in such steps, so that a little more or less of a run proposes the same."""
_LEAST_BYTES = 256 << 20
_LEAST_REQUESTS_BYTES = 16 << 20
_VARIES = "no golden file was made: the same input gives other answers in another run"
_FULL = 0.9  # of a server's memory, at its peak


class Misdeclared(ContractMismatch):
    """The graph declares outputs of other shapes than runs gave."""

    def __init__(self, contract: Contract) -> None:
        shapes = ", ".join(f"{spec.name} {list(spec.shape)}" for spec in contract.outputs)
        super().__init__(f"the graph declares its outputs wrongly; runs gave {shapes}")
        self.shapes = {spec.name: spec.shape for spec in contract.outputs}


def rehearse(asked: Asked, step: Step) -> Report:
    """What a server's start shows of a file.

    Raises:
        StartError: A server would not start, or would refuse what the contract lets callers send.
    """
    step("running the model for the first time")
    try:
        found = draft.made(asked)
    except MemoryError as error:
        raise ModelOutOfMemory(f"{error}; it needs a machine with more memory") from error
    if not found.is_declared:
        raise Misdeclared(found.contract)
    with tempfile.TemporaryDirectory(prefix="rehearsal-") as folder:
        base = usage.read()
        usage.forget_peak()
        began = time.perf_counter()
        started = _started(asked, found, Path(folder), step)
        load_s = time.perf_counter() - began
        started.loaded.cache.close()
    return _report(started, found, base.resident, load_s)


@dataclass(frozen=True, slots=True)
class _Started:
    """A release as a server has it, with the golden file that was made, or why there is none."""

    loaded: Loaded
    golden: bytes = b""
    note: str = ""


def _started(asked: Asked, found: Draft, folder: Path, step: Step) -> _Started:
    """The release, without a golden file where answers differ from run to run."""
    if asked.golden:
        return _Started(steps.load(_wanted(asked, found, folder, Path(asked.golden)), step))
    golden, note = recorded.text(found)
    if not golden:
        return _Started(steps.load(_wanted(asked, found, folder, None), step), note=note)
    path = folder / "golden.json"
    path.write_bytes(golden)
    try:
        return _Started(steps.load(_wanted(asked, found, folder, path), step), golden)
    except GoldenMismatch:
        return _Started(steps.load(_wanted(asked, found, folder, None), step), note=_VARIES)


def _wanted(asked: Asked, found: Draft, folder: Path, golden: Path | None) -> Wanted:
    path = Path(asked.path)
    return Wanted(
        artifact=Artifact(path.absolute().as_uri(), _sha256(path), path.stat().st_size),
        contract=found.contract,
        providers=asked.providers,
        provider_options=asked.provider_options,
        cache_dir=folder / "cache",
        artifact_root=folder,
        golden=Artifact(golden.absolute().as_uri(), _sha256(golden), MAX_BYTES, exact=False)
        if golden
        else None,
        threads=asked.threads,
        max_rows=asked.max_rows,
        rows_claimed=asked.rows_claimed,
        memory_bytes=asked.memory_bytes,
    )


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _report(started: _Started, found: Draft, base: int, load_s: float) -> Report:
    loaded, single = started.loaded, usage.read().peak
    rows = max(loaded.profile.useful_rows, 1)
    batch = max(single, _peak_of_rows(loaded, found, rows))
    return Report(
        contract=Promise.of(found.contract),
        run_s=loaded.profile.run_s,
        load_s=load_s,
        peak_bytes=single,
        batch_peak_bytes=batch,
        memory_bytes=_needed(loaded, base, batch),
        useful_rows=rows,
        independence=str(loaded.independence),
        unbatched_because=loaded.profile.unbatched_because,
        golden=started.golden.decode(),
        notes=(*found.notes, *filter(None, [started.note])),
    )


def _peak_of_rows(loaded: Loaded, found: Draft, rows: int) -> int:
    """What the process holds at the most while so many rows run together."""
    if rows == 1:
        return 0
    usage.forget_peak()
    feeds = {name: np.repeat(array[:1], rows, axis=0) for name, array in found.feeds.items()}
    try:
        loaded.model.run(loaded.model.contract.output_names, feeds, give_back=True)
    except RequestError:
        return 0
    return usage.read().peak


def _needed(loaded: Loaded, base: int, peak: int) -> int:
    """The least memory with which the server's own division has room for the model's runs."""
    taken = max(peak - base, loaded.weights_bytes)
    limit = _LEAST_BYTES
    while True:
        plan = memory_plan.divide(
            limit, resident_bytes=base, anonymous_bytes=base, artifact_bytes=loaded.weights_bytes
        )
        bounds = derive(
            plan, loaded.footprint, requests=1, weights_bytes=loaded.weights_bytes, least_rows=1
        )
        fits = plan.arena_bytes >= taken and plan.requests_bytes >= _LEAST_REQUESTS_BYTES
        if fits and limit * _FULL >= peak and bounds.rows >= loaded.profile.useful_rows:
            return limit
        limit += _STEP_BYTES
