"""What tests of roles share: playbooks run through ansible-runner and read by their events."""

import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.content import BUILD, PROJECT, TESTS
from harness.events import Run, play


@pytest.fixture
def ansible_environment() -> dict[str, str]:
    """Environment of every Ansible command: the project's settings, the test build folder."""
    return {
        "ANSIBLE_CONFIG": str(PROJECT / "ansible.cfg"),
        "ANSIBLE_CONNECTION_PLUGINS": str(TESTS / "plugins" / "connection"),
        "ANSIBLE_ROLES_PATH": str(PROJECT / "roles"),
        "MODELCTL_ROLES_BUILD": str(BUILD),
        "MODELCTL_ROLES_TESTS": str(TESTS),
        "PATH": f"{PROJECT / '.venv' / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(TESTS / "plugins"),
    }


@pytest.fixture
def run_playbook(ansible_environment: dict[str, str], tmp_path: Path) -> Callable[..., Run]:
    """Run a playbook with an inventory: `run_playbook(path, hosts, extra={}, check=True)`."""

    def run(playbook: Path, inventory: Path | dict[str, Any], **options: Any) -> Run:  # noqa: ANN401
        return play(
            playbook, inventory, folder=tmp_path, environment=ansible_environment, **options
        )

    return run


@pytest.fixture
def ansible(
    ansible_environment: dict[str, str],
) -> Callable[..., "subprocess.CompletedProcess[str]"]:
    """Run an Ansible command of the virtual environment in the project's folder."""

    def run(*words: str) -> "subprocess.CompletedProcess[str]":
        environment = os.environ | ansible_environment
        done = subprocess.run(
            words, cwd=PROJECT, env=environment, capture_output=True, text=True, check=False
        )
        done.stdout = re.sub(r"\x1b\[[0-9;]*m", "", done.stdout)
        return done

    return run
