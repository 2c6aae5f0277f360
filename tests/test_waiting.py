"""Waiting ends with the event, and a failure says what was seen instead."""

import asyncio
import itertools

import pytest

import waiting
from waiting import until, until_seen


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """No patience: the first look is the last."""
    monkeypatch.setattr(waiting, "PATIENCE_S", -1)


def test_it_ends_with_the_event(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many looks it takes, what is given is what held."""
    monkeypatch.setattr(waiting, "PAUSE_S", 0)
    looks = itertools.count()

    assert 5000 == until(lambda: next(looks), lambda seen: seen == 5000)


def test_others_run_between_two_looks() -> None:
    """What needs the event loop is seen as well."""

    async def story() -> bool:
        told = asyncio.Event()

        async def look() -> bool:
            asyncio.get_running_loop().call_soon(told.set)
            return told.is_set()

        return await until_seen(look)

    assert asyncio.run(story())


@pytest.mark.usefixtures("hasty")
def test_a_failure_says_what_was_last_seen() -> None:
    """What was waited for in vain is told in the words of whoever waited."""
    with pytest.raises(AssertionError, match="in vain; last seen: 3 of 5 pods"):
        until(lambda: 3, lambda seen: seen == 5, shown=lambda seen: f"{seen} of 5 pods")


@pytest.mark.usefixtures("hasty")
def test_a_failure_beside_an_event_loop_says_it_too() -> None:
    """The same message, here with the value itself."""

    async def look() -> str:
        return "nothing"

    with pytest.raises(AssertionError, match="last seen: 'nothing'"):
        asyncio.run(until_seen(look, lambda seen: seen == "something"))
