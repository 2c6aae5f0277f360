"""A run of the fuzzer: a short one, or a long one in little memory where the environment says so.

``FUZZ_REQUESTS=200000 python -m pytest tests/serving/fuzz --timeout 7200``
"""

import asyncio
import os
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest

from tests.serving import control_group
from tests.serving.asking import GOOD
from tests.serving.fuzz import drive
from tests.serving.fuzz.mutations import requests
from tests.serving.memory import MIB, peak_bytes

COUNT = int(os.environ.get("FUZZ_REQUESTS", "3000"))
IS_LONG = COUNT > 3000
MEMORY_BYTES = 512 * MIB
GOOD_PAIR = {
    "inputs": [
        *GOOD["inputs"],
        {"name": "u", "shape": [1, 2], "datatype": "FP32", "data": [1, 2]},
    ]
}


@pytest.fixture
def pod() -> Iterator[str]:
    """What a server runs to be in a control group of little memory, in a long run."""
    if not IS_LONG:
        yield ""
        return
    with control_group.of(MEMORY_BYTES) as group:
        yield group.joining
        assert group.killed() == 0


def test_no_request_harms_the_server(tmp_path: Path, pod: str) -> None:
    """Thousands of nearly right requests get an answer each, none of them 5xx, in little memory."""
    with drive.fuzzed_server(tmp_path, pod) as server:
        server.infer(GOOD_PAIR)
        before = peak_bytes(server)
        verdict = asyncio.run(drive.run(server, count=COUNT, seed=2026))
        good = server.infer(GOOD_PAIR)
        server.until_metric("modelserver_requests_receiving", 0)
        held = [server.metric(f"modelserver_request{kind}_in_flight") for kind in ("s", "_bytes")]
        grown = peak_bytes(server) - before
        code = server.stop()

    assert verdict.faults == []
    assert verdict.statuses.total() >= COUNT
    assert verdict.statuses[200] > COUNT // 20
    assert verdict.statuses[400] > COUNT // 4
    assert not any(300 <= status < 400 for status in verdict.statuses)
    assert [event for event in server.events() if event["level"] == "error"] == []
    assert (good.status_code, held, code) == (200, [0, 0], 0)
    assert grown < 32 * MIB


def test_a_seed_repeats_its_requests() -> None:
    """A fault that was found can be found again."""
    first, second = (list(islice(requests(7), 50)) for _ in range(2))

    assert first == second
