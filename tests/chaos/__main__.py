"""`python -m tests.chaos`: a long walk, and what was seen."""

import argparse
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))  # where pytest finds what tests share

from tests.chaos.walk import report, until_time, walk


def main() -> int:
    """Walk for some minutes; 0 only if no answer was wrong and none failed outside faults."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="modelctl-chaos-") as folder:
        ledger, done = walk(Path(folder), asked.seed, until_time(60 * asked.minutes), tell=_tell)
    print(report(ledger, done))
    return 1 if ledger.wrong() or ledger.failed() else 0


def _tell(words: str) -> None:
    print(words, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
