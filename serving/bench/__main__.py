"""``python -m serving.bench``: measure, and print the tables.

Without peers it compares the model server with bare ONNX Runtime and a naive FastAPI application.
Linux only: it pins processes with taskset and reads /proc.
"""

import argparse
import dataclasses
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from serving.bench import (
    contestants,
    environments,
    experiments,
    layouts,
    machine,
    report,
    rounds,
    wrk,
)
from serving.bench.contestant import ROOT, Contestant
from serving.bench.errors import BenchError, ContestantError
from serving.bench.models import MODELS, write
from serving.bench.results import Failure, Results, Where

FOLDER = ROOT / ".modelctl" / "bench"


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure as asked; 0, or 1 when our own server failed, or 2 when nothing could be measured."""
    asked = _parser().parse_args(arguments)
    try:
        results = measure(asked)
    except BenchError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 2
    results.write(asked.output)
    print(report.summary(results))
    print(f"bench: every cell of every round is in {asked.output}", file=sys.stderr)
    failed = {each.where.contestant for each in results.failures}
    return 1 if contestants.OURS.name in failed else 0


def measure(asked: argparse.Namespace) -> Results:
    """The results. Raises `BenchError` when wrk or a second core is missing, or on wrong names."""
    wrk.version()
    known = layouts.layouts(layouts.usable_cores())
    chosen = contestants.chosen(asked.peers)
    results = Results(made=machine.made())
    pythons = _pythons(chosen, asked.folder, results)
    files = {model.name: write(model, asked.folder / "models") for model in MODELS}
    plan = rounds.Plan(
        contestants=[each for each in chosen if each.name in pythons],
        files={name: files[name] for name in asked.models},
        layouts={name: known[name] for name in asked.layouts},
        pythons=pythons,
        rounds=asked.rounds,
        seconds=asked.seconds,
    )
    rounds.run(plan, results)
    all_models = dataclasses.replace(plan, files=files)
    experiments.run(
        asked.experiments, all_models, known["one-core"], results, seconds=asked.experiment_seconds
    )
    return results


def _pythons(chosen: Sequence[Contestant], folder: Path, results: Results) -> dict[str, Path]:
    """Interpreters by contestant; one that cannot be installed is recorded and left out."""
    found = {}
    for each in chosen:
        try:
            found[each.name] = _python(each, folder, results)
        except ContestantError as error:
            print(f"bench: {each.name} left out: {error}", file=sys.stderr)
            results.failures.append(Failure(Where(0, "", "", each.name), str(error)))
    return found


def _python(contestant: Contestant, folder: Path, results: Results) -> Path:
    if not contestant.environment:
        return Path(sys.executable)
    found = environments.python(contestant.environment, folder)
    results.made["environments"][contestant.environment] = environments.versions(found)
    return found


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m serving.bench", description=__doc__)
    names = [model.name for model in MODELS]
    add = parser.add_argument
    choices: tuple[tuple[str, Sequence[str], list[str]], ...] = (
        ("--peers", [peer.name for peer in contestants.PEERS], []),
        ("--models", names, names),
        ("--layouts", tuple(layouts.TITLES), ["one-core"]),
        ("--experiments", experiments.NAMES, []),
    )
    for option, known, default in choices:
        add(option, type=_some_of(known), default=default, help=f"of {', '.join(known)}")
    add("--experiment-seconds", type=int, help="length of load in every experiment")
    add("--rounds", type=int, default=3, help="0 to run experiments only")
    add("--seconds", type=int, default=2, help="length of a cell, at least 1")
    add("--folder", type=Path, default=FOLDER, help="holds models and virtual environments")
    add("--output", type=Path, default=FOLDER / "results.json", help="every cell, as JSON")
    return parser


def _some_of(known: Sequence[str]) -> Callable[[str], list[str]]:
    """Reads a comma list of known names."""

    def read(text: str) -> list[str]:
        found = [part for part in text.split(",") if part]
        unknown = [part for part in found if part not in known]
        if unknown:
            raise argparse.ArgumentTypeError(
                f"found {', '.join(unknown)}, expected some of {', '.join(known)}"
            )
        return found

    return read


if __name__ == "__main__":
    sys.exit(main())
