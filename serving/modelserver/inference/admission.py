"""What requests to a loaded release may take, told to whoever watches this process."""

from modelserver.inference.costs import Rows
from modelserver.inference.limits import Chosen, Limits, derive, published, settle
from modelserver.observe import logs
from modelserver.observe.metrics import Metrics
from modelserver.start.footprint import Footprint
from modelserver.start.steps import Loaded


def limits(loaded: Loaded, chosen: Chosen, metrics: Metrics) -> Limits:
    """What the environment says, and the memory has room for; the metrics then have it, too."""
    plan = loaded.plan
    fitting = derive(
        plan,
        loaded.footprint,
        requests=chosen.requests,
        weights_bytes=loaded.weights_bytes,
        least_rows=loaded.profile.useful_rows,
    )
    settled, raised = settle(chosen, fitting)
    for name, (found, expected) in raised.items():
        logs.warning(
            "limit-above-memory",
            limit=name,
            detail=f"found {found}, expected at most {expected} with {plan.limit_bytes} bytes of "
            "memory; lower it, or raise resources.memory of the release",
        )
    metrics.limits = published(settled)
    metrics.memory = {
        "limit": plan.limit_bytes,
        "runs": plan.arena_bytes,
        "weights": loaded.weights_bytes,
        "requests": plan.requests_bytes,
    }
    return settled


def rows(footprint: Footprint) -> Rows | None:
    """What each row takes, None where that is not known."""
    if footprint.row_bytes is None or footprint.answer_row_bytes is None:
        return None
    return Rows(footprint.row_bytes, footprint.answer_row_bytes)
