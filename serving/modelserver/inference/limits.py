"""What requests may take."""

import sys
from dataclasses import dataclass

UNBOUNDED = sys.maxsize
"""A limit that nothing reaches."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What requests may take: how many at once, and in bytes.

    Of one request these are its body (as sent, and expanded), its rows, its input tensors and its
    outputs; of all that are admitted their bodies, and all that they make the process hold.
    """

    requests: int
    body_bytes: int
    total_bytes: int
    rows: int = UNBOUNDED
    tensor_bytes: int = UNBOUNDED
    output_bytes: int = UNBOUNDED
    total_cost_bytes: int = UNBOUNDED
