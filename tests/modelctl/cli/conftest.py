"""A scratch repository with one model, made by the commands themselves."""

import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from modelctl.__main__ import main
from modelctl.store import folder
from registries import registry
from scratch import PROJECT, init, use_own_hosts
from tests.modelctl.cli.linear import EDIT

ARTIFACTS = PROJECT / "examples" / "artifacts" / "linear"
IMAGE = f"registry.models.test/modelserver@sha256:{'ab' * 32}"

Modelctl = Callable[..., str]
_WAIVER = "# modelctl: waive addresses-reachable until 9999-12-31: it is on this machine\n"
_STAGING = re.compile(r"(  - name: staging\n(?:    .+\n)+?)(    gateway: .+\n)")


@pytest.fixture
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A git repository with environments and teams, and no model yet."""
    shutil.copytree(PROJECT / "argocd", tmp_path / "argocd")
    shutil.rmtree(tmp_path / "argocd" / "applications", ignore_errors=True)
    use_own_hosts(tmp_path)
    init(tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def modelctl(capsys: pytest.CaptureFixture[str]) -> Modelctl:
    """Run the command line in this process and give what it printed."""

    def run(*words: str, exit_code: int = 0) -> str:
        found = main(words)
        output = capsys.readouterr()
        assert found == exit_code, output.err + output.out
        return output.out + output.err

    return run


@pytest.fixture
def served(scratch: Path, modelctl: Modelctl) -> Path:
    """The scratch repository with the model `linear`, releases r1 and r2, r1 in `local`."""
    modelctl(
        "new", "linear", "--artifact", str(ARTIFACTS / "r1.onnx"), "--owner", "forecasting",
        "--description", "Predicts y from x.", "--image", IMAGE, "--commit",
    )  # fmt: skip
    modelctl("release", "linear", "--artifact", str(ARTIFACTS / "r2.onnx"), "--commit")
    return scratch


@pytest.fixture
def shifted(served: Path, modelctl: Modelctl) -> Path:
    """The model with r1 stable at 50 and r2 at 50."""
    modelctl("shift", *EDIT, "r2=0")
    modelctl("shift", *EDIT, "r2=50")
    return served


@pytest.fixture
def promoted(shifted: Path, modelctl: Modelctl) -> Path:
    """The model with r2 stable at 100 and r1 warm at 0."""
    modelctl("promote", *EDIT)
    return shifted


@pytest.fixture(scope="session")
def storehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a real registry that holds artifacts."""
    if shutil.which("docker-registry") is None:
        pytest.skip("docker-registry is not installed: apt-get install docker-registry")
    here = tmp_path_factory.mktemp("registry")
    with registry(here, here / "data") as address:
        yield address


@pytest.fixture
def store(storehouse: str) -> str:
    """The place of an environment's store that no other test has."""
    return f"oci://{storehouse}/models/{uuid4().hex}"


@pytest.fixture
def stored(served: Path, store: str, modelctl: Modelctl) -> Path:
    """The model `linear`, its files in the laptop's store; staging reads from a registry."""
    for release in sorted((served / "apps/linear/releases").iterdir()):
        text = release.read_text("utf-8")
        for uri in re.findall(r"https://models\.example\.com/[^\"]+", text):
            file = served / "examples/artifacts" / uri.removeprefix("https://models.example.com/")
            sha256 = folder.put(served, file.read_bytes())
            _, ending = file.name.split(".", 1)
            file.unlink()
            text = text.replace(uri, f"store:///{sha256}.{ending}")
        release.write_text(text, "utf-8")
    environments = served / "argocd/environments.yaml"
    text, count = _STAGING.subn(
        rf'\1\2    store: "{store}"' + "\n", environments.read_text("utf-8")
    )
    assert 1 == count
    environments.write_text(f"{text}{_WAIVER}", "utf-8")
    modelctl("render")
    shutil.rmtree(served / ".git")  # a release that has been there is not edited
    init(served)
    return served
