"""Metrics of one server process, in Prometheus' names and units.

The numbers are plain attributes that only the event loop changes, so that a request pays for no
lock and no search for labels. They become Prometheus' families when somebody scrapes them.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping

from modelserver.observe.histogram import Histogram

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
"""Of the exposition: Prometheus' text format."""

# Upper bounds of buckets. A whole request is seldom quicker than half a millisecond; its steps are.
DURATION_BOUNDS_S = (
    *(0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05),
    *(0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0),
)
STEP_BOUNDS_S = (0.00001, 0.000025, 0.00005, 0.0001, 0.00025, *DURATION_BOUNDS_S)
BATCH_BOUNDS_ROWS = (1, 2, 4, 8, 16, 32, 64, 128, 256)

# Ended requests after which their durations are sorted into buckets.
_UNFOLDED = 1024


class Metrics:
    """Everything that one server counts and measures, for one model and release."""

    def __init__(self, *, model: str, release: str) -> None:
        self.labels = {"model": model, "release": release}
        self.requests: dict[tuple[str, int], int] = defaultdict(int)
        self.grpc_calls: dict[tuple[str, int], int] = defaultdict(int)
        self.request_s: dict[str, Histogram] = defaultdict(lambda: Histogram(DURATION_BOUNDS_S))
        self.decode_s = Histogram(STEP_BOUNDS_S)
        self.queue_s = Histogram(STEP_BOUNDS_S)
        self.batch_wait_s = Histogram(STEP_BOUNDS_S)
        self.compute_s = Histogram(STEP_BOUNDS_S)
        self.encode_s = Histogram(STEP_BOUNDS_S)
        self.batch_rows = Histogram(BATCH_BOUNDS_ROWS)
        self._unfolded = 0
        self.in_flight = 0
        self.receiving = 0
        self.claimed_bytes = 0  # by the thread beside the event loop, which alone changes it
        self.released_bytes = 0
        self.in_flight_bytes = 0
        self.connections: Callable[[], int] = lambda: 0
        self.connections_limit = 0
        self.connections_closed = {"silent": 0, "shortage": 0}
        self.reserved_bytes = 0
        self.unsent_bytes = 0
        self.limits: Mapping[str, int] = {}
        self.memory: Mapping[str, int] = {}
        self.queue_depth: Callable[[], int] = lambda: 0
        self.rejected = {"not_ready": 0, "overloaded": 0, "overloaded_bytes": 0}
        self.dropped = {"deadline": 0, "disconnect": 0}
        self.nonfinite_answers = 0
        self.constant_answers = 0
        self.guard_share = {"nonfinite": 0.0, "constant": 0.0}
        self.guard_trips = {"nonfinite": 0, "constant": 0}
        self.load_s: float | None = None
        self.batch_limit_rows = 1
        self.warm_up_s: Mapping[int, float] = {}
        self.model_info: Mapping[str, str] = {}
        self.ready = False

    @property
    def held_bytes(self) -> int:
        """All that large requests make this process hold, their bodies included."""
        claimed_bytes = self.claimed_bytes - self.released_bytes
        return self.in_flight_bytes + self.reserved_bytes + self.unsent_bytes + claimed_bytes

    def ended(self, role: str, duration_s: float, body_bytes: int) -> None:
        """Count the end of a request that held a body of that size."""
        self.in_flight_bytes -= body_bytes
        self.request_s[role].observe(duration_s)
        self._unfolded += 1
        if self._unfolded >= _UNFOLDED:
            self._unfolded = 0
            for each in (*self.request_s.values(), *self._steps()):
                each.fold()

    def _steps(self) -> Iterator[Histogram]:
        """What is measured of each step of a request, or of each run of the model."""
        yield from (self.decode_s, self.queue_s, self.batch_wait_s)
        yield from (self.compute_s, self.encode_s, self.batch_rows)
