"""The status as text for a terminal, from the JSON value that a running engine tells.

What is broken comes first in the table, and what to do about it last: that is what a terminal shows
when the text is longer than it.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from modelctl.status.event import printable
from modelctl.status.remedies import remedies
from modelctl.status.values import rank

Json = Mapping[str, Any]

# The columns of the table, with what stands in each; docs/reference/status.md tells of them.
COLUMNS = (
    *("MODEL", "SYNC", "HEALTH", "COMMIT"),
    *("RELEASE", "STATE", "READY", "RESTARTS", "AGE", "GIT", "MEASURED"),
    *("REQUESTS", "4XX", "5XX", "P50", "P99"),
)
_SHOWN_EVENTS = 5  # of all models together; the status page has more


def lines(status: Json, now: datetime | None = None) -> Iterator[str]:
    """The status, line by line; control characters that a commit brings are made visible."""
    for line in _lines(status, now or datetime.now(UTC)):
        yield printable(line)


def _lines(status: Json, now: datetime) -> Iterator[str]:
    models = sorted(status["models"], key=_rank)
    yield from _engine(status)
    yield ""
    yield from _table(_rows(models, now))
    yield from _shares(models)
    yield ""
    yield from _events(status)
    advice = [line for model in models for line in _remedies(model, status)]
    if advice:
        yield ""
    yield from advice


def _rank(model: Json) -> int:
    rates = (release["measured"]["error_rate"] or 0 for release in model["releases"])
    return rank(model["sync"], model["health"], max(rates, default=0))


def _engine(status: Json) -> Iterator[str]:
    addresses = status["addresses"]
    yield f"environment {addresses['environment']} from {addresses['source']}"
    yield f"predictions {addresses['traffic']}   status page {addresses['page']}"
    yield f"applied     {_commit(status['synced'])}"
    if status["seen"] != status["synced"]:
        yield f"refused     {_commit(status['seen'])}"
    yield f"sync        {status['sync']} {status['sync_reason']}".rstrip()
    for finding in status["findings"]:
        yield f"  {finding}"
    if status["fault"]:
        yield f"fault       {status['fault']}"


def _commit(commit: Json | None) -> str:
    if commit is None:
        return "nothing yet"
    return f'{commit["id"][:12]} "{commit["subject"]}" by {commit["author"]}, {commit["time"]}'


def _rows(models: Sequence[Json], now: datetime) -> Iterator[Sequence[str]]:
    yield COLUMNS
    for model in models:
        commit = model["commit"]["id"][:8] if model["commit"] else "-"
        head = (model["model"], model["sync"], model["health"], commit)
        if not model["releases"]:
            yield head
        for release in model["releases"]:
            yield (*head, *_release(release, now))
            head = ("", "", "", "")


def _release(release: Json, now: datetime) -> Sequence[str]:
    measured = release["measured"]
    share, errors, refused = (
        measured[name] for name in ("share", "error_rate", "client_error_rate")
    )
    return (
        f"{release['release']} {release['role']}".rstrip(),
        release["state"],
        f"{release['ready']}/{release['replicas']}",
        str(release["restarts"]),
        age(release["started"], now) if release["started"] else "-",
        "-" if release["weight"] is None else f"{release['weight']:g} %",
        "-" if share is None else f"{100 * share:.1f} %",
        str(measured["requests"]),
        "-" if refused is None else f"{100 * refused:.2f} %",
        "-" if errors is None else f"{100 * errors:.2f} %",
        _milliseconds(measured["latency_p50_ms"]),
        _milliseconds(measured["latency_p99_ms"]),
    )


def age(since: str, now: datetime) -> str:
    """How long ago an ISO 8601 time was, in the largest unit that fits."""
    seconds = (now - datetime.fromisoformat(since)).total_seconds()
    for unit_s, name in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= unit_s:
            return f"{int(seconds // unit_s)} {name}"
    return f"{max(0, int(seconds))} s"


def _shares(models: Sequence[Json]) -> Iterator[str]:
    """Since when the shares are counted, of the models whose weights share requests."""
    for model in models:
        shared = [release for release in model["releases"] if release["live_weight"]]
        if len(shared) > 1 and model["share_since"]:
            yield f"{model['model']}: MEASURED counts since {model['share_since'][11:19]} UTC"


def _remedies(model: Json, status: Json) -> Iterator[str]:
    """What is wrong with a model, and what to do about it."""
    for reason, remedy in remedies(model, status["addresses"]["environment"]):
        yield f"{model['model']}: {reason}{': ' if remedy else ''}{remedy}"


def _milliseconds(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f} ms"


def _table(rows: Iterator[Sequence[str]]) -> Iterator[str]:
    """Rows of cells as columns as wide as their widest cell."""
    cells = list(rows)
    columns = max(len(row) for row in cells)
    widths = [max(len(row[i]) for row in cells if i < len(row)) for i in range(columns)]
    for row in cells:
        padded = (cell.ljust(width) for cell, width in zip(row, widths, strict=False))
        yield "  ".join(padded).rstrip()


def _events(status: Json) -> Iterator[str]:
    """The last events of the engine and of every model, oldest first."""
    named = [("", event) for event in status["events"]]
    named += [(m["model"], event) for m in status["models"] for event in m["events"]]
    last = sorted(named, key=lambda item: str(item[1]["time"]))[-_SHOWN_EVENTS:]
    for model, event in last:
        times = f" ({event['count']} times)" if event["count"] > 1 else ""
        subject = f"{model}: " if model else ""
        yield f"{event['time'][11:19]}  {event['level']:7}  {subject}{event['message']}{times}"
