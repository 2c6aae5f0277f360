"""What a failure says: where, what was found, what was expected, and what to do about it."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.content import PROJECT
from harness.roles import ROLES, inside, module, read, task_files, tasks

ASSERTIONS = ("ansible.builtin.assert", "ansible.builtin.fail")
WORDS = ("{{ inventory_hostname }}", "found ", "expected ")
REMEDY = re.compile(r"expected .*(\.\s+[A-Z]|Remedy: )", re.DOTALL)
ELSEWHERE = {
    "Assert that the hosts can become the cluster",
    "Assert that every repository key has the expected fingerprint",
    "Check that nothing failed",
}
"""Tasks whose words come from Python, one finding after another: its own tests hold them to it."""


def of_playbook(path: Path) -> Iterator[dict[str, Any]]:
    """Tasks of the plays of a playbook, or of a file that plays include."""
    for item in read(path) or []:
        if "hosts" in item:
            for part in ("pre_tasks", "tasks", "post_tasks", "handlers"):
                yield from inside(item.get(part) or [])
        else:
            yield from inside([item])


def failures() -> list[Any]:
    """Every task that may end a run by its own words, with its file's name."""
    listed = [(file, task) for role in ROLES for file in task_files(role) for task in tasks(file)]
    playbooks = sorted(
        [*(PROJECT / "playbooks").glob("*.yml"), *(PROJECT / "playbooks" / "tasks").glob("*.yml")]
    )
    listed += [(file, task) for file in playbooks for task in of_playbook(file)]
    return [
        pytest.param(task, id=f"{file.relative_to(PROJECT)}: {task['name']}")
        for file, task in listed
        if module(task) in ASSERTIONS and task["name"] not in ELSEWHERE
    ]


@pytest.mark.parametrize("task", failures())
def test_a_failure_says_where_what_and_what_to_do(task: dict[str, Any]) -> None:
    """The message names the host, what was found and expected, and ends in a remedy."""
    arguments = task[module(task)]
    message = str(arguments.get("fail_msg") or arguments.get("msg") or "")

    assert [] == [word for word in WORDS if word not in message]
    assert REMEDY.search(message)
