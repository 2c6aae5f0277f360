"""What a client says of its request, in whatever way its transport says it."""

from collections.abc import Callable
from typing import NamedTuple

from modelserver.codec.buffer import Claim

Expand = Callable[[memoryview, int, Claim], memoryview]
"""From a compressed body, the most bytes it may become, and who is asked for them, to the body."""


class Terms(NamedTuple):
    """What a client says of its body, and of the time there is for the answer.

    `expand` undoes the compression of the body (None: it has none), `json_bytes` of it are JSON
    (None: all), and within `timeout_s` seconds the request must have begun to run (None: no bound).
    """

    expand: Expand | None = None
    json_bytes: int | None = None
    timeout_s: float | None = None
