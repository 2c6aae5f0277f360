"""``python -m serving.bench.report RESULTS.json FOLDER``: the page and the picture of a result."""

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from string import Template

from serving.bench import experiments, layouts, picture, tables
from serving.bench import results as stored
from serving.bench.models import MODELS
from serving.bench.results import Results

PAGE, PICTURE = "benchmarks.md", "benchmarks.svg"
TEMPLATE = Path(__file__).with_name("page.md")
DOUBTS = "## Without figures, or with doubtful ones"


def page(results: Results) -> str:
    """The whole page as Markdown."""
    made = results.made
    return Template(TEMPLATE.read_text()).substitute(
        made,
        picture=PICTURE,
        memory_gib=f"{made['memory_bytes'] / 2**30:.0f}",
        goals=_section("## Goals", tables.goals(results)),
        measured="\n".join(filter(None, _measured(results))),
        doubts=_section(DOUBTS, tables.doubts(results)),
        contestants=_section("## Contestants", tables.setups(results)).lstrip(),
    )


def summary(results: Results) -> str:
    """What a terminal shows after a run."""
    goals = _section("## Goals", tables.goals(results))
    return "\n".join(
        filter(None, [goals, *_measured(results), _section(DOUBTS, tables.doubts(results))])
    )


def _measured(results: Results) -> Iterator[str]:
    """Every table that has figures, below its heading."""
    for layout, title in layouts.TITLES.items():
        for model in MODELS:
            for encoding in model.encodings:
                heading = f"### {model.title}, {encoding}: {title}"
                yield _section(heading, tables.workload(results, layout, model, encoding))
            heading = f"### {model.title}, start and memory: {title}"
            yield _section(heading, tables.starts(results, layout, model))
    for experiment in experiments.EXPERIMENTS:
        yield _section(f"### {experiment.title}", tables.trials(results, experiment))


def _section(heading: str, lines: list[str]) -> str:
    """The lines below their heading; nothing when there are none."""
    return "\n".join(["", heading, "", *lines]) if lines else ""


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the page and the picture into a folder."""
    parser = argparse.ArgumentParser("python -m serving.bench.report", description=__doc__)
    parser.add_argument("results", type=Path)
    parser.add_argument("folder", type=Path)
    asked = parser.parse_args(arguments)
    found = stored.read(asked.results)
    (asked.folder / PAGE).write_text(page(found))
    (asked.folder / PICTURE).write_text(picture.draw(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
