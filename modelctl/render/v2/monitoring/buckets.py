"""Where a promise of latency lies among the buckets that the model server counts in."""

_MS = 1000

# The upper bounds of `modelserver_request_duration_seconds`; a test holds them to the server's.
BOUNDS_S = (
    *(0.0005, 0.001, 0.002, 0.003, 0.004, 0.005, 0.0075, 0.01, 0.015, 0.02, 0.025, 0.03),
    *(0.04, 0.05, 0.075, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 4.0),
    *(5.0, 10.0, 30.0, 60.0, 300.0, 600.0),
)


def slow_from_s(latency_p99_ms: float) -> float:
    """The time past which an answer is counted as too slow: the first bound not below the promise.

    Only what certainly broke the promise is counted, so that nobody is called for answers that
    kept it. The last bound is the longest time that can be promised.
    """
    return next((bound for bound in BOUNDS_S if bound * _MS >= latency_p99_ms), BOUNDS_S[-1])
