"""The package as others install it: from a wheel, without a checkout, an extra or a network."""

import os
import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from modelctl.__main__ import COMMANDS
from modelctl.repo.schema import KINDS
from scratch import PROJECT, git, init, use_own_hosts
from waiting import PATIENCE_S, until

NEVER_NEEDED = ("envoy", "jinja2", "starlette", "uvicorn", "modelserver")
PIP = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input"]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout."""
    return built(PROJECT, tmp_path_factory.mktemp("dist"))


def built(project: Path, folder: Path) -> Path:
    """The wheel of a project of this checkout, in a folder."""
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", folder]
    subprocess.run(build, cwd=project, check=True, capture_output=True)
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def complete(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`modelctl` and the model server from their wheels, beside every package of this environment.

    Those of the environment come last, and its own editable installs not at all.
    """
    server = built(PROJECT / "serving", tmp_path_factory.mktemp("dist"))
    root = tmp_path_factory.mktemp("complete")
    venv.create(root, symlinks=True, with_pip=False)
    packages = next(root.glob("lib/python*/site-packages"))
    (packages / "environment.pth").write_text(f"{sysconfig.get_path('purelib')}\n")
    into = [*PIP, "--python", str(root / "bin" / "python")]
    subprocess.run(
        [*into, "install", "-q", "--no-index", "--no-deps", "--ignore-installed", wheel, server],
        check=True,
    )
    return root / "bin" / "modelctl"


@pytest.fixture(scope="module")
def program(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`modelctl`, installed from the wheel beside its dependencies and nothing else."""
    root = tmp_path_factory.mktemp("installed")
    venv.create(root, symlinks=True, with_pip=False)
    packages = next(root.glob("lib/python*/site-packages"))
    into = [*PIP, "--python", str(root / "bin" / "python")]
    subprocess.run([*into, "install", "-q", "--no-index", "--no-deps", str(wheel)], check=True)
    for name in dependencies("modelctl"):
        link(name, packages)
    subprocess.run([*into, "check"], check=True, capture_output=True)
    return root / "bin" / "modelctl"


def dependencies(name: str) -> set[str]:
    """The distributions that one needs, and those that they need, without any extra."""
    wanted = map(Requirement, distribution(name).requires or ())
    needed = {
        each.name for each in wanted if not each.marker or each.marker.evaluate({"extra": ""})
    }
    return needed.union(*map(dependencies, needed))


def link(name: str, packages: Path) -> None:
    """Make a distribution of this environment importable from another."""
    installed = distribution(name)
    for top in {file.parts[0] for file in installed.files or () if file.parts[0] != ".."}:
        place = packages / top
        if not place.exists():
            place.symlink_to(Path(str(installed.locate_file(top))))


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository of one's own: typed files, generated ones and artifacts, and no program."""
    root = tmp_path_factory.mktemp("own")
    for folder in ("apps", "argocd", "examples/artifacts"):
        shutil.copytree(PROJECT / folder, root / folder)
    use_own_hosts(root)
    init(root)
    return root


@pytest.fixture
def modelctl(program: Path, repository: Path) -> "Modelctl":
    """Run the installed program in the repository."""
    return Modelctl(program, repository)


SOMEBODY = {
    f"GIT_{role}_{field}": value
    for role in ("AUTHOR", "COMMITTER")
    for field, value in (("NAME", "Test"), ("EMAIL", "test@models.test"))
}


class Modelctl:
    """The installed program, in one repository."""

    def __init__(self, program: Path, repository: Path) -> None:
        self.repository = repository
        self._program = program

    def __call__(self, *words: str, exit_code: int = 0) -> str:
        """Run it, and give what it printed on both streams."""
        done = subprocess.run(
            [self._program, *words],
            cwd=self.repository,
            env={"PATH": os.environ["PATH"], "PYTHONWARNINGS": "error"} | SOMEBODY,
            capture_output=True,
            text=True,
            check=False,
        )
        assert exit_code == done.returncode, done.stdout + done.stderr
        return done.stdout + done.stderr


def test_the_wheel_has_every_file(wheel: Path) -> None:
    """Everything that the package has in git is in the wheel, and the schemas."""
    tracked = git(PROJECT, "ls-files", "--cached", "--others", "--exclude-standard", "modelctl")
    schemas = {f"modelctl/schemas/{kind}.schema.json" for kind in KINDS}
    with zipfile.ZipFile(wheel) as archive:
        packed = set(archive.namelist())

    assert set() == (set(tracked.splitlines()) | schemas | PLATFORM) - packed


# Of what a cluster begins with, a file of each folder.
PLATFORM = {
    "modelctl/starter/argocd/config/configmap-argocd-cm.yaml",
    "modelctl/starter/argocd/platform/prod/keda.yaml",
    "modelctl/starter/argocd/platform/prod/site/clusterissuer-models.yaml",
}


def test_nothing_else_is_importable(program: Path) -> None:
    """The test is honest: what only an extra brings is not there."""
    found = subprocess.run(
        [program.with_name("python"), "-c", FIND, *NEVER_NEEDED, "modelctl"],
        cwd=program.parent, check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip

    assert [str(program.parents[1])] == [line.split("/lib/")[0] for line in found.splitlines()]


FIND = """
import importlib.util, sys
for name in sys.argv[1:]:
    spec = importlib.util.find_spec(name)
    if spec: print(spec.origin)
"""


def test_help(modelctl: "Modelctl") -> None:
    """Every command is listed, whatever it needs."""
    shown = modelctl("--help")

    assert [] == [name for name in COMMANDS if f"\n    {name} " not in shown]


def test_reading(modelctl: "Modelctl") -> None:
    """What only reads finds schemas, rules and renderer, and nothing to say."""
    assert "no findings" in modelctl("check")
    assert "" == modelctl("render", "--check")
    assert modelctl("explain", "weights-sum-100").startswith("# weights-sum-100")
    assert "weights-sum-100" in modelctl("rules")


def test_a_finding_of_a_schema(modelctl: "Modelctl") -> None:
    """The schemas of the wheel judge."""
    typed = modelctl.repository / "apps" / "linear" / "model.yaml"
    before = typed.read_text(encoding="utf-8")
    typed.write_text(f"{before}\nshape: round\n", encoding="utf-8")
    try:
        shown = modelctl("check", exit_code=1)
    finally:
        typed.write_text(before, encoding="utf-8")

    assert 'found the unknown field "shape"' in shown


def test_editing(modelctl: "Modelctl") -> None:
    """An edit is rendered, checked and committed."""
    shown = modelctl("shift", "linear", "--env", "prod", "r1=10", "--commit")

    assert "apps/linear: Send 10% to r1 in prod" in shown
    assert "{r1: 10, r2: 90}" in git(modelctl.repository, "show", "--format=", "HEAD")


def test_a_command_that_needs_an_extra(modelctl: "Modelctl") -> None:
    """It says how to get it; what only reads its state needs nothing."""
    assert "pip install 'modelctl[local]'" in modelctl("up", exit_code=2)
    assert "is not running" in modelctl("status", exit_code=2)


def test_a_repository_of_ones_own(complete: Path, tmp_path: Path) -> None:
    """From nothing but two wheels and an ONNX file to an answer of the model."""
    modelctl = Modelctl(complete, tmp_path)
    modelctl("init", "shop")
    modelctl.repository = tmp_path / "shop"
    modelctl("new", "linear", "--artifact", str(ARTIFACT), "--commit")

    assert "no findings" in modelctl("check")
    with serving(complete, modelctl.repository):
        told = modelctl("predict", "linear")
    assert "linear r1 answered" in told


ARTIFACT = PROJECT / "examples" / "artifacts" / "linear" / "r1.onnx"


@contextmanager
def serving(program: Path, repository: Path) -> Iterator[None]:
    """`modelctl up` in a repository, once all is well, until it is left."""
    words = [program, "up", "--port", "0", "--status-port", "0"]
    with (
        (repository.parent / "up.log").open("w") as log,
        subprocess.Popen(words, cwd=repository, stdout=log, stderr=log) as process,
    ):
        try:
            until(lambda: subprocess.run([program, "status"], cwd=repository, check=False,
                                         capture_output=True, text=True),
                  lambda done: done.returncode == 0, shown=lambda done: done.stdout)  # fmt: skip
            yield
        finally:
            process.terminate()
            process.wait(PATIENCE_S)
