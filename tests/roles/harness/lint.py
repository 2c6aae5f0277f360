"""ansible-lint as it is, without the work that it does again and again.

    python -m harness.lint [ansible-lint's arguments]

It copies every task deeply for every rule, each text with the place that it was read from, which
is half of its time; and it starts ansible-playbook once a playbook and role. Here texts, which
nothing changes, are not copied, and few processes read all playbooks; where they find a fault
ansible-lint asks one by one and tells it as ever.
"""

import copy
import os
import subprocess
import sys
import tempfile
from collections.abc import MutableMapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import ansiblelint.utils
import yaml
from ansiblelint.__main__ import main
from ansiblelint.errors import MatchError
from ansiblelint.file_utils import Lintable
from ansiblelint.runner import Runner

# One process a processor: each takes a second to start.
PROCESSES = os.cpu_count() or 1
REPLACED = ((ansiblelint.utils, "_sanitize_task"), (Runner, "_run_syntax_check_phase"))


def copied(value: Any) -> Any:  # noqa: ANN401 - whatever YAML holds
    """A task with mappings and lists of its own and the same texts."""
    if isinstance(value, MutableMapping):
        made = copy.copy(value)
        for key, item in value.items():
            made[key] = copied(item)
        return made
    if isinstance(value, list):
        own = copy.copy(value)
        own[:] = [copied(item) for item in value]
        return own
    return value


def sanitized(task: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """What ansible-lint's own function gives: a copy without its internal keys."""
    return ansiblelint.utils._remove_task_internal_keys(copied(task))


def play(role: str) -> dict[str, Any]:
    """A play that reads a role."""
    task = {"name": "Read the role", "ansible.builtin.import_role": {"name": role}}
    return {"name": "Read a role", "hosts": "localhost", "tasks": [task]}


def is_read(playbooks: list[str]) -> bool:
    """Whether Ansible reads some playbooks without a fault."""
    quiet = {"PYTHONWARNINGS": "ignore", "ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED": "False"}
    command = ["ansible-playbook", "--syntax-check", *playbooks]
    return (
        not playbooks
        or not subprocess.run(
            command, env=os.environ | quiet, capture_output=True, check=False
        ).returncode
    )


def are_read(files: list[Lintable]) -> bool:
    """Whether Ansible reads all playbooks and roles, a share of them a process."""
    playbooks = [str(file.path) for file in files if file.kind == "playbook"]
    roles = [str(file.path.absolute()) for file in files if file.kind == "role"]
    with (
        tempfile.TemporaryDirectory() as folder,
        ThreadPoolExecutor(PROCESSES) as pool,
    ):
        whole = Path(folder) / "roles.yml"
        whole.write_text(yaml.safe_dump([play(role) for role in roles]))
        listed = [*playbooks, *([str(whole)] if roles else [])]
        return all(pool.map(is_read, [listed[start::PROCESSES] for start in range(PROCESSES)]))


def once(one_by_one: Any) -> Any:  # noqa: ANN401 - a method of ansible-lint
    """The phase of ansible-lint that has Ansible read the files, in few processes."""

    def phase(runner: Runner, matches: list[MatchError]) -> list[Lintable]:
        files = runner._collect_syntax_check_files()
        return files if are_read(files) else one_by_one(runner, matches)

    return phase


def lint() -> int:
    """Run ansible-lint and give its exit status."""
    for owner, name in REPLACED:
        if not hasattr(owner, name):
            sys.exit(f"lint: found no {name} in this ansible-lint; see what replaced it")
    ansiblelint.utils._sanitize_task = sanitized
    Runner._run_syntax_check_phase = once(Runner._run_syntax_check_phase)
    return main(["ansible-lint", *sys.argv[1:]])


if __name__ == "__main__":
    sys.exit(lint())
