"""A short walk through commits and faults; `python -m tests.chaos` takes a long one."""

import os
from pathlib import Path

import pytest

from tests.chaos.ledger import Fault, Ledger, Request, Split
from tests.chaos.walk import report, walk

_STEPS = int(os.environ.get("MODELCTL_CHAOS_STEPS", "40"))
_SEED = int(os.environ.get("MODELCTL_CHAOS_SEED", "1"))


@pytest.mark.timeout(900)  # of two minutes on an idle machine; a busy one takes longer
def test_walk(tmp_path: Path) -> None:
    """No answer is wrong, none fails but during a fault, and the world always becomes well."""
    ledger, done = walk(tmp_path, _SEED, lambda steps: steps < _STEPS, tell=print)
    print(report(ledger, done))

    assert [] == ledger.wrong()
    assert {} == ledger.failed()
    assert len(ledger.requests) > 10 * _STEPS


@pytest.mark.parametrize(
    ("began", "ended", "failures"),
    [(0.0, 1.0, 1), (0.5, 2.5, 0), (2.1, 2.2, 0), (2.9, 4.0, 0), (3.1, 4.0, 1)],
)
def test_failures_are_excused_by_what_was_broken_meanwhile(
    began: float, ended: float, failures: int
) -> None:
    """A request that touches the time of a fault may fail; any other may not."""
    ledger = Ledger([Request(began, ended, failure="reset")], [Fault("a fault", 2.0, 3.0)])

    assert failures == ledger.failed().total()
    assert 1 - failures == ledger.excused()


def test_a_failure_tells_what_was_done_meanwhile() -> None:
    """The actions before it, so that its cause can be found."""
    began = [(1.0, "shift"), (2.0, "promote"), (9.0, "retire")]
    ledger = Ledger([Request(2.5, 3.0, failure="reset")], actions=began)

    assert {"reset, during: shift → promote": 1} == ledger.failed()


def test_wrong_answers_are_never_excused() -> None:
    """Neither numbers that differ, nor a release that has no share."""
    ledger = Ledger(
        [
            Request(2.0, 2.1, "r1", wrong="r1: found 1, expected 2"),
            Request(2.0, 2.1, "r2"),
            Request(0.9, 2.1, "r2"),  # it was under way when the split changed
        ],
        [Fault("a fault", 1.0, 3.0)],
        [Split(frozenset({"r1"}), settled=1.0)],
    )

    assert 2 == len(ledger.wrong())
