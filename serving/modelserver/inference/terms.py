"""What a client says of its request, in whatever way its transport says it."""

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

from modelserver.codec.buffer import Claim, unclaimed
from modelserver.codec.calls import Answer, Call, Codec
from modelserver.tensor.datatypes import Array

Expand = Callable[[memoryview, int, Claim], memoryview]
"""From a compressed body, the most bytes it may become, and who is asked for them, to the body."""


class Form(Protocol):
    """Another form of requests and answers than JSON and binary tensors."""

    def decode(self, codec: Codec, body: bytes | memoryview, claim: Claim = unclaimed) -> Call:
        """The checked call in a body.

        Raises:
            RequestError: Something is wrong with it, or there is no room for it.
        """

    def encode(self, codec: Codec, call: Call, arrays: Sequence[Array]) -> Answer:
        """The answer to a call."""


class Terms(NamedTuple):
    """What a client says of its body, and of the time there is for the answer.

    `expand` undoes the compression of the body (None: it has none), `json_bytes` of it are JSON
    (None: all), and within `timeout_s` seconds the request must have begun to run (None: no bound).
    Body and answer have another `form` than JSON where one is given.
    """

    expand: Expand | None = None
    json_bytes: int | None = None
    timeout_s: float | None = None
    form: Form | None = None
