"""What requests may take, and how that follows from the memory that there is. Pure."""

import sys
from dataclasses import dataclass, replace

from modelserver.start.footprint import Footprint
from modelserver.start.memory_plan import MemoryPlan

UNBOUNDED = sys.maxsize
"""A limit that nothing reaches."""

MOST_BODY_BYTES = 64 << 20
"""A larger body is accepted only where the environment says so."""

# Of the memory for requests one body may take a part, as it is held three times while it is read.
_BODY_PART, _ANSWER_PART, _TENSORS_PART = 4, 4, 2
_BODIES_AT_ONCE = 4  # of the largest size
_BODIES_PART = 2


@dataclass(frozen=True, slots=True)
class Limits:
    """What requests may take: how many at once, and in bytes.

    Of one request these are its body (as sent, and expanded), its rows, its input tensors and its
    answer; of all that are admitted their bodies, and all that they make the process hold.
    """

    requests: int
    body_bytes: int
    total_bytes: int
    rows: int = UNBOUNDED
    tensor_bytes: int = UNBOUNDED
    output_bytes: int = UNBOUNDED
    total_cost_bytes: int = UNBOUNDED


@dataclass(frozen=True, slots=True)
class Chosen:
    """The limits that the environment sets; None leaves one to the memory that there is."""

    requests: int
    body_bytes: int | None = None
    total_bytes: int | None = None
    rows: int | None = None
    output_bytes: int | None = None

    def without_memory(self) -> Limits:
        """The limits as long as nothing is known of the memory."""
        body = self.body_bytes or MOST_BODY_BYTES
        return Limits(
            self.requests,
            body,
            self.total_bytes or _BODIES_AT_ONCE * body,
            self.rows or UNBOUNDED,
            output_bytes=self.output_bytes or UNBOUNDED,
        )


def derive(
    plan: MemoryPlan,
    footprint: Footprint,
    *,
    requests: int,
    weights_bytes: int = 0,
    least_rows: int = 1,
) -> Limits:
    """What fits into the memory of a plan, with a model of that footprint and weights.

    `least_rows` have been run together and fit for certain.
    """
    body = min(MOST_BODY_BYTES, plan.requests_bytes // _BODY_PART)
    answer = plan.requests_bytes // _ANSWER_PART
    rows = UNBOUNDED
    if footprint.row_bytes and footprint.answer_row_bytes is not None:
        run_bytes = max(plan.arena_bytes - weights_bytes, 0)
        by_answer = answer / footprint.answer_row_bytes if footprint.answer_row_bytes else UNBOUNDED
        rows = max(int(min(run_bytes / footprint.row_bytes, by_answer)), least_rows)
    return Limits(
        requests=requests,
        body_bytes=body,
        total_bytes=min(_BODIES_AT_ONCE * body, plan.requests_bytes // _BODIES_PART),
        rows=rows,
        tensor_bytes=plan.requests_bytes // _TENSORS_PART,
        output_bytes=answer,
        total_cost_bytes=plan.requests_bytes,
    )


def published(limits: Limits) -> dict[str, int]:
    """The limits by the names under which they are published; what is not bounded is left out."""
    values = {
        "requests": limits.requests,
        "body_bytes": limits.body_bytes,
        "bodies_bytes": limits.total_bytes,
        "rows": limits.rows,
        "tensor_bytes": limits.tensor_bytes,
        "output_bytes": limits.output_bytes,
        "memory_bytes": limits.total_cost_bytes,
    }
    return {name: value for name, value in values.items() if value != UNBOUNDED}


def settle(chosen: Chosen, fitting: Limits) -> tuple[Limits, dict[str, tuple[int, int]]]:
    """The limits that hold, and those that were raised above what fits: each found and expected."""
    body = chosen.body_bytes or min(fitting.body_bytes, chosen.total_bytes or UNBOUNDED)
    limits = replace(
        fitting,
        body_bytes=body,
        total_bytes=chosen.total_bytes or max(fitting.total_bytes, body),
        rows=chosen.rows or fitting.rows,
        output_bytes=chosen.output_bytes or fitting.output_bytes,
    )
    names = ("body_bytes", "total_bytes", "rows", "output_bytes")
    pairs = {name: (getattr(limits, name), getattr(fitting, name)) for name in names}
    return limits, {name: pair for name, pair in pairs.items() if pair[0] > pair[1]}
