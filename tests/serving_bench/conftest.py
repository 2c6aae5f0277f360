"""Results with known figures."""

import pytest

from serving.bench.results import Results
from serving_bench.figures import cell, start


@pytest.fixture
def made() -> dict[str, object]:
    """What `machine.made` gives, with fixed values."""
    return {
        "date": "2030-01-02",
        "command": "python -m serving.bench",
        "commit": "abc",
        "cpu": "A Processor",
        "cores": 2,
        "memory_bytes": 8 << 30,
        "system": "An OS",
        "python": "3.11",
        "wrk": "wrk 4",
        "environments": {
            "modelserver": {"fastapi": "1", "uvicorn": "2", "onnxruntime": "3"},
            "mlserver": {"onnxruntime": "3"},
        },
    }


@pytest.fixture
def results(made: dict[str, object]) -> Results:
    """Two rounds of the tiny model: ours 10 and 12 times the naive one, 20 times MLServer."""
    return Results(
        made=made,
        cells=[
            cell("modelserver", 10_000, round=0),
            cell("modelserver", 12_000, round=1),
            cell("naive", 1000, round=0),
            cell("naive", 1000, round=1),
            cell("mlserver-batching", 500, round=0),
            cell("mlserver-batching", 600, round=1, refused=3),
        ],
        starts=[
            start("modelserver", answer_s=1, held_mb=90),
            start("mlserver", answer_s=4, held_mb=180, stop_s=None),
        ],
    )
