"""The linter's shortcuts say what ansible-lint says."""

import os
import sys
from pathlib import Path

import pytest

pytest.importorskip("ansiblelint", reason="make setup-roles installs ansible-lint")

from ansiblelint.file_utils import Lintable

from harness import lint

pytestmark = pytest.mark.roles
PLAYBOOK = """---
- name: Ask every host
  hosts: localhost
  tasks:
    - name: Ping
      ansible.builtin.{}:
"""


def test_a_copy_is_a_tasks_own() -> None:
    """What a rule changes in its copy of a task is not seen by the next rule."""
    task = {"name": "Ping", "ansible.builtin.ping": {"data": ["a"]}, "__line__": 1}
    made = lint.copied(task)
    made["ansible.builtin.ping"]["data"].append("b")

    assert {"name": "Ping", "ansible.builtin.ping": {"data": ["a"]}, "__line__": 1} == task
    assert ["a", "b"] == made["ansible.builtin.ping"]["data"]


@pytest.mark.parametrize(("module", "is_read"), [("ping", True), ("pong", False)])
def test_a_playbook_that_ansible_does_not_read_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, module: str, *, is_read: bool
) -> None:
    """One fault among all playbooks has ansible-lint ask one by one."""
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    for name, named in (("good", "ping"), ("other", module)):
        (tmp_path / f"{name}.yml").write_text(PLAYBOOK.format(named))
    files = [Lintable(tmp_path / f"{name}.yml", kind="playbook") for name in ("good", "other")]

    assert is_read == lint.are_read(files)
