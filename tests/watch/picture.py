"""A dashboard's charts as one picture: lines over time, in SVG."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

from modelctl.local.observe.charts import nice
from tests.watch.prometheus import Line

_WIDTH, _HEIGHT = 372, 150  # of one chart
_LEFT, _TOP, _BOTTOM, _GAP = 44, 26, 36, 24
_ACROSS = 2
_STYLE = """\
text { font: 12px system-ui, sans-serif; fill: #1f2328; }
.heading { font-weight: 600; }
.scale { fill: #59636e; }
.grid { stroke: #d1d9e0; }
.line { fill: none; stroke-width: 1.6; }
.wanted { stroke-dasharray: 5 4; }
.c0 { stroke: #0969da; } text.c0 { fill: #0969da; stroke: none; }
.c1 { stroke: #bc4c00; } text.c1 { fill: #bc4c00; stroke: none; }
.c2 { stroke: #59636e; } text.c2 { fill: #59636e; stroke: none; }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3; }
  .scale { fill: #9198a1; }
  .grid { stroke: #3d444d; }
  .c0 { stroke: #4493f8; } text.c0 { fill: #4493f8; }
  .c1 { stroke: #f0883e; } text.c1 { fill: #f0883e; }
  .c2 { stroke: #9198a1; } text.c2 { fill: #9198a1; }
}"""


@dataclass(frozen=True)
class Chart:
    """Lines by name over the same time; one whose name ends in `wanted` is dashed."""

    title: str
    lines: Sequence[tuple[str, Line]]
    unit: str = ""
    wanted: str = ""


def draw(title: str, charts: Sequence[Chart], begin: float, end: float) -> str:
    """The SVG document, in colours that suit a light and a dark page."""
    height = -(-len(charts) // _ACROSS) * (_HEIGHT + _TOP + _BOTTOM)
    width = _ACROSS * (_WIDTH + _LEFT + _GAP)
    drawn = [
        line for at, chart in enumerate(charts) for line in _chart(chart, *_place(at), begin, end)
    ]
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img">',
            f"<title>{escape(title)}</title>",
            f"<style>{_STYLE}</style>",
            *drawn,
            "</svg>\n",
        ]
    )


def _place(at: int) -> tuple[int, int]:
    down, across = divmod(at, _ACROSS)
    return across * (_WIDTH + _LEFT + _GAP) + _LEFT, down * (_HEIGHT + _TOP + _BOTTOM) + _TOP


def _chart(chart: Chart, left: int, top: int, begin: float, end: float) -> Iterator[str]:
    values = [value for _, line in chart.lines for _, value in line.points]
    highest = nice(max(values, default=0))
    yield f'<text class="heading" x="{left}" y="{top - 9}">{escape(chart.title)}</text>'
    for share in (0, 0.5, 1):
        y = top + _HEIGHT * (1 - share)
        yield f'<path class="grid" d="M{left} {y:.0f}h{_WIDTH}"/>'
        words = _words(highest * share, chart.unit)
        yield f'<text class="scale" x="{left - 5}" y="{y + 4:.0f}" text-anchor="end">{words}</text>'
    for minute in range(0, int((end - begin) / 60) + 1, 5):
        x = left + _WIDTH * minute * 60 / (end - begin)
        yield (
            f'<text class="scale" x="{x:.0f}" y="{top + _HEIGHT + 15}" text-anchor="middle">'
            f"{minute} min</text>"
        )
    yield from _lines(chart, left, top, (begin, end, highest))


def _lines(chart: Chart, left: int, top: int, scale: tuple[float, float, float]) -> Iterator[str]:
    begin, end, highest = scale
    colours: dict[str, int] = {}
    at = 0
    for name, line in chart.lines:
        is_wanted = bool(chart.wanted) and name.endswith(chart.wanted)
        colour = colours.setdefault(name.removesuffix(chart.wanted), min(len(colours), 2))
        points = " ".join(
            f"{left + _WIDTH * (when - begin) / (end - begin):.1f},"
            f"{top + _HEIGHT * (1 - value / highest):.1f}"
            for when, value in line.points
        )
        kind = f"line c{colour}{' wanted' if is_wanted else ''}"
        yield f'<polyline class="{kind}" points="{points}"/>'
        x, y = left + at, top + _HEIGHT + 31
        yield f'<text class="c{colour}" x="{x}" y="{y}">{escape(name)}</text>'
        at += 8 * len(name) + 14


def _words(value: float, unit: str) -> str:
    if unit == "percentunit":
        return f"{100 * value:g} %"
    if unit == "s":
        return f"{1000 * value:g} ms"
    return f"{value:g}"
