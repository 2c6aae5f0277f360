"""Steps by git: reverts, branches and merges."""

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from tests.modelctl.edit.walk.stage import Stage

_SIDE = "side"


class Rewinding(Stage):
    """What git does."""

    has_side = False

    @rule(back=st.integers(0, 6))
    def revert(self, back: int) -> None:
        """Revert a commit of the main line; where that conflicts, leave it."""
        self.tidy()
        line = [moment for moment in self.walker.moment.back() if moment.parent]
        commit = line[back % len(line)].id
        parent = ["-m", "1"] if len(self.ground.parents(commit)) > 1 else []
        self.ground.tick()
        self._try("revert", "--no-edit", *parent, commit)

    @precondition(lambda self: not self.has_side)
    @rule(back=st.integers(0, 3))
    def branch(self, back: int) -> None:
        """Begin a branch at a commit of the main line."""
        self.tidy()
        line = list(self.walker.moment.back())
        self.ground.git("switch", "-q", "-c", _SIDE, line[min(back, len(line) - 1)].id)
        self.has_side = True
        self.walker.look()

    @precondition(lambda self: self.has_side)
    @rule()
    def switch(self) -> None:
        """Go on with the other branch."""
        self.tidy()
        self.ground.git("switch", "-q", _SIDE if self.ground.branch() == "main" else "main")
        self.walker.look()

    @precondition(lambda self: self.has_side)
    @rule()
    def merge(self) -> None:
        """Merge the branch; where that conflicts, leave it."""
        self.tidy()
        self.ground.git("switch", "-q", "main")
        self.walker.look()
        self.ground.tick()
        self._try("merge", "--no-ff", "--no-edit", _SIDE)
        self.ground.git("branch", "-q", "-D", _SIDE)
        self.has_side = False

    def _try(self, name: str, *words: str) -> None:
        failed = self.ground.git(name, *words).exit_code
        if failed:
            self.ground.git(name, "--abort")
            self.ground.git("reset", "--quiet", "--hard")
        self.seen[f"{name}: {'left' if failed else 'done'}"] += 1
        self.walker.look()
