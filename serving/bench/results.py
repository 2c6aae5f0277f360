"""What was measured, cell by cell, as values and as a JSON file."""

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

FORMAT = 1


@dataclass(frozen=True, order=True)
class Where:
    """Which server, with which model, in which round."""

    round: int
    layout: str
    model: str
    contestant: str


@dataclass(frozen=True)
class Cell:
    """One run of the load client. `refused` answers had a status above 399, `lost` never came."""

    where: Where
    encoding: str
    concurrency: int
    requests: int
    seconds: float
    p50_ms: float
    p99_ms: float
    refused: int
    lost: int
    cpu_s: float | None = None

    @property
    def per_s(self) -> float:
        """Good answers a second."""
        return (self.requests - self.refused) / self.seconds


@dataclass(frozen=True)
class Start:
    """One life of a server: ready by its own word, first right answer, memory, end.

    `idle` is after the checks, `loaded` after the last cell, `held` as in `processes.Usage`.
    `stop_s` is None if it had to be killed.
    """

    where: Where
    ready_s: float
    answer_s: float
    processes: int
    idle_rss_bytes: int
    idle_held_bytes: int
    loaded_rss_bytes: int
    loaded_held_bytes: int
    stop_s: float | None


@dataclass(frozen=True)
class Failure:
    """Why something has no figures."""

    where: Where
    reason: str


@dataclass(frozen=True)
class Trial:
    """The figures of one experiment with one contestant; each name ends in its unit."""

    experiment: str
    contestant: str
    figures: Mapping[str, float]


@dataclass
class Results:
    """Everything one call measured; `made` says on what, with what and when."""

    made: dict[str, Any]
    cells: list[Cell] = field(default_factory=list)
    starts: list[Start] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    trials: list[Trial] = field(default_factory=list)

    def write(self, path: Path) -> None:
        """The whole as JSON."""
        path.parent.mkdir(parents=True, exist_ok=True)
        document = {"format": FORMAT, **dataclasses.asdict(self)}
        path.write_text(json.dumps(document, indent=1) + "\n")


def read(path: Path) -> Results:
    """Results as `Results.write` wrote them. Raises ValueError on another format."""
    document = json.loads(path.read_text())
    if document["format"] != FORMAT:
        raise ValueError(f"{path}: found format {document['format']}, expected {FORMAT}")
    return Results(
        made=document["made"],
        cells=[Cell(**_placed(each)) for each in document["cells"]],
        starts=[Start(**_placed(each)) for each in document["starts"]],
        failures=[Failure(**_placed(each)) for each in document["failures"]],
        trials=[Trial(**each) for each in document["trials"]],
    )


def _placed(document: dict[str, Any]) -> dict[str, Any]:
    return document | {"where": Where(**document["where"])}
