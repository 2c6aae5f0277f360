"""The phases of a server, whatever it is told meanwhile."""

import pytest

from modelserver.inference.lifecycle import Lifecycle, Phase
from modelserver.observe.metrics import Metrics


@pytest.mark.parametrize("reason", ["outputs: found NaN", None])
@pytest.mark.parametrize("phase", [Phase.STARTING, Phase.DRAINING, Phase.FAILED])
def test_doubt_changes_nothing_but_a_server_that_serves(phase: Phase, reason: str | None) -> None:
    """What the guard thinks of outputs neither starts a server nor keeps one that ends."""
    lifecycle = Lifecycle(Metrics(model="sample", release="r1"))
    if phase is Phase.DRAINING:
        lifecycle.drain()
    elif phase is Phase.FAILED:
        lifecycle.fail("no memory")

    lifecycle.doubt(reason)

    assert phase is lifecycle.phase
    assert not lifecycle.is_ready
