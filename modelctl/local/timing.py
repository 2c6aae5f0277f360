"""How long the local engine waits, and for what, as one value that tests can make shorter."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Timing:
    """Periods and bounds, all in seconds.

    Attributes:
        follow_s: Between two looks at the branch of a repository on this machine.
        fetch_s: Between two fetches of a repository that is followed by URL.
        hurry_s: Between two looks at Envoy while a change is under way.
        starting_s: Between two startup probes, and readiness probes until the first success.
        restart_s: Before the first restart of a server that had been ready.
        retry_s: Before the first restart of a server that never was.
        backoff_limit_s: The longest wait before a restart; each failure doubles the wait.
        stable_s: After this long without failure, the next one counts as the first.
        drain_limit_s: For requests in flight before a server is told to stop.
        sample_s: Between two readings of Envoy's counters while something changes or is looked at.
        idle_s: Between two looks at anything while nothing changes.
        window_s: Over which shares, error rates and latencies are measured.
    """

    follow_s: float = 0.1
    fetch_s: float = 3.0
    hurry_s: float = 0.05
    starting_s: float = 0.1
    restart_s: float = 0.1
    retry_s: float = 1.0
    backoff_limit_s: float = 30.0
    stable_s: float = 60.0
    drain_limit_s: float = 10.0
    sample_s: float = 1.0
    idle_s: float = 10.0
    window_s: float = 60.0
