"""Every playbook is read by Ansible and shows its phases; every file passes the linters."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from harness.content import PROJECT, TESTS

pytestmark = pytest.mark.roles
Ansible = Callable[..., "subprocess.CompletedProcess[str]"]
PLAYBOOKS = sorted((PROJECT / "playbooks").glob("*.yml"))
SAMPLE = PROJECT / "inventories" / "sample"
NEWER_PYTHONS = ("python3.14", "python3.13", "python3.12")


@pytest.mark.parametrize("playbook", PLAYBOOKS, ids=lambda path: path.name)
@pytest.mark.parametrize("option", ["--syntax-check", "--list-tasks"])
def test_a_playbook_is_read_without_a_warning(
    ansible: Ansible, playbook: Path, option: str
) -> None:
    """Ansible reads the playbook with the sample inventory and has nothing to say."""
    done = ansible("ansible-playbook", "-i", str(SAMPLE), str(playbook), option)

    assert 0 == done.returncode, done.stderr
    assert "WARNING" not in done.stderr


def test_site_shows_its_phases(ansible: Ansible) -> None:
    """`--list-tasks` of site.yml names the way from bare hosts to Argo CD in order."""
    playbook = PROJECT / "playbooks" / "site.yml"
    shown = ansible("ansible-playbook", "-i", str(SAMPLE), str(playbook), "--list-tasks").stdout
    order = ("preflight", "node_base", "containerd", "control_plane", "worker", "cni", "argocd")
    first = [shown.find(f"{role} : ") for role in order]

    assert -1 not in first
    assert sorted(first) == first


def places(playbook: str, *names: str) -> list[int]:
    """Where the first task of each name, `role/entry` or a task list, stands in a playbook."""
    found: list[str] = []
    for play in yaml.safe_load((PROJECT / "playbooks" / f"{playbook}.yml").read_text()):
        for task in play.get("tasks") or []:
            given = task.get("ansible.builtin.include_role") or {}
            found.append(f"{given.get('name')}/{given.get('tasks_from', 'main')}")
            found.append(str(task.get("ansible.builtin.include_tasks")))
    return [found.index(name) for name in names]


@pytest.mark.parametrize(
    ("playbook", "look", "touch"),
    [
        ("restore", "etcd_backup/restore_check", "reset/kubeadm"),
        ("restore", "etcd_backup/restore_check", "etcd_backup/restore"),
        ("upgrade", "etcd_backup/backup_now", "tasks/upgrade_control_plane.yml"),
        ("upgrade", "tasks/upgrade_control_plane.yml", "tasks/live_change.yml"),
        ("rotate_certs", "control_plane/renew_ended", "control_plane/renew_certificates"),
    ],
)
def test_what_can_fail_is_known_before_a_host_is_touched(
    playbook: str, look: str, touch: str
) -> None:
    """A backup is opened before members go, and kubeadm's Job runs before nodes are cordoned."""
    first, second = places(playbook, look, touch)

    assert first < second


def test_ended_certificates_are_renewed_on_all_at_once() -> None:
    """No etcd has a majority before the last one is renewed: the play waits for nobody's turn."""
    plays = yaml.safe_load((PROJECT / "playbooks" / "rotate_certs.yml").read_text())
    (play,) = [play for play in plays if play["name"] == "Renew what has ended"]

    assert "serial" not in play


def test_every_role_has_a_scenario() -> None:
    """A role without a molecule scenario is not tested."""
    roles = {path.name for path in (PROJECT / "roles").iterdir() if path.is_dir()}
    scenarios = {path.parent.name for path in TESTS.glob("molecule/*/molecule.yml")}

    assert [] == sorted(roles - scenarios)


def starts(python: str) -> bool:
    """Whether a Python is there and starts; a version manager's shim may not."""
    path = shutil.which(python)
    return bool(path) and not subprocess.run([path, "-c", ""], check=False).returncode


@pytest.mark.timeout(600)
def test_the_newest_ansible_reads_every_playbook(tmp_path: Path) -> None:
    """Where a newer Python is present, the newest ansible-core reads the playbooks too."""
    python = next(filter(starts, NEWER_PYTHONS), None)
    if python is None:
        pytest.skip(f"no newer Python: none of {', '.join(NEWER_PYTHONS)} starts from PATH")
    subprocess.run([python, "-m", "venv", str(tmp_path / "venv")], check=True)
    wanted = ["ansible>=14,<15", "kubernetes", "pysequoia"]
    install = [str(tmp_path / "venv/bin/pip"), "-qq", "install", *wanted]
    subprocess.run(install, check=True)
    command = [str(tmp_path / "venv/bin/ansible-playbook"), "-i", str(SAMPLE), "--syntax-check"]

    done = subprocess.run(
        [*command, *map(str, PLAYBOOKS)], cwd=PROJECT, capture_output=True, text=True, check=False
    )

    assert 0 == done.returncode, done.stderr
