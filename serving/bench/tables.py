"""The tables of a result, each as lines of Markdown; empty where nothing was measured."""

from collections.abc import Callable, Iterator

from serving.bench import bare, experiments, ratios
from serving.bench.contestants import NAIVE, OURS, PEERS
from serving.bench.environments import ENVIRONMENTS, RUNTIME
from serving.bench.goals import GOALS
from serving.bench.markdown import NONE, middle, number, spread, table
from serving.bench.models import BenchModel
from serving.bench.ratios import Column, Spread
from serving.bench.results import Cell, Results, Start
from serving.bench.rounds import CONCURRENCY

TITLES = {bare.NAME: bare.TITLE} | {each.name: each.title for each in (OURS, NAIVE, *PEERS)}
MB = 1_000_000


def goals(results: Results) -> list[str]:
    """Every goal that was measured: reached or not."""
    rows = []
    for goal in GOALS:
        reached = goal.ratio(results)
        if reached:
            wanted = f"{'≥' if goal.at_least else '≤'} {goal.bound:g}"
            verdict = "yes" if goal.holds(reached) else "**no**"
            other = TITLES.get(goal.contestant, goal.contestant)
            rows.append([goal.says, other, wanted, spread(reached), verdict])
    header = ["what", "ours divided by", "goal", "reached", "holds"]
    return table(header, rows) if rows else []


def workload(results: Results, layout: str, model: BenchModel, encoding: str) -> list[str]:
    """Throughput and latency of every contestant with one model in one encoding."""
    columns = [Column(model.name, encoding, each) for each in CONCURRENCY]
    rows = [
        [
            title,
            *(part for column in columns for part in _cell(results, layout, column, name)),
            _cpu_us(results, layout, columns[-1], name),
        ]
        for name, title in TITLES.items()
        if any(ratios.of_cells(results, layout, each, name, _per_s) for each in columns)
    ]
    header = [
        part
        for each in CONCURRENCY
        for part in (f"ours ÷ it, {each} at once", "answers/s", "p50 / p99 ms")
    ]
    cpu = f"CPU µs an answer, {CONCURRENCY[-1]} at once"
    return table(["", *header, cpu], rows) if rows else []


def _cell(results: Results, layout: str, column: Column, name: str) -> Iterator[str]:
    """Ratio, throughput and latency; the bare runtime's own figures stand under one at once."""

    def of(value: Callable[[Cell], float]) -> str:
        return middle(Spread.of(ratios.of_cells(results, layout, column, name, value).values()))

    yield spread(ratios.throughput(results, layout, column, name)) if name != OURS.name else "1"
    measured = name != bare.NAME or column.concurrency == 1
    yield of(_per_s) if measured else NONE
    yield f"{of(_p50)} / {of(_p99)}" if measured else NONE


def _cpu_us(results: Results, layout: str, column: Column, name: str) -> str:
    """What an answer costs: steadier than throughput when the machine is not."""
    spent = ratios.of_cells(
        results, layout, column, name, lambda cell: (cell.cpu_s or 0) / cell.requests * 1e6
    )
    return middle(Spread.of(spent.values())) if name != bare.NAME else NONE


def _per_s(cell: Cell) -> float:
    return cell.per_s


def _p50(cell: Cell) -> float:
    return cell.p50_ms


def _p99(cell: Cell) -> float:
    return cell.p99_ms


START_COLUMNS: tuple[tuple[str, Callable[[Start], float]], ...] = (
    ("start to first answer, s", lambda start: start.answer_s),
    ("memory after load, MB", lambda start: start.loaded_held_bytes / MB),
    ("RSS of all processes, MB", lambda start: start.loaded_rss_bytes / MB),
)


def starts(results: Results, layout: str, model: BenchModel) -> list[str]:
    """Start, memory and end of every contestant with one model."""
    rows = []
    for name, title in TITLES.items():
        found = [
            start
            for start in results.starts
            if (start.where.layout, start.where.model) == (layout, model.name)
            and start.where.contestant == name
        ]
        if found:
            pairs = [part for column in START_COLUMNS for part in _start(results, found, *column)]
            rows.append([title, *pairs, str(max(each.processes for each in found)), _stop(found)])
    header = [part for says, _ in START_COLUMNS for part in (f"ours ÷ it, {says}", says)]
    return table(["", *header, "processes", "SIGTERM to end, s"], rows) if rows else []


def _start(
    results: Results, found: list[Start], _: str, value: Callable[[Start], float]
) -> tuple[str, str]:
    """Ratio and own figure."""
    layout, model, name = found[0].where.layout, found[0].where.model, found[0].where.contestant
    other = ratios.of_starts(results, layout, model, name, value)
    ours = ratios.of_starts(results, layout, model, OURS.name, value)
    ratio = "1" if name == OURS.name else spread(ratios.paired(ours, other))
    return ratio, middle(Spread.of(other.values()))


def _stop(found: list[Start]) -> str:
    ended = Spread.of(each.stop_s for each in found if each.stop_s is not None)
    killed = sum(each.stop_s is None for each in found)
    return middle(ended) + (f", killed {killed} times" if killed else "")


def trials(results: Results, experiment: experiments.Experiment) -> list[str]:
    """Figures of every contestant in one experiment, a contestant a column."""
    found = {
        trial.contestant: trial.figures
        for trial in results.trials
        if trial.experiment == experiment.name
    }
    names = dict.fromkeys(figure for figures in found.values() for figure in figures)
    rows = [
        [figure.replace("_", " "), *(number(figures.get(figure)) for figures in found.values())]
        for figure in names
    ]
    return table(["", *(TITLES[name] for name in found)], rows) if rows else []


def doubts(results: Results) -> list[str]:
    """Contestants without figures, and cells without answers or with some refused or lost."""
    lines = [
        f"- {TITLES.get(each.where.contestant, each.where.contestant)} "
        f"({each.where.layout} {each.where.model}, round {each.where.round}): {each.reason}"
        for each in results.failures
    ]
    return lines + [
        f"- {TITLES[cell.where.contestant]} ({cell.where.layout} {cell.where.model}, "
        f"{cell.encoding}, {cell.concurrency} at once, round {cell.where.round}): "
        f"{cell.refused} answers refused, {cell.lost} lost, of {cell.requests}"
        for cell in results.cells
        if cell.refused or cell.lost or not cell.requests
    ]


def setups(results: Results) -> list[str]:
    """How each measured contestant was set up."""
    known = results.made["environments"]
    measured = {start.where.contestant for start in results.starts}
    measured |= {trial.contestant for trial in results.trials}
    rows = [
        [
            each.title,
            _versions(known, each.environment),
            each.json.name + (f", {each.binary.name}" if each.binary else ""),
            each.batching or "none",
            each.workers or "none of its own: one process",
        ]
        for each in (OURS, NAIVE, *PEERS)
        if each.name in measured
    ]
    header = ["", "versions", "requests", "batching", "several workers"]
    return table(header, rows, words=True) if rows else []


def _versions(known: dict[str, dict[str, str]], environment: str) -> str:
    if not environment:
        packages = known["modelserver"]
        names = ["fastapi", "uvicorn", RUNTIME]
        return ", ".join(f"{name} {packages[name]}" for name in names)
    chosen = next(each for each in ENVIRONMENTS if each.name == environment)
    pins = ", ".join(each.replace("==", " ") for each in chosen.requirements)
    runtime = f"{RUNTIME} {known[environment][RUNTIME]}"
    return f"{pins}, {runtime}" + (f" ({chosen.reason})" if chosen.reason else "")
