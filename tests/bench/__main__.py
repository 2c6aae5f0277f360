"""`python -m tests.bench`: how long editing takes in repositories of thousands of models."""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from serving.bench import environments, machine
from tests.bench import report
from tests.bench.cases import PEER, Size, cases, peers, repositories
from tests.bench.measure import make, measure
from tests.scratch import PROJECT

_PEER_REQUIREMENT = f"{PEER}==0.39.0"
_PEERS = PROJECT / ".modelctl" / "bench"


def main(arguments: Sequence[str] | None = None) -> int:
    """Make the repositories, measure, print the tables; 1 where a goal is not met."""
    asked = _parser().parse_args(arguments)
    size = Size(asked.models, asked.many_models, asked.commits, asked.artifact_bytes)
    with tempfile.TemporaryDirectory(prefix="modelctl-bench-") as name:
        folder = Path(name)
        make(folder, repositories(size))
        own = tuple(cases(size))
        others = tuple(peers(folder / "fleet", None if asked.alone else _peer()))
        rows = (*own, *others)
        found = measure(folder, rounds=asked.rounds, cases=rows, warm_up=not asked.cold)
    whole = own[1]
    tables = report.ours(own, found), report.beside(whole, others, found)
    print("\n".join([*tables[0], "", *tables[1]]))
    if asked.page:
        made = machine.host("tests.bench", "modelctl", "tests/bench")
        asked.page.write_text(report.page(made, *tables), "utf-8")
    return 0 if all(report.is_met(case, found[case.title]) for case in own) else 1


def _peer() -> Path:
    """check-jsonschema, in a virtual environment of its own."""
    return environments.installed(_PEERS / PEER, [_PEER_REQUIREMENT]).with_name(PEER)


def _parser() -> argparse.ArgumentParser:
    default = Size()
    parser = argparse.ArgumentParser("python -m tests.bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--models", type=int, default=default.models)
    parser.add_argument("--many-models", type=int, default=default.many_models)
    parser.add_argument("--commits", type=int, default=default.commits)
    parser.add_argument("--artifact-bytes", type=int, default=default.artifact_bytes)
    parser.add_argument("--cold", action="store_true", help="count the very first round as well")
    parser.add_argument("--alone", action="store_true", help=f"without {PEER}, which is installed")
    parser.add_argument("--page", type=Path, metavar="FILE", help="write the page of the figures")
    return parser


if __name__ == "__main__":
    sys.exit(main())
