"""What is wrong in a cluster has a remedy, and a place on the page for whoever is on call."""

from dataclasses import asdict
from typing import Any

import pytest

from modelctl.status import cluster_remedies as words
from modelctl.status.values import Health
from scratch import PROJECT
from tests.modelctl.cluster.scenes import MODEL, pod, settled

PAGE = (PROJECT / "docs" / "how-to" / "on-call.md").read_text(encoding="utf-8")
ADDRESSES = {"environment": "prod", "context": "blue"}


@pytest.mark.parametrize("word", words._SYNC)
def test_every_reason_has_a_remedy_and_a_place(word: str) -> None:
    """A reason's first words stand on the page, and what to do names the model or the place."""
    told = asdict(settled()) | {"sync_reason": f"{word}: so it is"}

    ((reason, remedy),) = words.remedies(told, ADDRESSES)

    assert f"{word}: so it is" == reason
    assert remedy
    assert "{" not in remedy
    assert word in PAGE


def _broken(**changes: Any) -> list[tuple[str, str]]:  # noqa: ANN401 - of a release
    bad = pod("r2", ready=False, waiting={"reason": "CrashLoopBackOff"}, last={"exitCode": 3})
    told = asdict(settled(pods=(pod("r1"), bad)))
    told["releases"] = (told["releases"][0], told["releases"][1] | changes)
    return list(words.remedies(told, ADDRESSES))


def test_a_broken_release() -> None:
    """Where a release is broken its log is named, in its context and namespace."""
    ((reason, remedy),) = _broken(live_weight=0.0)

    assert "r2: exit code 3" == reason
    assert (
        "`kubectl --context blue -n models-vision logs deployment/digits-r2 --previous` shows what "
        "its servers said last"
    ) == remedy


def test_a_broken_release_with_traffic() -> None:
    """Where it has traffic, the way back is named too."""
    ((_, remedy),) = _broken()

    assert remedy.endswith(f"`modelctl rollback {MODEL} --env prod --commit` goes back")


def test_what_takes_its_time_has_no_remedy() -> None:
    """Where waiting is all there is to do, nothing is said to do."""
    found = settled(pods=(pod("r1"), pod("r2", ready=False)))

    assert Health.PROGRESSING is found.health
    assert [(found.health_reason, "")] == list(words.remedies(asdict(found), ADDRESSES))
