"""What the server is meant to reach beside its peers, on one core."""

from collections.abc import Callable
from dataclasses import dataclass

from serving.bench import bare, ratios
from serving.bench.contestants import NAIVE, OURS, PEERS
from serving.bench.ratios import Column, Rounds, Spread
from serving.bench.results import Results

LAYOUT = "one-core"
BEST = "the best peer"


@dataclass(frozen=True)
class Goal:
    """Ours divided by the contestant's: at least, or at most, `bound`."""

    says: str
    contestant: str
    bound: float
    at_least: bool
    values: Callable[[Results, str], Rounds]

    def ratio(self, results: Results) -> Spread | None:
        """What was reached; None when it was not measured."""
        others = [peer.name for peer in PEERS] if self.contestant == BEST else [self.contestant]
        other = ratios.best(self.values(results, name) for name in others)
        return ratios.paired(self.values(results, OURS.name), other)

    def holds(self, reached: Spread) -> bool:
        """Whether the median is on the right side."""
        if self.at_least:
            return reached.median >= self.bound
        return reached.median <= self.bound


def _per_s(model: str, encoding: str, concurrency: int) -> Callable[[Results, str], Rounds]:
    column = Column(model, encoding, concurrency)
    return lambda results, name: ratios.of_cells(
        results, LAYOUT, column, name, lambda cell: cell.per_s
    )


def _p50(model: str, concurrency: int) -> Callable[[Results, str], Rounds]:
    column = Column(model, "json", concurrency)
    return lambda results, name: ratios.of_cells(
        results, LAYOUT, column, name, lambda cell: cell.p50_ms
    )


def _answer_s(model: str) -> Callable[[Results, str], Rounds]:
    return lambda results, name: ratios.of_starts(
        results, LAYOUT, model, name, lambda start: start.answer_s
    )


def _memory(model: str) -> Callable[[Results, str], Rounds]:
    return lambda results, name: ratios.of_starts(
        results, LAYOUT, model, name, lambda start: start.loaded_held_bytes
    )


_TINY_32 = _per_s("tiny", "json", 32)
_TINY_SAYS = "tiny model, JSON, concurrency 32: answers a second"
_START_SAYS = "{} model: start to first answer"
_MEMORY_SAYS = "{} model: memory after load"
_P50_SAYS = "tiny model, JSON, concurrency 1: p50"

GOALS = (
    Goal(_TINY_SAYS, "mlserver-batching", 25, at_least=True, values=_TINY_32),
    Goal(_TINY_SAYS, "kserve", 17, at_least=True, values=_TINY_32),
    Goal(_TINY_SAYS, "pytriton", 7, at_least=True, values=_TINY_32),
    Goal(_TINY_SAYS, "mosec", 2.3, at_least=True, values=_TINY_32),
    Goal(_TINY_SAYS, NAIVE.name, 6, at_least=True, values=_TINY_32),
    Goal(_P50_SAYS, "mlserver", 0.12, at_least=False, values=_p50("tiny", 1)),
    Goal(_P50_SAYS, "mlserver-batching", 0.12, at_least=False, values=_p50("tiny", 1)),
    Goal(
        "conv net, binary, concurrency 8: answers a second",
        bare.NAME,
        0.97,
        at_least=True,
        values=_per_s("conv", "binary", 8),
    ),
    Goal(
        "conv net, JSON, concurrency 8: answers a second",
        BEST,
        1.3,
        at_least=True,
        values=_per_s("conv", "json", 8),
    ),
    Goal(_START_SAYS.format("tiny"), "mlserver", 0.45, at_least=False, values=_answer_s("tiny")),
    Goal(_START_SAYS.format("conv"), "mlserver", 0.45, at_least=False, values=_answer_s("conv")),
    Goal(_MEMORY_SAYS.format("tiny"), "mlserver", 0.55, at_least=False, values=_memory("tiny")),
    Goal(_MEMORY_SAYS.format("conv"), "mlserver", 0.55, at_least=False, values=_memory("conv")),
)
