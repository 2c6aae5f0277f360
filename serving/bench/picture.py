"""The picture of a result: throughput of every contestant as a share of ours, as SVG."""

from collections.abc import Iterator
from dataclasses import dataclass
from html import escape

from serving.bench import bare, ratios
from serving.bench.contestants import NAIVE, OURS, PEERS
from serving.bench.goals import LAYOUT
from serving.bench.ratios import Column
from serving.bench.results import Results

PANELS = (
    ("MLP 4-16-3, JSON, 32 at once", Column("tiny", "json", 32)),
    ("MLP 784-512-10, JSON, 32 at once", Column("wide", "json", 32)),
    ("conv net, JSON, 8 at once", Column("conv", "json", 8)),
    ("conv net, binary, 8 at once", Column("conv", "binary", 8)),
)
WIDTH = 760
LABEL_WIDTH, VALUE_WIDTH = 170, 60
ROW, BAR, GAP, HEADING = 22, 14, 18, 30
STYLE = """\
text { font: 13px system-ui, sans-serif; fill: #1f2328; }
.heading { font-weight: 600; }
.value { fill: #59636e; font-variant-numeric: tabular-nums; }
.other { fill: #9198a1; }
.ours { fill: #0969da; }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3; }
  .value { fill: #9198a1; }
  .other { fill: #656c76; }
  .ours { fill: #4493f8; }
}"""


@dataclass(frozen=True)
class Bar:
    """One contestant's throughput, ours being 1."""

    name: str
    title: str
    share: float


def bars(results: Results, column: Column) -> list[Bar]:
    """Highest first; without the bare runtime, whose scale is another one for tiny models."""
    titles = {each.name: each.title.strip("*") for each in (OURS, NAIVE, *PEERS)}
    if column.model == "conv":
        titles[bare.NAME] = bare.TITLE
    found = []
    for name, title in titles.items():
        ratio = ratios.throughput(results, LAYOUT, column, name)
        if ratio and ratio.median:
            found.append(Bar(name, title, 1 / ratio.median))
    return sorted(found, key=lambda bar: -bar.share)


def draw(results: Results) -> str:
    """The SVG document, in colours that suit a light and a dark page."""
    lines, top = [], 0
    for heading, column in PANELS:
        panel = bars(results, column)
        if panel:
            lines += list(_panel(heading, panel, top))
            top += HEADING + ROW * len(panel) + GAP
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {top}" role="img">',
            "<title>Answers a second on one core, as a share of the model server's</title>",
            f"<style>{STYLE}</style>",
            *lines,
            "</svg>\n",
        ]
    )


def _panel(heading: str, panel: list[Bar], top: int) -> Iterator[str]:
    """A heading and one bar for each contestant; the longest fills the width."""
    yield f'<text class="heading" x="0" y="{top + 18}">{escape(heading)}</text>'
    longest = max(bar.share for bar in panel)
    for row, bar in enumerate(panel):
        y = top + HEADING + ROW * row
        width = (WIDTH - LABEL_WIDTH - VALUE_WIDTH) * bar.share / longest
        kind = "ours" if bar.name == OURS.name else "other"
        x = f"{LABEL_WIDTH + width + 6:.1f}"
        title = escape(bar.title)
        yield f'<text x="{LABEL_WIDTH - 8}" y="{y + 11}" text-anchor="end">{title}</text>'
        yield (
            f'<rect class="{kind}" x="{LABEL_WIDTH}" y="{y}" width="{max(width, 1):.1f}" '
            f'height="{BAR}" rx="2"/>'
        )
        yield f'<text class="value" x="{x}" y="{y + 11}">{bar.share:.2f}</text>'
