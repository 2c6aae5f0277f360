"""Nearly right calls, over real connections."""

import random
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tests.serving import onnx_models
from tests.serving.asking import GOOD, ROW
from tests.serving.codec.protobuf.asked import message
from tests.serving.conftest import write_release
from tests.serving.grpc.calling import SERVICE, call, framed, status
from tests.serving.memory import MIB, peak_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.serving.conftest import Start

COUNT = 1500
ALLOWED = {0, 3, 5, 8, 12}
"""OK, INVALID_ARGUMENT, NOT_FOUND, RESOURCE_EXHAUSTED, UNIMPLEMENTED: no fault of the server."""


def mutated(number: int) -> "Iterator[tuple[str, bytes]]":
    """Methods and bodies, the same ones every time."""
    chance = random.Random(2026)  # noqa: S311 - no secret
    row = np.array([ROW], np.float32)
    rows = np.zeros((8000, 4), np.float32)
    seeds = [
        framed(message({"x": ("FP32", array)}, typed=typed, id="7"))
        for array in (row, rows)
        for typed in (False, True)
    ]
    for _ in range(number):
        body = bytearray(chance.choice(seeds))
        for _ in range(chance.choice((0, 1, 1, 2, 8))):
            head = chance.random() < 0.9  # where the fields are, and not the numbers
            place = chance.randrange(min(len(body), 60) if head else len(body))
            match chance.randrange(4):
                case 0:
                    body[place] = chance.randrange(256)
                case 1:
                    del body[place : place + chance.randrange(9)]
                case 2:
                    body[place:place] = chance.randbytes(chance.randrange(9))
                case _:
                    body[place : place + 9] = bytes((0xFF,)) * 9
            body = body or bytearray(5)
        if chance.random() < 0.5 and len(body) > 5:
            body = bytearray(framed(bytes(body[5:])))  # right again, around a wrong message
        method = "ServerLive" if chance.random() < 0.05 else "ModelInfer"
        yield f"{SERVICE}/{method}", bytes(body)


def test_no_call_harms_the_server(tmp_path: Path, start: "Start") -> None:
    """Each of many nearly right calls gets an answer, none of them a fault, in little memory."""
    server = start(write_release(tmp_path, onnx_models.affine(), BATCHING_MAX_SIZE=8))
    server.until("ready")
    call(server, framed(message({"x": ("FP32", np.zeros((8000, 4), np.float32))}, typed=True)))
    before = peak_bytes(server)

    codes = [status(call(server, body, method))[0] for method, body in mutated(COUNT)]

    assert set(codes) <= ALLOWED
    assert codes.count(0) > COUNT // 20
    assert codes.count(3) > COUNT // 4
    assert 200 == server.infer(GOOD).status_code
    assert [] == [event for event in server.events() if event["level"] == "error"]
    assert peak_bytes(server) - before < 32 * MIB
    assert 0 == server.stop()
