"""Fails a converge that warns, calls what is deprecated, or would change a converged host."""

import os
from pathlib import Path
from typing import Any, ClassVar

import yaml
from ansible import context
from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: strict
type: aggregate
short_description: fails a test's converge on warnings, deprecations and changes in check mode
description:
  - A role must converge without a warning, and check mode after it must report no change.
requirements: [enabled for tests only]
"""


class CallbackModule(CallbackBase):  # type: ignore[misc]
    """Collects what a converge must not do and ends the run with it."""

    CALLBACK_VERSION: ClassVar[float] = 2.0
    CALLBACK_TYPE: ClassVar[str] = "aggregate"
    CALLBACK_NAME: ClassVar[str] = "strict"
    CALLBACK_NEEDS_ENABLED: ClassVar[bool] = True

    def __init__(self) -> None:
        super().__init__()
        self.faults: list[str] = []
        self.active = False

    def v2_playbook_on_start(self, playbook: Any) -> None:  # noqa: ANN401
        """Watch converge playbooks only: refusals of the other ones may warn."""
        self.active = Path(playbook._file_name).name == "converge.yml"

    def v2_runner_on_ok(self, result: Any) -> None:  # noqa: ANN401
        """Collect from a result that is not a failure."""
        told = result.result
        where = f"[{result.host.get_name()}] {result.task.get_name()}"
        if told.get("changed") and context.CLIARGS.get("check") and converged():
            self.faults.append(f"{where}: would change a converged host")
        for kind in ("warnings", "deprecations"):
            self.faults += [f"{where}: {kind}: {said}" for said in told.get(kind) or []]

    def v2_playbook_on_stats(self, stats: Any) -> None:  # noqa: ANN401, ARG002
        """End the run with status 1 where a fault was found."""
        if self.active and self.faults:
            self._display.error("\n".join(["strict: expected a silent converge", *self.faults]))
            raise SystemExit(1)


def converged() -> bool:
    """Whether molecule has converged the scenario before."""
    state = Path(os.environ.get("MOLECULE_EPHEMERAL_DIRECTORY", "")) / "state.yml"
    return state.is_file() and bool(yaml.safe_load(state.read_text()).get("converged"))
