"""A walk: actions at random on one world, under load, for as many steps or seconds as are asked."""

import json
import random
import statistics
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from engine_kit import INFER
from tests.chaos.actions import ACTIONS, Action
from tests.chaos.callers import Callers
from tests.chaos.ledger import Ledger
from tests.chaos.world import World, oracle, predicted, small_disk

_DISK = "64m"  # holds state, logs and artifacts of the sample model, and is soon full


def walk(
    folder: Path, seed: int, goes_on: Callable[[int], bool], *, tell: Callable[[str], None]
) -> tuple[Ledger, Counter[str]]:
    """Act until `goes_on` says no of the number of steps; what callers saw, and what was done."""
    chance = random.Random(seed)
    done: Counter[str] = Counter()
    with small_disk(folder / "state", _DISK) as is_small:
        world = World(folder, chance)
        world.begin()
        sessions = oracle(world.repo.root)
        try:
            with Callers(
                lambda: world.port, INFER, lambda r, x: predicted(sessions[r], x), world.ledger
            ):
                while goes_on(done.total()):
                    action = _chosen(world, chance, is_small=is_small)
                    tell(f"{done.total() + 1}: {action.name}")
                    world.ledger.actions.append((time.monotonic(), action.name))
                    action.do(world)
                    done[action.name] += 1
        finally:
            if world.up.process.poll() is None:
                world.up.stop()
        left = world.processes()
    if left:
        raise AssertionError(f"left over after the end: {left}")
    return world.ledger, done


def _chosen(world: World, chance: random.Random, *, is_small: bool) -> Action:
    possible = [a for a in ACTIONS if a.can(world) and (is_small or a.name != "fill the disk")]
    return chance.choices(possible, [action.often for action in possible])[0]


def report(ledger: Ledger, done: Counter[str]) -> str:
    """What was seen, as JSON for people."""
    followed = sorted(ledger.followed_s)
    value = {
        "actions": dict(done),
        "requests": len(ledger.requests),
        "wrong": ledger.wrong()[:5],
        "failed outside faults": dict(ledger.failed()),
        "failed during faults": ledger.excused(),
        "commit to first answer, s": {
            "p50": round(statistics.median(followed), 3) if followed else None,
            "p99": round(followed[int(0.99 * len(followed))], 3) if followed else None,
        },
        "longest time without an answer, s": {
            name: {"median": round(statistics.median(times), 2), "longest": round(max(times), 2)}
            for name, times in sorted(ledger.outages_s.items())
        },
    }
    return json.dumps(value, indent=1)


def until_time(seconds: float) -> Callable[[int], bool]:
    """Go on for so many seconds."""
    end = time.monotonic() + seconds
    return lambda _: time.monotonic() < end
