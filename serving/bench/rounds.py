"""The rounds: in which order what is measured, and the measuring of one server with one model."""

import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from serving.bench import bare, wrk
from serving.bench.contestant import Contestant
from serving.bench.contestants import OURS
from serving.bench.errors import ContestantError
from serving.bench.layouts import Layout
from serving.bench.models import ModelFile
from serving.bench.results import Cell, Failure, Results, Start, Where
from serving.bench.serve import Served, serving
from serving.bench.wrk import Load

CONCURRENCY = (1, 8, 32)
WARM_UP_CONCURRENCY = 8
WARM_UP_S = 1


@dataclass(frozen=True)
class Plan:
    """What to measure: every contestant with every model in every layout, `rounds` times."""

    contestants: Sequence[Contestant]
    files: Mapping[str, ModelFile]
    layouts: Mapping[str, Layout]
    pythons: Mapping[str, Path]
    rounds: int
    seconds: float

    def units(self) -> Iterator[Where]:
        """The order: model by model, contestants A to Z, then Z to A, and so on.

        A slow spell of the machine so falls on neighbours in the order, never on the same one.
        """
        for number in range(self.rounds):
            for layout in self.layouts.values():
                for model in self.files:
                    names = self._names(layout)
                    for name in names[:: -1 if number % 2 else 1]:
                        yield Where(number, layout.name, model, name)

    def _names(self, layout: Layout) -> list[str]:
        """Who has a row: with several workers those that offer them, and ours to compare with."""
        if layout.workers == 1:
            return [bare.NAME, *(each.name for each in self.contestants)]
        return [each.name for each in self.contestants if each.workers or each is OURS]


def run(plan: Plan, results: Results) -> None:
    """Measure everything; what fails is recorded and the rest goes on."""
    units = list(plan.units())
    began = time.perf_counter()
    for number, where in enumerate(units, 1):
        so_far = f"{time.perf_counter() - began:4.0f} s, {number} of {len(units)}"
        what = f"round {where.round} {where.layout} {where.model} {where.contestant}"
        print(f"bench: {so_far}: {what}", file=sys.stderr)
        try:
            measure(plan, where, results)
        except ContestantError as error:
            print(f"bench: {where.contestant} failed: {error}", file=sys.stderr)
            results.failures.append(Failure(where, str(error)))


def measure(plan: Plan, where: Where, results: Results) -> None:
    """All cells of one server with one model. Raises `ContestantError`."""
    file, layout = plan.files[where.model], plan.layouts[where.layout]
    seconds = plan.seconds * file.model.cell_factor
    if where.contestant == bare.NAME:
        load = bare.run(file, seconds=seconds, cores=layout.server_cores[:1])
        results.cells.append(_cell(where, bare.ENCODING, 1, load))
        return
    contestant = next(each for each in plan.contestants if each.name == where.contestant)
    with serving(contestant, file, layout, plan.pythons[contestant.name]) as served:
        encodings = [each for each in file.model.encodings if each in contestant.dialects()]
        for encoding in encodings:
            served.check(encoding)
        idle = served.tree.usage()
        for encoding in encodings:
            results.cells += _cells(served, where, encoding, layout=layout, seconds=seconds)
        served.tree.wait_until_quiet()
        loaded = served.tree.usage()
        served.tree.require_pinned()
        stop_s = served.tree.stop()
    results.starts.append(
        Start(
            where=where,
            ready_s=served.ready_s,
            answer_s=served.answer_s,
            processes=loaded.processes,
            idle_rss_bytes=idle.rss_bytes,
            idle_held_bytes=idle.held_bytes,
            loaded_rss_bytes=loaded.rss_bytes,
            loaded_held_bytes=loaded.held_bytes,
            stop_s=stop_s,
        )
    )


def _cells(
    served: Served, where: Where, encoding: str, *, layout: Layout, seconds: float
) -> Iterator[Cell]:
    target = served.target(served.file.model.sample(1), encoding)
    cores = layout.client_cores
    wrk.run(target, concurrency=WARM_UP_CONCURRENCY, seconds=WARM_UP_S, cores=cores)
    for concurrency in CONCURRENCY:
        served.tree.wait_until_quiet()
        before_s = served.tree.cpu_s()
        load = wrk.run(target, concurrency=concurrency, seconds=seconds, cores=cores)
        served.tree.require_alive()
        cpu_s = served.tree.cpu_s() - before_s
        yield _cell(where, encoding, concurrency, load, cpu_s=cpu_s)


def _cell(
    where: Where, encoding: str, concurrency: int, load: Load, *, cpu_s: float | None = None
) -> Cell:
    return Cell(
        where=where,
        encoding=encoding,
        concurrency=concurrency,
        requests=load.requests,
        seconds=load.seconds,
        p50_ms=load.p50_ms,
        p99_ms=load.p99_ms,
        refused=load.refused,
        lost=load.lost,
        cpu_s=cpu_s,
    )
