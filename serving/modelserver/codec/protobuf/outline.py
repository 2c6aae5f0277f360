"""Long messages, read without a copy of their tensors and without an object of every number.

protobuf makes of a message of 64 MB one of its own, and of each tensor in it another copy; of many
short fields it makes forty times their bytes. Here the contents of the tensors are cut out and stay
where they are; the rest, the outline of the request, is short or is refused.
"""

from typing import Any, NamedTuple

from google.protobuf.message import DecodeError

from modelserver.codec.protobuf import messages
from modelserver.codec.protobuf.fields import BYTES, fields, head, malformed
from modelserver.errors import InvalidRequest

LONG_BYTES = 64 << 10
"""A message up to this length is read at once; of a longer one the outline may not be longer."""

MAX_FIELDS = 4096
"""A long message has no more of them, those of its inputs counted and those in contents not."""

_INPUTS, _RAW_INPUT_CONTENTS = 5, 7  # fields of ModelInferRequest
_CONTENTS = 5  # a field of InferInputTensor


class Request(NamedTuple):
    """A ModelInferRequest, and by input the serialized contents that were cut out of it."""

    message: Any
    raw: list[bytes] | list[memoryview]
    cut: list[list[memoryview]] | None


def read(content: bytes | memoryview) -> Request:
    """The request in a message.

    Raises:
        InvalidRequest: It is no ModelInferRequest.
    """
    if len(content) <= LONG_BYTES:
        message = _parse(content)
        return Request(message, message.raw_input_contents, None)
    return read_long(content)


def read_long(content: bytes | memoryview) -> Request:
    """The same, without a copy of what its tensors contain.

    Raises:
        InvalidRequest: As `read`, and where much else is in the message.
    """
    cutter = _Cutter()
    kept = cutter.outline(memoryview(content))
    return Request(_parse(b"".join(kept)), cutter.raw, cutter.contents)


class _Cutter:
    """Takes the contents of tensors out of a request; what is left has bounds."""

    def __init__(self) -> None:
        self.raw: list[memoryview] = []
        self.contents: list[list[memoryview]] = []
        self._fields = 0
        self._kept_bytes = 0

    def outline(self, request: memoryview) -> list[bytes | memoryview]:
        """The parts of the request that are left."""
        kept: list[bytes | memoryview] = []
        for field in fields(request):
            if field.wire_type == BYTES and field.number == _RAW_INPUT_CONTENTS:
                self.raw.append(field.value)
                self._count(0)
            elif field.wire_type == BYTES and field.number == _INPUTS:
                kept += self._without_contents(field.value)
            else:
                kept.append(field.whole)
                self._count(len(field.whole))
        return kept

    def _without_contents(self, tensor: memoryview) -> list[bytes | memoryview]:
        """An input as a field of the request again, without its contents."""
        contents: list[memoryview] = []
        kept: list[bytes | memoryview] = []
        self._count(0)
        for field in fields(tensor):
            if field.wire_type == BYTES and field.number == _CONTENTS:
                contents.append(field.value)
                self._count(0)
            else:
                kept.append(field.whole)
                self._count(len(field.whole))
        self.contents.append(contents)
        return [head(_INPUTS, sum(map(len, kept))), *kept]

    def _count(self, kept_bytes: int) -> None:
        self._fields += 1
        self._kept_bytes += kept_bytes
        if self._fields > MAX_FIELDS:
            raise _too_much(f"{MAX_FIELDS} fields")
        if self._kept_bytes > LONG_BYTES:
            raise _too_much(f"{LONG_BYTES} bytes")


def _too_much(most: str) -> InvalidRequest:
    return InvalidRequest(
        "message", f"found more than {most} beside the contents of tensors, expected at most these"
    )


def _parse(content: bytes | memoryview) -> Any:  # noqa: ANN401 - protobuf makes classes at run time
    try:
        return messages.ModelInferRequest.FromString(content)
    except DecodeError as error:
        raise malformed("other bytes") from error
