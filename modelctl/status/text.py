"""The status as text for a terminal, from the JSON value that a running engine tells."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from modelctl.status.event import printable

Json = Mapping[str, Any]

_HEAD = ("MODEL", "SYNC", "HEALTH", "COMMIT", "RELEASE", "STATE", "READY", "GIT", "MEASURED")
_HEAD_MEASURED = ("REQUESTS", "ERRORS", "P50", "P99")
_SHOWN_EVENTS = 5  # of all models together; the status page has more


def lines(status: Json) -> Iterator[str]:
    """The status, line by line; control characters that a commit brings are made visible."""
    for line in _lines(status):
        yield printable(line)


def _lines(status: Json) -> Iterator[str]:
    yield from _engine(status)
    yield ""
    yield from _table(_rows(status["models"]))
    for model in status["models"]:
        for reason in (model["sync_reason"], model["health_reason"]):
            if reason:
                yield f"{model['model']}: {reason}"
    yield ""
    yield from _events(status)


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


def _rows(models: Sequence[Json]) -> Iterator[Sequence[str]]:
    yield (*_HEAD, *_HEAD_MEASURED)
    for model in models:
        commit = model["commit"]["id"][:8] if model["commit"] else "-"
        head = (model["model"], model["sync"], model["health"], commit)
        if not model["releases"]:
            yield head
        for release in model["releases"]:
            yield (*head, *_release(release))
            head = ("", "", "", "")


def _release(release: Json) -> Sequence[str]:
    measured = release["measured"]
    share = measured["share"]
    errors = measured["error_rate"]
    return (
        f"{release['release']} {release['role']}".rstrip(),
        release["state"],
        f"{release['ready']}/{release['replicas']}",
        "-" if release["weight"] is None else f"{release['weight']:g} %",
        "-" if share is None else f"{100 * share:.1f} %",
        str(measured["requests"]),
        "-" if errors is None else f"{100 * errors:.2f} %",
        _milliseconds(measured["latency_p50_ms"]),
        _milliseconds(measured["latency_p99_ms"]),
    )


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
