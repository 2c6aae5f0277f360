"""Steps by modelctl itself, some of which are ended half-way."""

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from tests.modelctl.edit.walk.files import Pair
from tests.modelctl.edit.walk.ground import ARTIFACTS, IMAGES, KILL, MODELS, described
from tests.modelctl.edit.walk.stage import HANDFUL, Stage, pairs
from tests.modelctl.edit.walk.walker import NEWCOMER

models = st.sampled_from(MODELS)
percents = st.sampled_from((0, 0, 5, 50, 95, 100, 100))
doomed = st.sampled_from(("shift", "promote", "rollback", "rollback --now"))
_FURTHEST = 20


class Commands(Stage):
    """What the commands do."""

    @rule(model=models, image=st.integers(0, 3), artifact=st.sampled_from(("", "r1", "r2")))
    def release(self, model: str, image: int, artifact: str) -> None:
        """Add a release; with the same artifact and image it is the same again."""
        words = ["--artifact", str(ARTIFACTS / f"{artifact}.onnx")] if artifact else []
        if image < len(IMAGES) or not words:
            words += ["--image", IMAGES[image % len(IMAGES)]]
        self.walker.edit((model, "local"), "release", model, *words)

    @precondition(lambda self: not self.walker.oracle.releases(self.walker.moment, NEWCOMER))
    @rule()
    def new(self) -> None:
        """Begin a model."""
        self.walker.edit((NEWCOMER, "local"), "new", NEWCOMER, *described("r1"))

    @rule(pair=pairs, which=HANDFUL)
    def introduce(self, pair: Pair, which: int) -> None:
        """Start a release without traffic."""
        self.walker.operate("shift", pair, f"{self.release_of(pair[0], -1 - which)}=0")

    @rule(pair=pairs, which=HANDFUL, percent=percents)
    def shift(self, pair: Pair, which: int, percent: int) -> None:
        """Give a release a share."""
        self.walker.operate("shift", pair, f"{self.deployed(pair, which)}={percent}")

    @rule(pair=pairs, which=HANDFUL, named=st.booleans())
    def promote(self, pair: Pair, which: int, *, named: bool) -> None:
        """Give a release everything."""
        self.walker.operate("promote", pair, self.deployed(pair, which) if named else None)

    @rule(pair=pairs, which=HANDFUL, named=st.booleans())
    def retire(self, pair: Pair, which: int, *, named: bool) -> None:
        """Stop a release."""
        self.walker.operate("retire", pair, self.deployed(pair, which) if named else None)

    @rule(pair=pairs, now=st.booleans(), again=st.booleans())
    def roll_back(self, pair: Pair, *, now: bool, again: bool) -> None:
        """Go back by one."""
        self.walker.roll_back(pair, None, now=now, again=again)

    @rule(pair=pairs, number=st.integers(1, 5), now=st.booleans(), again=st.booleans())
    def roll_back_to(self, pair: Pair, number: int, *, now: bool, again: bool) -> None:
        """Go to a release by its name."""
        self.walker.roll_back(pair, f"r{number}", now=now, again=again)

    @rule(pair=pairs, now=st.booleans())
    def roll_back_to_the_beginning(self, pair: Pair, *, now: bool) -> None:
        """Go back until there is nowhere to go."""
        for _ in range(_FURTHEST):
            if not self.walker.roll_back(pair, None, now=now, again=True):
                return
        raise AssertionError("a way back without end")

    @rule(pair=pairs, name=doomed, which=HANDFUL, left=st.integers(0, 6), twice=st.booleans())
    def kill(self, pair: Pair, name: str, which: int, left: int, *, twice: bool) -> None:
        """Kill a command while it writes, and perhaps the next one while it mends that."""
        words = self._doomed(pair, name, which)
        self.ground.tick()
        self.executioner.run(self.root, words, files=left)
        if twice:
            self.executioner.run(self.root, words, files=left // 2)
        self._judge_what_is_left(pair, words)

    @rule(pair=pairs, name=doomed, which=HANDFUL, passes=st.booleans())
    def kill_in_a_hook(self, pair: Pair, name: str, which: int, *, passes: bool) -> None:
        """Kill a command while git commits."""
        words = self._doomed(pair, name, which)
        self.ground.tick()
        with self.ground.hook(f"{KILL}; exit {int(not passes)}"):
            self.executioner.run(self.root, words, files=99)
            self.ground.let_git_end()
        self._judge_what_is_left(pair, words)

    def _doomed(self, pair: Pair, name: str, which: int) -> list[str]:
        word, *options = name.split()
        if word == "shift":
            options = [f"{self.deployed(pair, which)}={which * 10}"]
        if word == "promote":
            options = ["--release", self.deployed(pair, which)]
        return [word, pair[0], "--env", pair[1], *options, "--commit"]

    def _mend_by_a_command(self, pair: Pair) -> None:
        words = ("retire", pair[0], "--env", pair[1], "--release", "r98", "--commit")
        assert "an interrupted edit was" in self.ground.modelctl(*words).output

    def _judge_what_is_left(self, pair: Pair, words: list[str]) -> None:
        """The next command finds the edit whole, or undoes it; it is one that is refused."""
        head, _ = self.ground.status()
        was_half = self.ground.is_half_edited()
        if was_half and head != self.walker.moment.id:
            self._mend_by_a_command(pair)  # one edit was whole before the next one was killed
            was_half = False
        if head != self.walker.moment.id:
            self.walker.arrive(head, pair, words[0])
            self.seen["kill: committed whole"] += 1
        ran = self.walker.edit(pair, "retire", pair[0], "--env", pair[1], "--release", "r98")
        assert ran.exit_code
        assert was_half == ("an interrupted edit was" in ran.output), ran.output
        self.seen["kill: undone"] += "undone" in ran.output
