"""A walk at random over a real repository: whatever was done and broken, the way back is there.

`MODELCTL_WALK_STEPS=20000` walks further, and elsewhere each time; `MODELCTL_WALK_SEED` says where.
"""

import json
import os
import subprocess
import sys
from collections import Counter
from functools import partial
from pathlib import Path
from secrets import randbelow

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from scratch import PROJECT
from tests.modelctl.edit.walk.commands import Commands
from tests.modelctl.edit.walk.ground import Executioner, template
from tests.modelctl.edit.walk.hands import Hands
from tests.modelctl.edit.walk.rewinding import Rewinding

STEPS_OF_CI = 2000
WALKERS = 2
A_WALK = 50  # steps


class Walk(Commands, Hands, Rewinding):
    """One walk, from the template on."""


def walked(folder: Path, steps: int, start: int, *, shrink: bool) -> Counter[str]:
    """Walk so many steps; what was seen on the way."""
    (folder / "template").mkdir()
    template(folder / "template")
    executioner, seen = Executioner(), Counter[str]()
    how = settings(
        max_examples=max(1, steps // A_WALK),
        stateful_step_count=A_WALK,
        deadline=None,
        database=None,
        print_blob=False,
        phases=(Phase.generate, Phase.shrink) if shrink else (Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )
    try:
        run_state_machine_as_test(
            seed(start)(partial(Walk, folder, executioner, seen)), settings=how
        )
    finally:
        executioner.close()
    return seen


@pytest.mark.timeout(36_000)
def test_a_walk(tmp_path: Path) -> None:
    """Each step of many is one that the oracle had foreseen."""
    by_hand = os.environ.get("MODELCTL_WALK_STEPS")
    start = int(os.environ.get("MODELCTL_WALK_SEED", randbelow(10**6) if by_hand else 0))
    steps = int(by_hand or STEPS_OF_CI) // WALKERS
    walkers = []
    for number in range(WALKERS):
        (folder := tmp_path / f"walker-{number}").mkdir()
        words = [str(folder), str(steps), str(start + number), "shrink" if by_hand else ""]
        walkers.append(
            subprocess.Popen(
                [sys.executable, "-m", __spec__.name, *words],
                cwd=PROJECT,
                env=os.environ
                | {"PYTHONPATH": f"{PROJECT}:{PROJECT / 'tests'}", "PYTHONHASHSEED": "0"},
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
        )
    said = [walker.communicate()[0] for walker in walkers]
    sys.stdout.write("".join(said))

    assert [0] * WALKERS == [walker.returncode for walker in walkers], f"seed {start}"


def main() -> None:
    """Walk as the words say, and print what was seen."""
    folder, steps, start, shrink = sys.argv[1:]
    os.environ |= {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    sys.stdout.write(f"seed {start}\n")
    seen = walked(Path(folder), int(steps), int(start), shrink=bool(shrink))
    sys.stdout.write(json.dumps(dict(sorted(seen.items())), indent=1) + "\n")


if __name__ == "__main__":
    main()
