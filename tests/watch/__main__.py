"""`PYTHONPATH=tests python -m tests.watch FILE`: a real canary, as Prometheus saw it.

It takes 12 minutes of little load, and Debian's Prometheus. The picture is of the panels of the
model's dashboard, by the queries that are in it.
"""

import argparse
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from modelctl.render.platform.dashboards.model import MODEL
from modelctl.render.platform.dashboards.panel import Panel
from tests.watch.picture import Chart, draw
from tests.watch.prometheus import PROGRAM, Prometheus
from tests.watch.story import tell

_TITLES = (
    "Share in git and measured",
    "Requests",
    "Latency, 99 % are quicker",
    "Alerts",
)
_FILLED = {"$__rate_interval": "1m", "$model": "linear", "$release": "r1|r2"}


def main() -> int:
    """Tell the story and draw it."""
    parser = argparse.ArgumentParser("python -m tests.watch", description=__doc__)
    parser.add_argument("file", type=Path)
    file: Path = parser.parse_args().file
    if not PROGRAM:
        sys.exit("prometheus is missing (Debian: apt-get install prometheus)")
    with (
        tempfile.TemporaryDirectory(prefix="modelctl-watch-") as name,
        Prometheus(Path(name) / "prometheus") as watched,
    ):
        begin, end = tell(Path(name), watched)
        charts = [_chart(watched, panel, begin, end) for panel in _panels()]
    file.write_text(draw("A canary on the dashboard", charts, begin, end), "utf-8")
    return 0


def _panels() -> Iterator[Panel]:
    by_title = {panel.title: panel for row in MODEL.rows for panel in row.panels}
    yield from (by_title[title] for title in _TITLES)


def _chart(watched: Prometheus, panel: Panel, begin: float, end: float) -> Chart:
    lines = []
    for query in panel.queries:
        expr = query.expr
        for name, value in _FILLED.items():
            expr = expr.replace(name, value)
        for line in watched.range(expr, begin, end):
            legend = query.legend
            for label, value in line.labels.items():
                legend = legend.replace(f"{{{{{label}}}}}", value)
            lines.append((legend, line))
    lines.sort(key=lambda pair: pair[0])
    return Chart(panel.title, lines, panel.unit, panel.dashed)


if __name__ == "__main__":
    sys.exit(main())
