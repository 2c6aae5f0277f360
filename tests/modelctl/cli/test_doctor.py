"""`modelctl doctor`: what is missing is told with a remedy, and nothing is asked of a network."""

import json
import os
import shutil
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from modelctl.doctor import installed, machine
from modelctl.doctor.values import Look, Verdict
from modelctl.model.onnxruntime_support import ONNXRUNTIME
from scratch import git

Modelctl = Callable[..., str]
Looks = Callable[..., dict[str, dict[str, str]]]


@pytest.fixture
def looks(modelctl: Modelctl) -> Looks:
    """The looks by what they are at."""

    def found(exit_code: int = 0) -> dict[str, dict[str, str]]:
        told = json.loads(modelctl("doctor", "--format", "json", exit_code=exit_code))
        return {look["at"]: look for look in told["looks"]}

    return found


def test_all_is_there(served: Path, looks: Looks) -> None:
    """In a healthy repository nothing fails, and each warning has a remedy."""
    assert served
    found = looks()

    assert {"ok"} == {found[at]["verdict"] for at in ("git", "git identity", "environments")}
    assert all(look["remedy"] for look in found.values() if look["verdict"] != "ok")
    assert {"ONNX Runtime", "Envoy", "port 8080", "kubectl", "prod"} <= found.keys()


def test_no_identity(served: Path, looks: Looks, monkeypatch: pytest.MonkeyPatch) -> None:
    """An edit could not be committed: that fails."""
    for name in ("GIT_AUTHOR_NAME", "GIT_COMMITTER_NAME", "EMAIL"):
        monkeypatch.setenv(name, "")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    git(served, "config", "--unset", "user.name")

    assert "git config user.name" in looks(exit_code=1)["git identity"]["remedy"]


def test_no_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, modelctl: Modelctl) -> None:
    """What does not depend on one is looked at, and the way to one is told."""
    monkeypatch.chdir(tmp_path)
    told = modelctl("doctor", exit_code=1)

    assert "ok    python" in told
    assert "modelctl init DIR" in told


def test_what_a_repository_lacks(served: Path, looks: Looks) -> None:
    """Hooks, CI, marks of generated files, schemas, and what Argo CD begins with."""
    (served / "argocd/bootstrap/prod.yaml").unlink()
    git(served, "switch", "--quiet", "--detach")
    found = looks()

    for at in ("pre-commit", "CI", "reviews", "schemas", "prod", "branch"):
        assert "warn" == found[at]["verdict"], found[at]
    assert "modelctl render" == found["prod"]["remedy"]


def test_another_version_than_pinned(served: Path, looks: Looks) -> None:
    """The pin of the repository is what everybody should have."""
    (served / "requirements.txt").write_text("modelctl[local]==9.9.9\n")

    assert "pins 9.9.9" in looks()["modelctl"]["found"]


def test_a_port_in_use(looks: Looks, served: Path) -> None:
    """It is said which option takes another one."""
    assert served
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            taken.bind(("127.0.0.1", 8081))
        except OSError:
            pytest.skip("port 8081 is in use here")
        taken.listen()

        assert "`modelctl up --status-port 0`" in looks()["port 8081"]["remedy"]


@pytest.mark.parametrize(
    ("free", "verdict"), [(1 << 40, Verdict.OK), (1 << 29, Verdict.WARN), (1, Verdict.FAIL)]
)
def test_disk(free: int, verdict: Verdict, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Little space warns, none fails."""
    usage = shutil.disk_usage(tmp_path)._replace(free=free)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    found = {look.at: look for look in machine.looks(tmp_path)}

    assert verdict is found["disk"].verdict


@pytest.mark.parametrize(
    ("version", "verdict"),
    [("", Verdict.FAIL), ("1.2.0", Verdict.WARN), (f"{ONNXRUNTIME}.7", Verdict.OK)],
)
def test_onnx_runtime(version: str, verdict: Verdict, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another one than `check` judges by warns, none fails."""
    monkeypatch.setattr(installed, "_version", lambda _: version)
    found: dict[str, Look] = {look.at: look for look in installed.looks_for_serving()}

    assert verdict is found["ONNX Runtime"].verdict
