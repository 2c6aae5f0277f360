"""Questions that a table of throughput does not answer: one module and one row each."""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from serving.bench.errors import ContestantError
from serving.bench.experiments import large_bodies, memory_burst, overload, readiness
from serving.bench.experiments.setting import Setting
from serving.bench.layouts import Layout
from serving.bench.results import Failure, Results, Trial, Where
from serving.bench.rounds import Plan


@dataclass(frozen=True)
class Experiment:
    """A question, the model it is asked of, and how long load lasts (0: as the module has it)."""

    name: str
    title: str
    model: str
    seconds: int
    run: Callable[[Setting], dict[str, float]]


EXPERIMENTS = (
    Experiment("memory-burst", "Memory after a burst of 64 MB bodies", "wide", 0, memory_burst.run),
    Experiment(
        "readiness", "Readiness while the conv net saturates the core", "conv", 10, readiness.run
    ),
    Experiment(
        "large-bodies",
        "Small requests in 512 MiB while one client sends bodies of 16 MiB",
        "wide",
        10,
        large_bodies.run,
    ),
    Experiment("overload", "Three times the capacity of the conv net", "conv", 60, overload.run),
)
NAMES = tuple(each.name for each in EXPERIMENTS)


def run(
    names: Sequence[str],
    plan: Plan,
    layout: Layout,
    results: Results,
    *,
    seconds: int | None,
) -> None:
    """Each named experiment with each contestant; `seconds` shortens all of them."""
    for experiment in (each for each in EXPERIMENTS if each.name in names):
        for contestant in plan.contestants:
            print(f"bench: {experiment.name} {contestant.name}", file=sys.stderr)
            where = Where(0, layout.name, experiment.model, contestant.name)
            setting = Setting(
                contestant=contestant,
                file=plan.files[experiment.model],
                layout=layout,
                python=plan.pythons[contestant.name],
                seconds=seconds or experiment.seconds,
            )
            try:
                figures = experiment.run(setting)
            except ContestantError as error:
                results.failures.append(Failure(where, f"{experiment.name}: {error}"))
            else:
                results.trials.append(Trial(experiment.name, contestant.name, figures))
