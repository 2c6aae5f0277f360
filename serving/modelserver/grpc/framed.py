"""Framed messages as a form of requests and answers; importing this imports protobuf."""

from collections.abc import Sequence

from modelserver.codec.calls import Answer, Call, Codec, has_nonfinite
from modelserver.codec.protobuf import calls
from modelserver.grpc import frames
from modelserver.tensor.datatypes import Array


class Framed:
    """Reads and writes framed messages for a codec."""

    def decode(self, codec: Codec, body: bytes) -> Call:
        """The checked call in a framed ModelInferRequest."""
        return calls.decode(codec, frames.message(body))

    def encode(self, codec: Codec, call: Call, arrays: Sequence[Array]) -> Answer:
        """The framed ModelInferResponse."""
        parts = calls.encode(codec, call, arrays)
        head = frames.head(sum(map(len, parts)))
        return Answer(b"".join((head, *parts)), nonfinite=has_nonfinite(arrays))


FRAMED = Framed()
