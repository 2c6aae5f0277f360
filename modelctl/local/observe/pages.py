"""The status pages as HTML: what their templates are given, and how they write numbers."""

import asyncio
import json
import random
import shlex
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from modelctl.local.observe.charts import HEIGHT, WIDTH, Chart, chart
from modelctl.local.observe.history import Series
from modelctl.local.observe.logtail import Line, shown
from modelctl.model import example
from modelctl.model.tensors import Contract
from modelctl.repo.git import Commit
from modelctl.status.remedies import remedies
from modelctl.status.text import age
from modelctl.status.values import EngineStatus, Health, ModelStatus

_HERE = Path(__file__).parent
_KEPT_COMMITS = 32  # models whose commits are kept from one look to the next
_LOG_LINES = 40
_INLINE = 300  # characters of a request that a line of a shell can show; longer ones are fetched
_MEGABYTE = 1_000_000
_DASH = "–"  # noqa: RUF001 - a dash is meant


@dataclass(frozen=True, slots=True)
class Sources:
    """Where a page gets what it shows: the status, and of a model its commits, hour and log."""

    status: Callable[[], EngineStatus]
    commits: Callable[[str], Awaitable[tuple[Commit, ...]]]
    hour: Callable[[str], Mapping[str, Series]]
    log: Callable[[str, int], Sequence[Line]]


class Pages:
    """Renders whole pages, and the part of them that changes."""

    def __init__(self, sources: Sources) -> None:
        self._sources = sources
        self._templates = _templates()
        self._commits: dict[tuple[str, str], tuple[Commit, ...]] = {}

    async def overview(self, *, whole: bool = True, asked: str = "") -> str:
        """The page of all models, those that are broken first."""
        status = self._sources.status()
        models = sorted(status.models, key=lambda model: model.rank)
        return await self._render(
            "index.html", whole=whole, status=status, models=models, asked=asked
        )

    async def model(self, name: str, *, whole: bool = True) -> str | None:
        """The page of a model; None if there is none of that name."""
        status = self._sources.status()
        found = status.model(name)
        if found is None:
            return None
        lines = await asyncio.to_thread(self._sources.log, name, _LOG_LINES)
        return await self._render(
            "model.html",
            whole=whole,
            status=status,
            model=found,
            commits=await self._commits_of(status, name),
            charts=charts(self._sources.hour(name)),
            curl=curl(status, found),
            log=[shown(line) for line in lines],
        )

    async def live(self, name: str) -> str:
        """The part that changes of a model's page, or with no name of the page of all."""
        if not name:
            return await self.overview(whole=False)
        return await self.model(name, whole=False) or await self.missing(whole=False)

    async def missing(self, *, whole: bool = True) -> str:
        """The page that says that there is no such model."""
        return await self._render("missing.html", whole=whole, status=self._sources.status())

    def example(self, name: str) -> dict[str, object] | None:
        """A request for a model; None where its contract is not known."""
        model = self._sources.status().model(name)
        return _request(model.contract) if model and model.contract else None

    async def _commits_of(self, status: EngineStatus, name: str) -> tuple[Commit, ...]:
        """The last commits of a model; git is asked once a revision."""
        key = name, status.seen.id if status.seen else ""
        if key not in self._commits:
            if len(self._commits) >= _KEPT_COMMITS:
                self._commits.clear()
            self._commits[key] = await self._sources.commits(name)
        return self._commits[key]

    async def _render(self, template: str, *, whole: bool, **values: object) -> str:
        """A page, made beside the event loop: with 200 models that takes a tenth of a second."""
        found = self._templates.get_template(template)
        layout = "base.html" if whole else "part.html"
        return await asyncio.to_thread(found.render, layout=layout, **values)


