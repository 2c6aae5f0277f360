"""`python -m tests.fuzz`: check, edit and read what is nearly right, and say what fails."""

import argparse
import random
import sys
import time
import traceback
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count, islice

from tests.fuzz.judging import UnjustError, in_time
from tests.fuzz.targets import SHARES, TARGETS

_NAMES = tuple(name for name, share in SHARES.items() for _ in range(share))
_SAY_EVERY = 10_000


@dataclass(slots=True)
class Result:
    """How many inputs each target got, and the faults: by where they arise, told once."""

    inputs: Counter[str] = field(default_factory=Counter)
    faults: dict[str, str] = field(default_factory=dict)
    repeated: int = 0


def one(seed: int, number: int, result: Result, only: Sequence[str] = ()) -> None:
    """Run one input; the same one for the same seed and number."""
    chance = random.Random(f"{seed}/{number}")
    name = chance.choice(only or _NAMES)
    result.inputs[name] += 1
    try:
        with in_time():
            TARGETS[name](chance)
    except Exception as error:  # noqa: BLE001 - any at all is a fault
        place = traceback.extract_tb(error.__traceback__)[-1]
        words = str(error).partition(":")[0] if isinstance(error, UnjustError) else ""
        cause = f"{type(error).__name__} {place.filename}:{place.lineno} {words}"
        result.repeated += cause in result.faults
        told = "".join(traceback.format_exception(error))
        only_words = "".join(f" --target {each}" for each in only)
        again = f"python -m tests.fuzz --seed {seed} --from {number} --inputs 1{only_words}"
        result.faults.setdefault(cause, f"{again}\n{told}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run inputs until enough are done, or time is up; 1 where one fails."""
    asked = _parser().parse_args(arguments)
    numbers = islice(count(asked.first), None if asked.minutes else asked.inputs)
    until_s = time.monotonic() + (asked.minutes or float("inf")) * 60
    result = Result()
    for number in numbers:
        if time.monotonic() > until_s:
            break
        known = len(result.faults)
        one(asked.seed, number, result, asked.target)
        if len(result.faults) > known:
            print([*result.faults.values()][-1], flush=True)
        if result.inputs.total() % _SAY_EVERY == 0:
            print(_told(result), flush=True)
    print(_told(result))
    return 1 if result.faults else 0


def _told(result: Result) -> str:
    each = ", ".join(f"{name} {result.inputs[name]}" for name in TARGETS)
    failed = len(result.faults)
    return f"{result.inputs.total()} inputs ({each}): {failed} faults, {result.repeated} repeated"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m tests.fuzz", description=__doc__)
    ends = parser.add_mutually_exclusive_group()
    ends.add_argument("--inputs", type=int, default=10_000, help="how many; default: 10000")
    ends.add_argument("--minutes", type=float, help="as many as there is time for")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--from", dest="first", type=int, default=0, help="number of the first")
    parser.add_argument("--target", action="append", choices=tuple(TARGETS), default=[])
    return parser


if __name__ == "__main__":
    sys.exit(main())
