"""How long a server that fails waits before its next start."""

from modelctl.local.servers.failures import Failures
from modelctl.local.timing import Timing

TIMING = Timing(restart_s=0.1, retry_s=1, backoff_limit_s=30, stable_s=60)


def test_never_ready() -> None:
    """The wait doubles with each failure in a row, up to its limit."""
    failures, waits = Failures(TIMING), []
    for _ in range(7):
        failures.note(0)
        waits.append(failures.begin_again())

    assert [1, 2, 4, 8, 16, 30, 30] == waits


def test_was_ready() -> None:
    """One that had been ready is started again soon."""
    failures = Failures(TIMING)
    assert failures.ready(5)
    assert not failures.ready(6)

    failures.note(7)

    assert 0.1 == failures.begin_again()
    assert failures.ready(8)


def test_long_health_is_a_new_beginning() -> None:
    """A failure after a long time of health counts as the first."""
    failures = Failures(TIMING, count=9)
    failures.ready(0)

    failures.note(61)

    assert 1 == failures.count


def test_many_failures() -> None:
    """However many they are, the wait is a number."""
    failures = Failures(TIMING)
    for _ in range(10_000):
        failures.note(0)

    assert 30 == failures.begin_again()
