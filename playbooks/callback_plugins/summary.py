"""Writes the JSON summary of a playbook that stops before it can write its own.

``tasks/summary.yml`` ends every playbook that gets so far; a failure that stops all hosts, or a
refused input, skips it.
"""

import json
from pathlib import Path
from typing import Any, ClassVar

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: summary
type: aggregate
short_description: writes the JSON summary of a playbook that stopped early
description:
  - Has the keys of the summary that a playbook writes at its end, with C(completed) false and
    C(failures), each with host, task and message.
  - Writes nothing in check mode, as the playbook itself.
"""
WRITES = "playbooks/tasks/summary.yml"


class CallbackModule(CallbackBase):  # type: ignore[misc]
    """Remembers failures, and whether the playbook wrote its summary."""

    CALLBACK_VERSION: ClassVar[float] = 2.0
    CALLBACK_TYPE: ClassVar[str] = "aggregate"
    CALLBACK_NAME: ClassVar[str] = "summary"
    CALLBACK_NEEDS_ENABLED: ClassVar[bool] = False

    def __init__(self) -> None:
        super().__init__()
        self.playbook = Path()
        self.play: Any = None
        self.written = False
        self.failures: dict[str, dict[str, str]] = {}
        self.hosts: dict[str, Any] = {}

    def v2_playbook_on_start(self, playbook: Any) -> None:  # noqa: ANN401
        """Remember which playbook runs."""
        self.playbook = Path(playbook._file_name).resolve()  # noqa: SLF001 - no public name

    def v2_playbook_on_play_start(self, play: Any) -> None:  # noqa: ANN401
        """Remember the play, which knows the variables."""
        self.play = play

    def v2_runner_on_ok(self, result: Any) -> None:  # noqa: ANN401
        """Note that the playbook wrote its summary itself."""
        if WRITES in result.task.get_path() and result.task.action.endswith("copy"):
            self.written = True

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:  # noqa: ANN401, FBT001, FBT002
        """Remember the last failure of a host; a rescued one is dropped at the end."""
        if not ignore_errors:
            self.remember(result)

    def v2_runner_on_unreachable(self, result: Any) -> None:  # noqa: ANN401
        """Remember a host that cannot be reached."""
        self.remember(result)

    def remember(self, result: Any) -> None:  # noqa: ANN401
        """Keep what a person needs to know of a failure."""
        host, told = result.host.get_name(), result.result
        self.hosts[host] = result.host
        message = told.get("msg") or told.get("stderr") or "no message; see the run's output"
        self.failures[host] = {
            "host": host,
            "task": result.task.get_name(),
            "message": str(message).strip(),
        }

    def v2_playbook_on_stats(self, stats: Any) -> None:  # noqa: ANN401
        """Write the summary where hosts failed and the playbook did not write it."""
        failed = sorted(self.failures.keys() & {*stats.failures, *stats.dark})
        if self.written or not failed:
            return
        manager = self.play.get_variable_manager()
        variables = manager.get_vars(play=self.play, host=self.hosts[failed[0]])
        cluster, name = variables.get("cluster_name"), self.playbook.stem
        if not cluster or variables.get("ansible_check_mode"):
            return
        reports = self.playbook.parent.parent / "build" / "reports"
        path = Path(variables.get("report_path") or reports / f"{cluster}-{name}.json")
        summary = {
            "playbook": name,
            "cluster": cluster,
            "environment": variables.get("cluster_environment", ""),
            "check_mode": False,
            "completed": False,
            "hosts": {"completed": [], "failed": failed},
            "failures": [self.failures[host] for host in failed],
            "result": {"ok": False},
        }
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(summary, indent=4, sort_keys=True) + "\n")
        self._display.display(f"The run stopped early; its summary is in {path}")
