"""`python -m tests.bench.scale`: what grows with the number of models, one line a size.

Too long for CI: the fleet of 5,000 models has some 300,000 files and takes minutes to make.
"""

import argparse
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from modelctl.render import objects
from modelctl.repo.kinds import Serving
from modelctl.repo.layout import GENERATED, place
from modelctl.repo.loading import load
from modelctl.repo.tree import WorkTree
from serving.bench import markdown
from tests.bench.cases import Case, beside_python
from tests.bench.fleet import folder_of
from tests.bench.measure import Usage, make, measure
from tests.scratch import git

_MB = 1_000_000
_COMMANDS = {
    "check": ("check",),
    "check of one": ("check", f"apps/{folder_of(0)}"),
    "render": ("render", "--check"),
}
_HEADER = (
    *("models", "typed files", "generated files", "MB", "MB in git's pack"),
    *(f"`{command}` {what}" for command in _COMMANDS for what in ("CPU s", "peak MB")),
    *("rules of all routes", "recorded series", "rules of Prometheus"),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Make a fleet of each size, measure it, print its line."""
    parser = argparse.ArgumentParser("python -m tests.bench.scale", description=__doc__)
    parser.add_argument("--models", type=_numbers, default=(250, 1000, 5000))
    parser.add_argument("--rounds", type=int, default=1)
    asked = parser.parse_args(arguments)
    rows = [_row(models, asked.rounds) for models in asked.models]
    print("\n".join(markdown.table(_HEADER, rows)))
    return 0


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(map(int, text.split(",")))


def _row(models: int, rounds: int) -> list[str]:
    with tempfile.TemporaryDirectory(prefix="modelctl-scale-") as name:
        folder = Path(name)
        make(folder, {"fleet": ("--models", str(models))})
        cases = [
            Case(title, "fleet", ((beside_python("modelctl"), *words),))
            for title, words in _COMMANDS.items()
        ]
        found = measure(folder, cases, rounds=rounds, warm_up=False)
        used = [cell for case in cases for cell in _used(found[case.title][-1])]
        root = folder / "fleet"
        return [f"{models:,}", *_files(root), *used, *_cluster(root)]


def _used(usage: Usage) -> Iterator[str]:
    yield f"{usage.cpu_s:.1f}"
    yield f"{usage.peak_bytes / _MB:.0f}"


def _files(root: Path) -> Iterator[str]:
    """Files and bytes in the tree, and what git keeps of them once packed."""
    listed = [line for line in git(root, "ls-files").splitlines() if line.endswith(".yaml")]
    generated = [line for line in listed if place(line).kind in GENERATED]
    yield f"{len(listed) - len(generated):,}"
    yield f"{len(generated):,}"
    yield f"{sum((root / line).stat().st_size for line in listed) / _MB:.0f}"
    packs = (root / ".git/objects/pack").glob("*.pack")
    yield f"{sum(pack.stat().st_size for pack in packs) / _MB:.1f}"


def _cluster(root: Path) -> Iterator[str]:
    """What one environment, the last one, asks of its gateway and its Prometheus."""
    repository = load(WorkTree(root))
    environment = repository.environments.ordered[-1]
    routes = recorded = rules = 0
    for folder in repository.folders:
        files = repository.model(folder)
        assert files.model is not None
        serving = files.servings[environment.name]
        for value in objects(files.model, files.releases, serving, environment):
            if value["kind"] == "HTTPRoute":
                routes += len(value["spec"]["rules"])
            if value["kind"] == "PrometheusRule":
                (group,) = value["spec"]["groups"]
                rules += len(group["rules"])
                recorded += sum(_series(rule, serving) for rule in group["rules"])
    yield f"{routes:,}"
    yield f"{recorded:,}"
    yield f"{rules:,}"


def _series(rule: dict[str, Any], serving: Serving) -> int:
    """How many series a rule records: one with labels of its own, else one a release."""
    if "record" not in rule:
        return 0
    return 1 if "labels" in rule else len(serving.deployed)


if __name__ == "__main__":
    sys.exit(main())
