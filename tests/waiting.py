"""Waiting for what others do: until it is seen, never for a time or a number of looks."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

PATIENCE_S = 60.0  # for what never comes: far beyond a busy machine, within pytest's own limit
PAUSE_S = 0.01  # between looks, which would else take the processor from what is awaited

Seen = TypeVar("Seen")


def until(
    look: Callable[[], Seen],
    holds: Callable[[Seen], object] = bool,
    *,
    shown: Callable[[Seen], object] = repr,
) -> Seen:
    """What `look` gives, once that holds; fails with what it gave last if it never does."""
    deadline = time.monotonic() + PATIENCE_S
    while not holds(seen := look()):
        if time.monotonic() > deadline:
            raise _in_vain(shown(seen))
        time.sleep(PAUSE_S)
    return seen


async def until_seen(
    look: Callable[[], Awaitable[Seen]],
    holds: Callable[[Seen], object] = bool,
    *,
    shown: Callable[[Seen], object] = repr,
) -> Seen:
    """The same where looking, or what is awaited, needs the event loop."""
    deadline = time.monotonic() + PATIENCE_S
    while not holds(seen := await look()):
        if time.monotonic() > deadline:
            raise _in_vain(shown(seen))
        await asyncio.sleep(PAUSE_S)
    return seen


def _in_vain(last_seen: object) -> AssertionError:
    return AssertionError(f"waited {PATIENCE_S:.0f} s in vain; last seen: {last_seen}")
