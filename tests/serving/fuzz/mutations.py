"""Requests that are nearly right: seeded mutations of valid ones, as bytes for a connection.

`requests` gives what a client could send to ``/v2/models/sample/infer``; each fits the framing of
HTTP, so that a connection serves many of them, except what `broken_framing` gives.
"""

import gzip
import json
import random
import struct
from collections.abc import Callable, Iterator
from copy import deepcopy
from functools import cache
from typing import Any

DATATYPES = ("BOOL", "INT8", "UINT8", "INT64", "UINT64", "FP16", "FP32", "FP64", "BYTES", "FP", "")
ODD_NUMBERS = (0, -0.0, -1, 1e308, 1e-320, 2**31, 2**53 + 1, 2**63, 2**64, 10**400, 0.1, 3)
ODD_VALUES = (None, True, "", "é\u2028", "x" * 300, [], {}, [[]], [None], {"a": {"b": []}})
ODD_TEXTS = (
    b"NaN",
    b"-Infinity",
    b"1e999",
    b"01",
    b"1.",
    b"\\ud800",
    b"/*",
    b"\x00",
    b"\xff",
    b",",
    b"9" * 500,
    b"1" * 70_000,
    b"1e" + b"9" * 400,
    b"-" + b"0." + b"3" * 5000,
)
LONG_ROWS = 4000
"""Of a request that is read and answered in pieces."""

LONG_SHARE, BOMB_SHARE = 0.01, 0.1
HEADERS = (
    "content-type: text/html",
    "content-type: application/json; charset=latin-1",
    "content-encoding: gzip",
    "content-encoding: deflate",
    "content-encoding: zstd",
    "content-encoding: br",
    "inference-header-content-length: 0",
    "inference-header-content-length: 10",
    "inference-header-content-length: 99999999999999999999",
    "inference-header-content-length: -1",
    "x-request-timeout-ms: 0",
    "x-request-timeout-ms: 1",
    "x-envoy-expected-rq-timeout-ms: never",
    "x-request-id: " + "i" * 500,
    "x-request-id: \xe9",
    "x-model-role: canary",
    "traceparent: 00-0-0-0",
    "expect: 100-continue",
    "transfer-coding: chunked",
    "host: x-shadow",
    "a: " + "b" * 3000,
)
PATHS = ("infer", "versions/r1/infer", "versions/r9/infer", "infer?x=%00", "infer/", "%69nfer", "")
METHODS = ("POST", "POST", "POST", "POST", "POST", "POST", "POST", "POST", "PUT", "GET", "DELETE")


def tensor(chance: random.Random, name: str, rows: int, width: int) -> dict[str, Any]:
    """One input of so many rows, flat or nested."""
    data: list[Any] = [round(chance.uniform(-9, 9), 3) for _ in range(rows * width)]
    if chance.random() < 0.3 and rows:
        data = [data[row * width : row * width + width] for row in range(rows)]
    return {"name": name, "shape": [rows, width], "datatype": "FP32", "data": data}


def valid(chance: random.Random) -> dict[str, Any]:
    """A request that the sample model answers; its inputs need not have as many rows."""
    rows = chance.choice((0, 1, 1, 2, 3, 3) + (LONG_ROWS,) * (chance.random() < LONG_SHARE))
    others = chance.choice((rows % 10, rows % 10, 0, 1, 4))
    inputs = [tensor(chance, "x", rows, 4), tensor(chance, "u", others, 2)]
    return {"id": str(rows), "inputs": inputs, "outputs": [{"name": "y"}]}


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:  # noqa: ANN401
    """Path of every value inside a JSON value."""
    steps = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, list)
        else ()
    )
    for step, inner in steps:
        yield (*path, step)
        yield from places(inner, (*path, step))


def nested(value: Any, depth: int) -> Any:  # noqa: ANN401
    """A value in so many lists."""
    for _ in range(depth):
        value = [value]
    return value


def change(chance: random.Random, request: dict[str, Any]) -> None:
    """Change one value, wherever it lies."""
    *outer, last = chance.choice(list(places(request)))
    parent: Any = request
    for step in outer:
        parent = parent[step]
    kind = chance.randrange(7)
    if kind == 6:
        parent[last] = nested(parent[last], chance.choice((1, 2, 5, 70, 150)))
    elif kind == 0:
        del parent[last]
    elif kind == 1:
        parent[last] = deepcopy(chance.choice(ODD_VALUES))
    elif kind == 2:
        parent[last] = chance.choice(ODD_NUMBERS)
    elif kind == 3:
        parent[last] = [deepcopy(parent[last]) for _ in range(chance.randint(0, 3))]
    elif kind == 4 and isinstance(parent, dict):
        parent[chance.choice(["name", "data", "shape", "parameters", "x", "inputs"])] = deepcopy(
            parent[last]
        )
    else:
        parent[last] = chance.choice(DATATYPES)


def spoil(chance: random.Random, body: bytes) -> bytes:
    """Change some bytes."""
    at = chance.randint(0, len(body))
    kind = chance.randrange(5)
    if kind == 0:
        return body[:at]
    if kind == 1:
        return body[:at] + chance.choice(ODD_TEXTS) + body[at:]
    if kind == 2:
        return body[:at] + chance.randbytes(chance.randint(1, 9)) + body[at + 2 :]
    if kind == 3:
        return body[:at] + chance.choice((b"[", b'{"a":', b"-", b'"')) * chance.choice((2, 9999))
    return body + body[at:]


