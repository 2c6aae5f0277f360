"""The arithmetic of what a call costs."""

from pathlib import Path
from typing import cast

import numpy as np
import pytest

from modelserver.codec.protobuf import messages
from serving.bench import bridge
from serving.bench.experiments import grpc_calls
from serving.bench.experiments.grpc_calls import Way
from serving.bench.models import MODELS
from serving.bench.processes import Tree


class Spending:
    """A tree that has used more CPU each time it is asked."""

    def __init__(self, each_s: float) -> None:
        self._each_s = each_s
        self._spent_s = 0.0

    def own_cpu_s(self) -> float:
        """CPU seconds so far."""
        self._spent_s += self._each_s
        return self._spent_s


def test_cpu_of_each_process_is_shared_by_the_calls() -> None:
    """The dearest process bounds how many calls a core can answer."""
    trees = {"server": cast("Tree", Spending(0.2)), "envoy": cast("Tree", Spending(0.5))}
    loads: list[tuple[int, float]] = []

    def load(concurrency: int, seconds: float) -> int:
        loads.append((concurrency, seconds))
        return 10_000

    row = grpc_calls._row(Way("a way", load, trees), 32, 2)

    assert ["a way, 32 at once", "5 000", "20.0", "50.0", "20 000"] == row
    assert [(32, grpc_calls.WARM_UP_S), (32, 2)] == loads


def test_message_asks_the_model() -> None:
    """One row of its input."""
    model = MODELS[0]

    request = messages.ModelInferRequest.FromString(grpc_calls._message(model))

    assert model.name == request.model_name
    assert model.sample(1).tobytes() == request.raw_input_contents[0]
    assert (1, *model.input_shape) == tuple(request.inputs[0].shape)


def test_envoy_finds_its_files(tmp_path: Path) -> None:
    """The command names a configuration that lies beside what it refers to."""
    rules = {"m": (bridge.rule("m"),)}

    command = bridge.command(tmp_path, port=1, server_port=2, published=rules)

    assert str(tmp_path / "bootstrap.json") in command
    assert {"bootstrap.json", "clusters.json", "listeners.json", "routes.json"} == {
        each.name for each in tmp_path.iterdir()
    }


@pytest.mark.parametrize("seconds", [1, 4])
def test_rate_counts_the_time_that_was_asked_for(seconds: float) -> None:
    """Calls a second, whatever a load takes beside."""
    trees = {"server": cast("Tree", Spending(1))}

    row = grpc_calls._row(Way("a way", lambda *_: 400, trees), 1, seconds)

    assert np.isclose(400 / seconds, float(row[1]))
    assert "-" == row[3]
