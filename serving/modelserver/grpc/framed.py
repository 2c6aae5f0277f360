"""Framed messages as a form of requests and answers; importing this imports protobuf."""

from collections.abc import Sequence

from modelserver.codec.answers import PART_BYTES, cut
from modelserver.codec.buffer import Claim, unclaimed
from modelserver.codec.calls import Answer, Call, Codec, has_nonfinite
from modelserver.codec.protobuf import calls
from modelserver.grpc import frames
from modelserver.tensor.datatypes import Array


class Framed:
    """Reads and writes framed messages for a codec."""

    def decode(self, codec: Codec, body: bytes | memoryview, claim: Claim = unclaimed) -> Call:
        """The checked call in a framed ModelInferRequest."""
        return calls.decode(codec, frames.message(body), claim)

    def encode(self, codec: Codec, call: Call, arrays: Sequence[Array]) -> Answer:
        """The framed ModelInferResponse; a large one goes on in parts."""
        parts = calls.encode(codec, call, arrays)
        size = sum(map(len, parts))
        nonfinite = has_nonfinite(arrays)
        head = frames.head(size)
        if size <= PART_BYTES:
            return Answer(b"".join((head, *parts)), nonfinite=nonfinite)
        more = [piece for part in parts[2:] for piece in cut(memoryview(part))]
        return Answer(b"".join((head, *parts[:2])), nonfinite=nonfinite, more=more)


FRAMED = Framed()
