"""Bodies that are large, or become large, some of them valid; for images of 64 numbers a row."""

import gzip
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np

from tests.serving.memory import MIB

WIDTH = 64
JSON = MappingProxyType({"content-type": "application/json"})
_HEAD = b'{"inputs":[{"name":"image","datatype":"FP32","shape":[%d,1,8,8],"data":['
_GZIP = MappingProxyType({**JSON, "content-encoding": "gzip"})


@dataclass(frozen=True)
class Hostile:
    """A body, made when it is needed, and the answers that are right for it.

    It is sent `times` times at once.
    """

    name: str
    make: Callable[[], tuple[bytes, Mapping[str, str]]]
    statuses: frozenset[int]
    times: int = field(default=1)


def binary(rows: int) -> tuple[bytes, Mapping[str, str]]:
    """So many rows as raw bytes, which are wanted back as such."""
    size = 4 * WIDTH * rows
    tensor = {
        "name": "image",
        "datatype": "FP32",
        "shape": [rows, 1, 8, 8],
        "parameters": {"binary_data_size": size},
    }
    head = json.dumps({"inputs": [tensor], "parameters": {"binary_data_output": True}}).encode()
    headers = {
        "content-type": "application/octet-stream",
        "inference-header-content-length": str(len(head)),
    }
    return head + np.ones(WIDTH * rows, np.float32).tobytes(), headers


def text(rows: int, number: bytes = b"0.5", *, last: bytes = b"", shift: int = 0) -> bytes:
    """So many rows as JSON, of one number; with another last one, or a shape that is wrong."""
    elements = rows * WIDTH
    parts = [
        b'{"inputs":[{"name":"image","datatype":"FP32","shape":[%d,1,8,8],"data":['
        % (rows + shift),
        (number + b",") * (elements - 1),
        last or number,
        b"]}]}",
    ]
    return b"".join(parts)


def nested(rows: int) -> bytes:
    """So many rows as JSON, nested like their shape."""
    line = b"[" + b",".join([b"0.5"] * 8) + b"]"
    row = b"[[" + b",".join([line] * 8) + b"]]"
    return _HEAD % rows + b",".join([row] * rows) + b"]}]}"


def many_inputs(size: int) -> bytes:
    """As many inputs as a body of that size has room for."""
    one = b'{"name":"image","datatype":"FP32","shape":[1],"data":[]}'
    return b'{"inputs":[' + b",".join([one] * (size // (len(one) + 1))) + b"]}"


def rows_of(size: int, number: bytes = b"0.5") -> int:
    """How many rows a body of JSON of that size has."""
    return size // (WIDTH * (len(number) + 1))


def table() -> tuple[Hostile, ...]:
    """All of them: what is refused for its size, what is wrong, what is answered."""
    refused, wrong = frozenset({413, 503}), frozenset({400, 413, 503})
    answered = frozenset({200, 503})
    sizes = [(f"{mib} MiB", rows_of(mib * MIB)) for mib in (16, 39, 63)]
    return (
        *(
            Hostile(f"{rows} rows", lambda rows=rows: binary(rows), frozenset({413}))  # type: ignore[misc]
            for rows in (80_000, 160_000)
        ),
        Hostile("2,000 rows", lambda: binary(2000), frozenset({200})),
        *(
            Hostile(f"{name}, {trait}", lambda make=make, rows=rows: (make(rows), JSON), wrong)  # type: ignore[misc]
            for name, rows in sizes
            for trait, make in TRAITS.items()
        ),
        Hostile("60,000 rows of 0", lambda: (text(60_000, b"0"), JSON), refused),
        Hostile(
            "gzip", lambda: (gzip.compress(text(rows_of(58 * MIB, b"0"), b"0")), _GZIP), refused
        ),
        Hostile("many inputs", lambda: (many_inputs(39 * MIB), JSON), wrong),
        Hostile("more inputs", lambda: (many_inputs(55 * MIB), JSON), wrong),
        Hostile("medium at once", lambda: binary(4000), answered, times=24),
        Hostile("medium text at once", lambda: (text(4000), JSON), answered, times=24),
        Hostile("large at once", lambda: (text(rows_of(30 * MIB)), JSON), refused, times=8),
    )


TRAITS: Mapping[str, Callable[[int], bytes]] = MappingProxyType(
    {
        "valid": text,
        "last too large": lambda rows: text(rows, last=b"1e39"),
        "shape off by one": lambda rows: text(rows, shift=1),
        "nested": nested,
    }
)
"""What a large body of JSON may have."""
