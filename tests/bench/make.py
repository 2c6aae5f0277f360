"""`python -m tests.bench.make FOLDER`: a fleet on disk, with a past if one is wanted."""

import argparse
import sys
from pathlib import Path

from tests.bench.fleet import Fleet, folder_of, make
from tests.bench.life import STEPS, live


def main() -> int:
    """Make the repository."""
    parser = argparse.ArgumentParser("python -m tests.bench.make", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--models", type=int, default=500)
    parser.add_argument("--environments", type=int, default=3)
    parser.add_argument("--releases", type=int, default=2)
    parser.add_argument("--artifact-bytes", type=int, default=0)
    parser.add_argument(
        "--commits", type=int, default=STEPS, help="of the past, in the last environment"
    )
    parser.add_argument("--lived-by", type=int, default=1, help="how many models have that past")
    asked = parser.parse_args()
    fleet = Fleet(asked.models, asked.environments, asked.releases, asked.artifact_bytes)
    make(asked.folder, fleet)
    folders = [folder_of(number) for number in range(asked.lived_by)]
    live(asked.folder, folders, fleet.names[-1], asked.commits)
    return 0


if __name__ == "__main__":
    sys.exit(main())
