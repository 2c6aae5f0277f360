"""The tables of a run, and the page that they stand in."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from string import Template
from typing import Any

from serving.bench import markdown
from serving.bench.ratios import Spread
from tests.bench.cases import Case
from tests.bench.measure import Rounds, Usage

_MB = 1_000_000
_TEMPLATE = Path(__file__).with_name("page.md")


def page(made: dict[str, Any], ours: Sequence[str], beside: Sequence[str]) -> str:
    """The whole page as Markdown."""
    memory_gib = f"{made['memory_bytes'] / 2**30:.0f}"
    return Template(_TEMPLATE.read_text("utf-8")).substitute(
        made, memory_gib=memory_gib, ours="\n".join(ours), beside="\n".join(beside)
    )


def ours(cases: Iterable[Case], rounds: Rounds) -> list[str]:
    """One line a case: what it took, what it may take, and whether it does."""
    header = ("", "CPU s", "goal", "wall s", "peak MB", "goal", "met")
    rows = [_row(case, rounds[case.title]) for case in cases]
    return markdown.table(header, rows)


def beside(whole: Case, others: Iterable[Case], rounds: Rounds) -> list[str]:
    """Others with the same typed files in the same rounds; ratios are ours divided by theirs."""
    header = ("", "CPU s", "ours ÷ it", "peak MB", "ours ÷ it")
    rows = []
    for case in (whole, *others):
        row = [case.title]
        for value in (_cpu_s, _peak_mb):
            theirs = list(map(value, rounds[case.title]))
            pairs = zip(map(value, rounds[whole.title]), theirs, strict=True)
            ratio = Spread.of(own / other for own, other in pairs)
            row += [markdown.spread(Spread.of(theirs)), markdown.spread(ratio)]
        rows.append(row)
    return markdown.table(header, rows)


def is_met(case: Case, used: Sequence[Usage]) -> bool:
    """Whether the medians keep to the goals of a case."""
    return all(goal is None or _spread(used, value).median <= goal for goal, value in _goals(case))


def _row(case: Case, used: Sequence[Usage]) -> list[str]:
    (cpu_s, _), (peak_mb, _) = _goals(case)
    has_goal = cpu_s is not None or peak_mb is not None
    return [
        case.title,
        markdown.spread(_spread(used, _cpu_s)),
        _goal(cpu_s),
        markdown.middle(_spread(used, lambda usage: usage.wall_s)),
        markdown.middle(_spread(used, _peak_mb)),
        _goal(peak_mb),
        ("yes" if is_met(case, used) else "no") if has_goal else "",
    ]


def _goals(case: Case) -> tuple[tuple[float | None, Callable[[Usage], float]], ...]:
    return (case.goal_cpu_s, _cpu_s), (case.goal_peak_mb, _peak_mb)


def _goal(bound: float | None) -> str:
    return "" if bound is None else f"≤ {bound:g}"


def _cpu_s(usage: Usage) -> float:
    return usage.cpu_s


def _peak_mb(usage: Usage) -> float:
    return usage.peak_bytes / _MB


def _spread(used: Sequence[Usage], value: Callable[[Usage], float]) -> Spread:
    found = Spread.of(map(value, used))
    assert found is not None
    return found
