"""What the load client says is understood."""

import shutil

import pytest

from serving.bench import wrk
from serving.bench.errors import BenchError
from serving.bench.wrk import Load


def test_the_last_line_is_the_result() -> None:
    """Whatever wrk prints before it; all kinds of lost answers add up."""
    line = (
        '{"requests": 10, "duration_us": 2000000, "p50_us": 1500, "p99_us": 9000,'
        ' "status": 2, "connect": 1, "read": 1, "write": 0, "timeout": 3}'
    )

    load = wrk.parse(f"Running 2s test\n  Latency 1ms\n{line}\n")

    assert Load(requests=10, seconds=2, p50_ms=1.5, p99_ms=9, refused=2, lost=5) == load


def test_a_missing_client_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """The message says what to install."""
    monkeypatch.setenv("PATH", "")

    with pytest.raises(BenchError, match="wrk is missing: install it"):
        wrk.version()


@pytest.mark.skipif(not shutil.which("wrk"), reason=wrk.MISSING)
def test_the_version_is_one_line() -> None:
    """Without the copyright, as the page shows it."""
    version = wrk.version()

    assert version.startswith("wrk ")
    assert "Copyright" not in version
