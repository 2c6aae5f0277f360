"""The JSON summary of a playbook that stops before its end."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.content import PROJECT
from harness.events import Run

pytestmark = pytest.mark.roles
VARIABLES = {"cluster_name": "lab", "cluster_endpoint": "cp1:6443"}
ABSENT = {"ansible_connection": "nodes", "ansible_host": "no-such-host"}


def inventory(**host: str) -> dict[str, Any]:
    """One control plane, which is this machine unless `host` says otherwise."""
    hosts = {"hosts": {"cp1": {"ansible_connection": "local"} | host}}
    groups = {"cluster": {"children": {"control_plane": hosts, "workers": {"hosts": {}}}}}
    return {"all": {"children": groups, "vars": VARIABLES}}


@pytest.fixture
def summary_of(
    run_playbook: Callable[..., Run], tmp_path: Path
) -> Callable[..., dict[str, Any] | None]:
    """Summary that a playbook leaves behind, None where there is none."""

    def run(
        playbook: str, host: dict[str, str], *, check: bool = False, **variables: str
    ) -> dict[str, Any] | None:
        path = tmp_path / "reports" / "summary.json"
        extra = {"report_path": str(path), **variables}
        playbooks = PROJECT / "playbooks"
        done = run_playbook(
            playbooks / f"{playbook}.yml", inventory(**host), extra=extra, check=check
        )
        assert "failed" == done.status
        assert [] == done.warnings
        return json.loads(path.read_text()) if path.exists() else None

    return run


def test_a_refused_input_is_in_the_summary(
    summary_of: Callable[..., dict[str, Any] | None],
) -> None:
    """Another cluster's name stops reset.yml; the summary has what the person reads."""
    summary = summary_of("reset", {}, confirm_cluster="another")

    assert summary is not None
    assert ("reset", "lab", False) == tuple(
        summary[key] for key in ("playbook", "cluster", "completed")
    )
    assert {"completed": [], "failed": ["cp1"]} == summary["hosts"]
    (failure,) = summary["failures"]
    assert "cp1" == failure["host"]
    assert all(word in failure["message"] for word in ("found", "another", "expected", "Remedy"))


def test_a_host_that_cannot_be_reached_is_in_the_summary(
    summary_of: Callable[..., dict[str, Any] | None],
) -> None:
    """A host that is down is named with what the connection said."""
    summary = summary_of("verify", ABSENT)

    assert summary is not None
    assert ["cp1"] == summary["hosts"]["failed"]
    assert "no-such-host does not run" in summary["failures"][0]["message"]


def test_check_mode_writes_no_summary(
    summary_of: Callable[..., dict[str, Any] | None],
) -> None:
    """A run that changes nothing leaves no file behind either."""
    assert summary_of("reset", {}, check=True, confirm_cluster="another") is None
