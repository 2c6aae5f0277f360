"""Large answers, written piece by piece: of no number is there an object for longer."""

from collections.abc import Iterator, Sequence

import numpy as np
from msgspec import UNSET

from modelserver.codec import binary, protocol
from modelserver.tensor.datatypes import Array, Datatype
from modelserver.tensor.values import to_values

_PIECE_ELEMENTS = 4096
PART_BYTES = 256 << 10
"""Of so many bytes an answer is sent at once."""


class Parts:
    """Bytes that are gathered to parts of a size that is well sent."""

    def __init__(self) -> None:
        self.size = 0
        self._parts: list[bytes] = []
        self._last: list[bytes] = []
        self._last_bytes = 0

    def add(self, piece: bytes) -> None:
        """Add a piece."""
        self.size += len(piece)
        self._last.append(piece)
        self._last_bytes += len(piece)
        if self._last_bytes >= PART_BYTES:
            self._close()

    def all(self) -> list[bytes]:
        """Everything that was added."""
        self._close()
        return self._parts

    def _close(self) -> None:
        self._parts.append(b"".join(self._last))
        self._last, self._last_bytes = [], 0


def add_values(parts: Parts, name: str, datatype: Datatype, array: Array) -> None:
    """Add an output whose elements stand in the JSON."""
    output = protocol.ResponseOutput(name, datatype.name, array.shape)
    parts.add(protocol.encode(output)[:-1] + b',"data":[')
    flat = array.reshape(-1)
    for start in range(0, len(flat), _PIECE_ELEMENTS):
        values = to_values(datatype, flat[start : start + _PIECE_ELEMENTS])
        parts.add(b"," * (start > 0) + protocol.encode(values)[1:-1])
    parts.add(b"]}")


def add_binary(
    parts: Parts, name: str, datatype: Datatype, array: Array
) -> Sequence[bytes | memoryview]:
    """Add an output that follows the JSON, and give its bytes."""
    content = memoryview(binary.to_bytes(datatype, np.ascontiguousarray(array)))
    size: protocol.Parameters = {"binary_data_size": len(content)}
    parts.add(
        protocol.encode(protocol.ResponseOutput(name, datatype.name, array.shape, UNSET, size))
    )
    return list(cut(content))


def cut(content: memoryview) -> Iterator[memoryview]:
    """Bytes in parts of a size that is well sent."""
    return (content[start : start + PART_BYTES] for start in range(0, len(content), PART_BYTES))
