"""Whatever is committed, refused, killed and rewritten: each model serves what an oracle says."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine_kit import MODEL, Repo
from modelctl.finding import START, Finding
from modelctl.local.good import GoodStates
from modelctl.local.source.artifacts import ArtifactExport
from modelctl.local.source.fallbacks import Fallbacks
from modelctl.local.source.reading import ModelReading, Reader, Reading
from modelctl.local.source.repositories import local_branch
from modelctl.repo.repository import Files, ModelFiles
from scratch import git

MODELS = ("a", "b")
MARK = "# bad"  # in a serving file: the check refuses its model

Weights = dict[str, int]


def check(files: Files) -> Iterator[Finding]:
    """Refuse each model that is marked."""
    if isinstance(files, ModelFiles):
        for path, text in files.texts.items():
            if MARK in text:
                yield Finding(path, START, "rule", "found a mark", "take it away")


class World:
    """A repository of two models, and what runs of it, as a plain engine would do it."""

    def __init__(self, folder: Path) -> None:
        (folder / "seed").mkdir()
        seed = Repo(folder / "seed").serve({"r1": 40, "r2": 60})
        self.root = folder / "repo"
        self.state = folder / "state"
        self.state.mkdir()
        for model in MODELS:
            for path in (seed.root / f"apps/{MODEL}").rglob("*.yaml"):
                target = Path(str(path.relative_to(seed.root)).replace(MODEL, model))
                (self.root / target).parent.mkdir(parents=True, exist_ok=True)
                (self.root / target).write_text(path.read_text().replace(MODEL, model))
        for name in ("argocd", "examples"):
            shutil.copytree(seed.root / name, self.root / name)
        rendered = [
            path for m in MODELS for path in (self.root / f"apps/{m}/rendered").rglob("*.*")
        ]
        self.template = {path: path.read_text("utf-8") for path in rendered}
        git(folder, "init", "--quiet", "--initial-branch=main", str(self.root))
        git(self.root, "config", "user.name", "Test")
        git(self.root, "config", "user.email", "test@example.com")
        self.number = 0
        self.serves: dict[str, int] = {}  # by model, the weight of r1 that is served
        self.expected: dict[str, int] = {}
        for model in MODELS:
            self.commit(model, bad=False)
        self.start()

    def commit(self, model: str, *, bad: bool) -> None:
        """Give r1 of a model a weight that it never had."""
        self.number += 1
        for path, text in self.template.items():
            if path.is_relative_to(self.root / "apps" / model):
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text.replace("weight: 40", f"weight: {self.number}"))
        serving = f"stable: r1\nweights: {{r1: {self.number}, r2: 0}}\n{MARK if bad else ''}\n"
        (self.root / f"apps/{model}/envs").mkdir(parents=True, exist_ok=True)
        (self.root / f"apps/{model}/envs/local.yaml").write_text(serving)
        git(self.root, "add", "--all")
        git(self.root, "commit", "--quiet", "--message", f"apps/{model}: {self.number} {bad}")

    def remove(self, model: str) -> None:
        """Take a model away."""
        git(self.root, "rm", "-r", "--quiet", "--ignore-unmatch", f"apps/{model}/rendered")
        git(self.root, "rm", "-r", "--quiet", "--ignore-unmatch", f"apps/{model}/envs")
        git(self.root, "commit", "--quiet", "--allow-empty", "--message", f"apps/{model}: Remove")

    def rewrite(self) -> None:
        """Throw the newest commit away."""
        if git(self.root, "rev-list", "--count", "HEAD").strip() != "1":
            git(self.root, "reset", "--quiet", "--hard", "HEAD~1")

    def start(self) -> None:
        """Begin anew with what is kept on the disk."""
        source = local_branch(self.root, None, every_s=1)
        self.good = GoodStates(self.state / "good", source.name, "local")
        export = ArtifactExport(self.state / "files")
        self.reader = Reader(source, "local", export, check, is_local=bool(self.good.models))
        self.fallbacks = Fallbacks(source, "local", export)
        self.serves = {}
        self.take(self.fallbacks.added(self.reader.read(source.revision()), self.good.models))

    def look(self) -> None:
        """Read what is there now."""
        self.take(self.reader.read(git(self.root, "rev-parse", "HEAD").strip()))

    def take(self, reading: Reading) -> None:
        """Serve what may be served, and keep that before."""
        now = {n: r1_of(m) for n, m in reading.models.items()}
        gone = self.good.models.keys() - {*reading.models, *reading.refused}
        accepted = dict.fromkeys(reading.models, reading.commit.id)
        assert "" == self.good.remember({**accepted, **dict.fromkeys(gone)})
        begun = {n: r1_of(m) for n, m in reading.fallbacks.items() if n not in self.serves}
        kept = {n: w for n, w in (begun | self.serves).items() if n in reading.refused}
        self.serves = kept | now
        self.expect()

    def expect(self) -> None:
        """What the newest commit asks for where it may, else what was expected before."""
        after = {}
        for model in MODELS:
            serving = self.root / f"apps/{model}/envs/local.yaml"
            text = serving.read_text() if serving.exists() else ""
            if MARK in text:
                after |= {model: self.expected[model]} if model in self.expected else {}
            elif text:
                after[model] = int(text.partition("r1: ")[2].partition(",")[0])
        self.expected = after


def r1_of(model: ModelReading) -> int:
    """The weight of r1 in a plan."""
    return next(weight for name, weight in model.plan.weights().items() if name.endswith("-r1"))


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("commit"), st.sampled_from(MODELS), st.booleans()),
        st.tuples(st.just("remove"), st.sampled_from(MODELS), st.none()),
        st.tuples(st.sampled_from(["start", "look", "rewrite"]), st.none(), st.none()),
    ),
    max_size=12,
)


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(steps=STEPS)
def test_any_story(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, str, bool]]
) -> None:
    """Each model serves the newest commit that may run, and across starts what it served before."""
    world = World(tmp_path_factory.mktemp("world"))

    for kind, model, bad in [*steps, ("start", "", False)]:
        if kind == "commit":
            world.commit(model, bad=bad)
        elif kind == "remove":
            world.remove(model)
        elif kind == "rewrite":
            world.rewrite()
        elif kind == "look":
            world.look()
        else:
            world.start()

        if kind in ("start", "look"):
            assert world.expected == world.serves


def test_what_was_pruned_is_told(tmp_path: Path) -> None:
    """Where the last good commit is gone from git, that is said, and nothing is made up."""
    world = World(tmp_path)
    world.rewrite()
    world.commit("b", bad=False)
    world.look()
    good = git(world.root, "rev-parse", "HEAD").strip()
    world.rewrite()
    world.commit("b", bad=True)
    for words in (("reflog", "expire", "--expire=now", "--all"), ("gc", "--quiet", "--prune=now")):
        git(world.root, *words)
    reading = world.fallbacks.added(
        world.reader.read(git(world.root, "rev-parse", "HEAD").strip()), world.good.models
    )

    assert {} == reading.fallbacks
    assert f"its last good state, {good[:12]}, cannot be read any more" in reading.lost["b"]
