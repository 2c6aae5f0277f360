"""A playbook's run as its events say it, through ansible-runner."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml


@dataclass(frozen=True)
class Task:
    """One task's result on one host."""

    host: str
    name: str
    event: str
    result: dict[str, Any]

    def __str__(self) -> str:
        return f"[{self.host}] {self.name}"

    @property
    def message(self) -> str:
        """What a failed task says."""
        return str(self.result.get("msg", ""))


@dataclass(frozen=True)
class Run:
    """What a run of a playbook did."""

    status: str
    tasks: list[Task] = field(default_factory=list)
    text: str = ""

    def of(self, *events: str) -> list[Task]:
        """Results of some kinds, such as `ok` or `failed`; an ignored failure is none."""
        wanted = {f"runner_on_{event}" for event in events}
        return [task for task in self.tasks if task.event in wanted]

    @property
    def changed(self) -> list[Task]:
        """Tasks that changed something, or would have in check mode."""
        return [task for task in self.of("ok") if task.result.get("changed")]

    @property
    def failed(self) -> list[Task]:
        """Tasks that failed, rescued ones with them, and hosts that could not be reached."""
        return self.of("failed", "unreachable")

    @property
    def warnings(self) -> list[str]:
        """Warnings and deprecated calls, each with its task."""
        kinds = ("warnings", "deprecations")
        told = [
            f"{task}: {said}"
            for task in self.tasks
            for k in kinds
            for said in task.result.get(k) or []
        ]
        lines = [line for line in self.text.splitlines() if "WARNING]" in line]
        return told + lines


def tasks_of(events: Iterable[dict[str, Any]]) -> list[Task]:
    """Results among ansible-runner's events."""
    found = []
    for event in events:
        data = event.get("event_data", {})
        if event["event"].startswith("runner_on_") and "res" in data:
            found.append(Task(data["host"], data["task"], event["event"], data["res"]))
    return found


def play(
    playbook: Path,
    inventory: Path | dict[str, Any],
    *,
    folder: Path,
    environment: dict[str, str],
    extra: dict[str, Any] | None = None,
    check: bool = False,
    limit: str | None = None,
    tags: str | None = None,
) -> Run:
    """Run a playbook; artifacts lie below `folder`."""
    import ansible_runner  # noqa: PLC0415  (tests without containers do without it)

    hosts = inventory
    if isinstance(inventory, dict):
        hosts = folder / "inventory.yml"
        hosts.write_text(yaml.safe_dump(inventory))
    done = ansible_runner.run(
        private_data_dir=str(folder),
        playbook=str(playbook),
        inventory=str(hosts),
        extravars=extra or {},
        envvars=environment,
        cmdline="--check" if check else None,
        limit=limit,
        tags=tags,
        quiet=True,
        suppress_env_files=True,
        settings={"suppress_ansible_output": True},
    )
    with done.stdout as text:
        return Run(done.status, tasks_of(done.events), text.read())
