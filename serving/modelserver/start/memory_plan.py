"""How the memory of this process is divided, before a model is loaded. Pure.

Of what the process may have, a part is never planned with: page tables, buffers of sockets and
pages of files count as well. The rest, beyond what the process holds already, is shared by ONNX
Runtime's arena (weights, and the tensors of one run) and by requests (bodies, tensors, answers).
Neither can take from the other, so that a run which needs too much fails by itself.
"""

from dataclasses import dataclass

USED_SHARE = 0.8
"""Of the memory that the process may have, this part is planned with."""

LATER_BYTES = 24 << 20
"""Kept for what is imported once somebody asks for more than inference and health.

Measured: FastAPI and what it brings take 20 MB, 16 of them for good, and map 24. They are no place
to be short of memory: pydantic, which is written in Rust, would end the process.
"""

# Where so little is left that this is less, a part of what is not held for good is used instead:
# pages of files, which the kernel takes back when it needs them, are most of a small server.
_LEAST_SHARE = 0.25

# Bytes that weights take for each byte of the artifact, unless they are computed from fewer.
_WEIGHTS_PER_ARTIFACT = 1.1

_LEAST_REQUESTS_BYTES = 4 << 20  # a server that takes no request is none
_LEAST_RUNS_BYTES = 8 << 20  # beside the weights: where these fit at all, one row shall run


@dataclass(frozen=True, slots=True)
class MemoryPlan:
    """Bytes: that the process may have, for the arena, and for all requests together."""

    limit_bytes: int
    arena_bytes: int
    requests_bytes: int

    def with_more_weights(self) -> "MemoryPlan":
        """The plan for a model whose weights take more than its artifact tells."""
        moved = self.requests_bytes - _LEAST_REQUESTS_BYTES
        return MemoryPlan(self.limit_bytes, self.arena_bytes + moved, _LEAST_REQUESTS_BYTES)


def divide(
    limit_bytes: int, *, resident_bytes: int, anonymous_bytes: int, artifact_bytes: int
) -> MemoryPlan:
    """The plan for a process that may have `limit_bytes`.

    `resident_bytes` are in use already, `anonymous_bytes` of them for good.
    """
    planned = int(limit_bytes * USED_SHARE) - resident_bytes - LATER_BYTES
    least = int((limit_bytes - anonymous_bytes - LATER_BYTES) * _LEAST_SHARE)
    room = max(planned, least, 2 * _LEAST_REQUESTS_BYTES)
    weights = int(artifact_bytes * _WEIGHTS_PER_ARTIFACT)
    requests = max((room - weights) // 2, _LEAST_REQUESTS_BYTES)
    arena = max(room - requests, weights + _LEAST_RUNS_BYTES)
    return MemoryPlan(limit_bytes, arena, requests)
