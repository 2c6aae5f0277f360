"""Repositories that are built once, and a bundle that is collected from them once."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.content import PROJECT, locked
from harness.events import Run, play
from roles.bundle.bundle_kit import publish_all, variables

HOSTS = {"all": {"hosts": {"localhost": {"ansible_connection": "local"}}}}


@pytest.fixture(scope="session")
def publisher(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with every publisher's repository."""
    missing = [name for name in ("apt-ftparchive", "dpkg-deb", "apt-get") if not shutil.which(name)]
    if missing:
        pytest.skip(f"missing: {', '.join(missing)} (Debian's packages apt, apt-utils and dpkg)")
    pytest.importorskip("pysequoia", reason="Ansible is not installed: make setup-roles")
    root = tmp_path_factory.mktemp("publisher")
    with locked():
        publish_all(root)
    return root


@pytest.fixture(scope="session")
def run_bundle(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Run]:
    """Run a playbook of the bundle: `run_bundle("bundle", variables, check=True)`."""
    pytest.importorskip("ansible_runner", reason="Ansible is not installed: make setup-roles")
    environment = {
        "ANSIBLE_CONFIG": str(PROJECT / "ansible.cfg"),
        "PATH": f"{PROJECT / '.venv' / 'bin'}{os.pathsep}{os.environ['PATH']}",
    }

    def run(name: str, extra: dict[str, Any], **options: Any) -> Run:  # noqa: ANN401
        folder = tmp_path_factory.mktemp("run")
        told = environment | options.pop("environment", {})
        playbook = PROJECT / "playbooks" / f"{name}.yml"
        return play(playbook, HOSTS, folder=folder, environment=told, extra=extra, **options)

    return run


@pytest.fixture(scope="session")
def collected(
    publisher: Path, run_bundle: Callable[..., Run], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A bundle of both Debians without images; tests that change it take a copy."""
    bundle = tmp_path_factory.mktemp("collected") / "bundle"
    run = run_bundle("bundle", variables(publisher, bundle))
    assert run.status == "successful", run.text
    assert run.warnings == []
    return bundle


@pytest.fixture
def bundle(collected: Path, tmp_path: Path) -> Path:
    """A copy of the collected bundle."""
    return shutil.copytree(collected, tmp_path / "bundle")
