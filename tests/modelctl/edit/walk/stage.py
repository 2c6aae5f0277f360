"""What every step of a walk has at hand."""

import shutil
from collections import Counter
from pathlib import Path

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine

from tests.modelctl.edit.walk import verdict
from tests.modelctl.edit.walk.files import Pair
from tests.modelctl.edit.walk.ground import Executioner, Ground
from tests.modelctl.edit.walk.walker import PAIRS, Walker

HANDFUL = st.integers(0, 7)
# The model that is new has no releases but its first, so it is worth less.
pairs = st.sampled_from(PAIRS[:4] * 3 + PAIRS[4:5])


class Stage(RuleBasedStateMachine):
    """A copy of the template, and a walker on it."""

    def __init__(self, base: Path, executioner: Executioner, seen: Counter[str]) -> None:
        super().__init__()
        self.seen = seen
        self.executioner = executioner
        self.root = base / "walk"
        shutil.rmtree(self.root, ignore_errors=True)
        shutil.copytree(base / "template", self.root)
        self.ground = Ground(self.root)
        self.walker = Walker(self.ground, base / "exports", seen)

    def teardown(self) -> None:
        """End what a walk has started."""
        self.ground.close()

    def is_wrong(self) -> bool:
        """Whether there is anything to mend."""
        return bool(verdict.errors(self.walker.oracle, self.walker.moment))

    def deployed(self, pair: Pair, which: int) -> str:
        """One of the releases that a pair deploys."""
        serving = self.walker.oracle.serving(self.walker.moment, pair)
        weights = list(serving["weights"]) if serving else ["r1"]
        return str(weights[which % len(weights)])

    def release_of(self, model: str, which: int) -> str:
        """One of the releases that a model has a file of."""
        known = self.walker.oracle.releases(self.walker.moment, model) or ["r1"]
        return known[which % len(known)]

    def by_hand(self, subject: str, *, render: bool = False) -> None:
        """Commit what was done by hand."""
        if render:
            self.ground.modelctl("render")
        if self.ground.commit(subject):
            self.walker.look()

    def tidy(self) -> None:
        """Drop what is not committed, so that git lets one do everything."""
        if self.walker.dirt:
            self.ground.git("reset", "--quiet", "--hard")
            self.walker.look()
