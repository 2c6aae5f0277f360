"""What all exchanges of this process share: its parts, and how a fault is told."""

from dataclasses import dataclass, field

from modelserver.errors import Overloaded, RequestCrashed, RequestError
from modelserver.inference.aside import Aside
from modelserver.inference.lifecycle import Lifecycle
from modelserver.inference.limits import Limits
from modelserver.observe.metrics import Metrics
from modelserver.observe.tracing import Tracer
from modelserver.start.reclaim import Reclaim


@dataclass(slots=True)
class Inference:
    """What every exchange of this process shares.

    `limits` are replaced once the model is loaded and its cost is known. `access_log_sample` is the
    share of requests, 0 to 1, that leave a line in the log.
    """

    lifecycle: Lifecycle
    metrics: Metrics
    limits: Limits
    access_log_sample: float = 0.0
    tracer: Tracer | None = None
    reclaim: Reclaim = field(default_factory=Reclaim)
    aside: Aside = field(default_factory=Aside)


def as_request_error(cause: Exception) -> RequestError:
    """The error that a client gets to know; of a fault in this server it learns no more."""
    if isinstance(cause, RequestError):
        return cause
    if isinstance(cause, MemoryError):
        return Overloaded("memory is short for this request just now; try again, or send less")
    error = RequestCrashed("the server failed; its log says why")
    error.__cause__ = cause
    return error