def as_json(chance: random.Random) -> tuple[bytes, list[str]]:
    """A JSON body, mutated more or less, and no headers."""
    request = valid(chance)
    for _ in range(chance.choice((0, 1, 1, 1, 2, 4))):
        if request:
            change(chance, request)
    body = json.dumps(request, ensure_ascii=chance.random() < 0.5).encode("utf-8", "surrogatepass")
    return (spoil(chance, body) if chance.random() < 0.3 else body), []


def as_binary(chance: random.Random) -> tuple[bytes, list[str]]:
    """A body with a binary tensor, whose sizes may lie."""
    request = valid(chance)
    sent = request["inputs"][0]
    count = sent["shape"][0] * 4
    content = struct.pack(f"<{count}f", *(chance.uniform(-9, 9) for _ in range(count)))
    if chance.random() < 0.2:
        content = struct.pack("<f", chance.choice((float("nan"), float("inf"), 0.0))) * count
    del sent["data"]
    sent["parameters"] = {"binary_data_size": len(content)}
    request["parameters"] = {"binary_data_output": chance.random() < 0.5}
    for _ in range(chance.choice((0, 0, 1, 2))):
        change(chance, request)
    head = json.dumps(request).encode()
    size = len(head) + chance.choice((0, 0, 0, 0, 1, -1, 7, 1000))
    body = head + content
    return (
        spoil(chance, body) if chance.random() < 0.2 else body,
        [f"inference-header-content-length: {size}"],
    )


def as_compressed(chance: random.Random) -> tuple[bytes, list[str]]:
    """A gzip body, sometimes damaged, sometimes large once it is expanded."""
    body, lines = chance.choice((as_json, as_binary))(chance)
    packed = gzip.compress(body, compresslevel=1, mtime=0)
    if chance.random() < BOMB_SHARE:
        packed = bomb(chance.choice((b" ", b"0,", b"[", b'"",', b'{"data":')))
    packed = spoil(chance, packed) if chance.random() < 0.3 else packed
    return packed, [*lines, "content-encoding: gzip"]


@cache
def bomb(part: bytes) -> bytes:
    """A small body that becomes a large one, of one part again and again in a tensor's data."""
    head = b'{"inputs": [{"name": "x", "shape": [500000, 4], "datatype": "FP32", "data": ['
    return gzip.compress(head + part * (6_000_000 // len(part)), mtime=0)


def as_noise(chance: random.Random) -> tuple[bytes, list[str]]:
    """Anything."""
    return chance.randbytes(chance.randint(0, 400)), []


BODIES: tuple[Callable[[random.Random], tuple[bytes, list[str]]], ...] = (
    *(as_json,) * 6,
    *(as_binary,) * 4,
    as_compressed,
    as_noise,
)


def requests(seed: int) -> Iterator[bytes]:
    """Without end; the same ones for the same seed."""
    chance = random.Random(seed)  # noqa: S311 - to be repeatable, not secret
    while True:
        body, lines = chance.choice(BODIES)(chance)
        if chance.random() < 0.2:
            lines = [*lines, chance.choice(HEADERS)]
        if chance.random() < 0.1:
            lines = [*lines, "transfer-encoding: chunked"]
            cut = chance.randint(0, len(body))
            parts = [part for part in (body[:cut], body[cut:]) if part]
            body = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"
        else:
            lines = [*lines, f"content-length: {len(body)}"]
        usual = chance.random() < 0.9
        method = "POST" if usual else chance.choice(METHODS)
        path = "infer" if usual else chance.choice(PATHS)
        head = "\r\n".join((f"{method} /v2/models/sample/{path} HTTP/1.1", "host: x", *lines))
        yield head.encode("latin-1") + b"\r\n\r\n" + body


def broken_framing(seed: int) -> Iterator[bytes]:
    """Bytes that need not be HTTP at all: each is for a connection of its own."""
    chance = random.Random(seed)  # noqa: S311 - to be repeatable, not secret
    whole = requests(seed)
    smuggled = b"0\r\n\r\nGET /v2 HTTP/1.1\r\nhost: x\r\n\r\n"
    while True:
        message = next(whole)
        head, _, body = message.partition(b"\r\n\r\n")
        kind = chance.randrange(6)
        if kind == 0:
            message = head + b"\r\ntransfer-encoding: chunked\r\n\r\n" + smuggled
        elif kind == 1:
            message = head + b"\r\ncontent-length: 3\r\n\r\n" + body
        elif kind == 2:
            size = chance.choice((b"-1", b"0x5", b"fffffffffffffffff", b"5;" + b"e" * 99, b""))
            message = (
                b"POST /v2/models/sample/infer HTTP/1.1\r\nhost: x\r\n"
                b"transfer-encoding: chunked\r\n\r\n%b\r\nhello\r\n0\r\n\r\n" % size
            )
        elif kind == 3:
            message = spoil(chance, head) + b"\r\n\r\n" + body
        elif kind == 4:
            message = head + b"\r\n" + b"a: b\r\n" * chance.choice((10, 5000)) + b"\r\n" + body
        else:
            message = message[: chance.randint(0, len(message))]
        yield message
