"""Cells and starts with known figures."""

from serving.bench.results import Cell, Start, Where


def cell(
    contestant: str,
    per_s: float,
    *,
    round: int = 0,  # noqa: A002 - the field's name
    model: str = "tiny",
    encoding: str = "json",
    concurrency: int = 32,
    refused: int = 0,
) -> Cell:
    """A cell of two seconds with this many good answers a second; p50 is a second by the rate."""
    return Cell(
        where=Where(round, "one-core", model, contestant),
        encoding=encoding,
        concurrency=concurrency,
        requests=int(per_s * 2) + refused,
        seconds=2,
        p50_ms=1000 / per_s,
        p99_ms=3000 / per_s,
        refused=refused,
        lost=0,
    )


def start(contestant: str, *, answer_s: float, held_mb: int, stop_s: float | None = 0.5) -> Start:
    """A start with this time to the first answer and this memory."""
    return Start(
        where=Where(0, "one-core", "tiny", contestant),
        ready_s=answer_s / 2,
        answer_s=answer_s,
        processes=1,
        idle_rss_bytes=held_mb * 500_000,
        idle_held_bytes=held_mb * 500_000,
        loaded_rss_bytes=held_mb * 1_000_000,
        loaded_held_bytes=held_mb * 1_000_000,
        stop_s=stop_s,
    )