def charts(hour: Mapping[str, Series]) -> list[Chart]:
    """The charts of a model: requests, latencies and errors over the last hour."""
    server = _summed([series.errors for series in hour.values()])
    client = _summed([series.client_errors for series in hour.values()])
    return [
        chart("Requests", "/s", {name: series.requests for name, series in hour.items()}),
        chart("Latency, p50", "ms", {name: series.p50_ms for name, series in hour.items()}),
        chart("Latency, p99", "ms", {name: series.p99_ms for name, series in hour.items()}),
        chart("Errors", "/s", {"server (5xx)": server, "client (4xx)": client}),
    ]


def curl(status: EngineStatus, model: ModelStatus) -> str:
    """A line for a shell that asks the model; empty while its contract is not known."""
    if model.contract is None:
        return ""
    url = shlex.quote(f"{status.addresses.traffic}/v2/models/{model.model}/infer")
    json_type = "-H 'content-type: application/json'"
    body = json.dumps(_request(model.contract), separators=(",", ":"))
    if len(body) <= _INLINE:
        return f"curl -s {json_type} {url} -d {shlex.quote(body)}"
    asked = shlex.quote(f"{status.addresses.page}/models/{model.model}/example.json")
    return f"curl -s {asked} | curl -s {json_type} {url} -d @-"


def _request(contract: Contract) -> dict[str, object]:
    """The same made-up request at every look."""
    return example.request(contract, random.Random(0))  # noqa: S311 - no secret


def _summed(columns: Sequence[Sequence[float | None]]) -> list[float | None]:
    rows = ([n for n in row if n is not None] for row in zip(*columns, strict=True))
    return [sum(row) if row else None for row in rows]


def _templates() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "ago": lambda since: age(since, datetime.now(UTC)),
        "percent": _percent,
        "milliseconds": _milliseconds,
        "number": _number,
        "megabytes": lambda count: f"{count / _MEGABYTE:.0f} MB" if count else _DASH,
        "clock": _clock,
        "code": _code,
        "remedies": _remedies,
        "searched": _searched,
        "mark": _mark,
    }
    environment.globals |= {
        "healths": _healths,
        "chart_width": WIDTH,
        "chart_height": HEIGHT,
    }
    return environment


def _percent(share: float | None, digits: int = 1) -> str:
    """A percentage from 0 to 100, or a dash without one."""
    return _DASH if share is None else f"{share:.{digits}f} %"


def _milliseconds(value: float | None) -> str:
    return _DASH if value is None else f"{_number(value)} ms"


def _number(value: float) -> str:
    """A number with as many digits as people read."""
    if value == 0:
        return "0"
    return f"{value:.2f}" if value < 1 else f"{value:.1f}" if value < 100 else f"{value:,.0f}"  # noqa: PLR2004


def _clock(time: str) -> str:
    """The local time of day of an ISO 8601 time."""
    return datetime.fromisoformat(time).astimezone().strftime("%H:%M:%S")


def _code(text: str) -> Markup:
    """A text whose parts between backticks are code."""
    parts = (
        Markup("<code>{}</code>").format(part) if index % 2 else escape(part)
        for index, part in enumerate(text.split("`"))
    )
    return Markup("").join(parts)


def _remedies(model: ModelStatus, environment: str) -> list[tuple[str, str]]:
    has_reason = model.sync_reason or model.health_reason
    return list(remedies(asdict(model), environment)) if has_reason else []


def _mark(model: ModelStatus) -> str:
    """How a model is marked: by its place in the list, `broken`, `late` or not at all."""
    return ("broken", "broken", "late", "late", "broken", "")[model.rank]


def _searched(model: ModelStatus) -> str:
    """The words that a model is found by."""
    words = {model.model, model.sync.value, model.health.value}
    for release in model.releases:
        words |= {release.release, release.role, release.state}
    return " ".join(sorted(filter(None, words))).lower()


def _healths(status: EngineStatus) -> list[tuple[Health, int]]:
    """How many models there are in each state of health, the worst first."""
    counted = Counter(model.health for model in status.models)
    return [(health, counted[health]) for health in reversed(Health) if counted[health]]
