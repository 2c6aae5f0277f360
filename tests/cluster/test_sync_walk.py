"""Walks at random over the commits of `modelctl`, each followed by a sync, on a real API server.

`MODELCTL_CLUSTER_WALKS=100` walks more of them, and elsewhere each time.
"""

import os
import shutil
from functools import partial
from pathlib import Path
from secrets import randbelow

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from tests.cluster import world
from tests.cluster.api import Api
from tests.cluster.world import ENVIRONMENT, MODEL, World

WALKS, STEPS = 3, 12
_TO = (MODEL, "--env", ENVIRONMENT)
_IMAGE = "registry.example.com/modelserver@sha256:"

releases = st.sampled_from(("r1", "r2", "r3"))


class Walk(RuleBasedStateMachine):
    """Whatever is committed: nothing waits, and no route ever names a Service that is not there."""

    def __init__(self, api: Api, base: Path) -> None:
        super().__init__()
        root = base / "walk"
        shutil.rmtree(root, ignore_errors=True)
        shutil.copytree(base / "template", root, symlinks=True)
        self.world = World(api, world.Ground(root))
        self.commits = 0
        assert self.world.push().done

    def teardown(self) -> None:
        """Leave nothing to the next walk."""
        self.world.close()

    @rule(release=releases)
    def introduce(self, release: str) -> None:
        """Start a release without traffic."""
        self._run("shift", *_TO, f"{release}=0")

    @rule(release=releases, weight=st.sampled_from((5, 50, 100)))
    def shift(self, release: str, weight: int) -> None:
        """Give a release a share."""
        self._run("shift", *_TO, f"{release}={weight}")

    @rule(release=releases)
    def promote(self, release: str) -> None:
        """Give a release everything."""
        self._run("promote", *_TO, "--release", release)

    @rule(release=releases)
    def retire(self, release: str) -> None:
        """Stop a release."""
        self._run("retire", *_TO, "--release", release)

    @rule()
    def roll_back(self) -> None:
        """Go back by one."""
        self._run("rollback", *_TO)

    @rule(count=st.integers(1, 3))
    def revert(self, count: int) -> None:
        """Revert the newest commits, where there are so many and git can."""
        if count > self.commits:
            return
        self.world.ground.tick()
        ran = self.world.ground.git("revert", "--no-commit", f"HEAD~{count}..HEAD")
        if ran.exit_code or not self.world.ground.commit(f"apps/{MODEL}: Revert"):
            self.world.ground.git("revert", "--abort")
            self.world.ground.git("reset", "--quiet", "--hard")
            return
        self.commits += 1

    @rule(crashing=st.sets(releases))
    def crash(self, crashing: set[str]) -> None:
        """From now on the pods of these releases crash, the others come up."""
        self.world.sick = frozenset(f"{MODEL}-{each}" for each in crashing)

    @rule()
    def push(self) -> None:
        """Let the cluster follow what was committed since."""
        did = self.world.push()

        assert did.done, did
        assert self.world.is_synced()

    @invariant()
    def every_moment_was_whole(self) -> None:
        """Looked at after each call that a sync has made."""
        assert [] == self.world.faults

    def _run(self, *words: str) -> None:
        self.world.ground.tick()
        self.commits += not self.world.ground.modelctl(*words, "--commit").exit_code


@pytest.mark.timeout(36_000)
def test_walks(api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Introduce, shift, promote, retire, roll back, revert, crash and push, in any order."""
    monkeypatch.chdir(tmp_path)
    for name in ("GIT_AUTHOR_DATE", "GIT_COMMITTER_DATE"):
        monkeypatch.setenv(name, "1700000000 +0000")
    (tmp_path / "template").mkdir()
    ground = world.make(tmp_path / "template")
    ground.must("release", MODEL, "--image", f"{_IMAGE}{'c' * 64}", "--commit")
    ground.close()
    by_hand = os.environ.get("MODELCTL_CLUSTER_WALKS")
    how = settings(
        max_examples=int(by_hand or WALKS),
        stateful_step_count=STEPS,
        deadline=None,
        database=None,
        phases=(Phase.generate, Phase.shrink) if by_hand else (Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )
    walk = seed(randbelow(10**6) if by_hand else 7)(partial(Walk, api, tmp_path))
    run_state_machine_as_test(walk, settings=how)
