"""A short run of the fuzzer; ``drive.py`` does a long one."""

import asyncio
from itertools import islice
from pathlib import Path

from tests.serving.asking import GOOD
from tests.serving.fuzz import drive
from tests.serving.fuzz.mutations import requests
from tests.serving.memory import MIB, peak_bytes

COUNT = 3000


def test_no_request_harms_the_server(tmp_path: Path) -> None:
    """Thousands of nearly right requests get an answer each, none of them 5xx, in little memory."""
    with drive.fuzzed_server(tmp_path) as server:
        server.infer(GOOD)
        before = peak_bytes(server)
        verdict = asyncio.run(drive.run(server, count=COUNT, seed=2026))
        good = server.infer(GOOD)
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
