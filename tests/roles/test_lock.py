"""The lock of the test hosts has the shape of versions.yml and names what the repository holds."""

import re
from typing import Any

import pytest
import yaml

from harness.content import PROJECT, TESTS
from harness.stub_packages import stubs

TEST_LOCK: dict[str, Any] = yaml.safe_load((TESTS / "molecule" / "versions.yml").read_text())
LOCK: dict[str, Any] = yaml.safe_load((PROJECT / "versions.yml").read_text())
VERSIONS = TEST_LOCK["versions"]


def test_both_locks_name_the_same_entries_with_the_same_keys() -> None:
    """A role that reads the test lock reads the real one too."""
    wanted = {name: set(entry) for name, entry in LOCK["versions"].items()}

    assert wanted == {name: set(entry) for name, entry in VERSIONS.items()}


def test_tests_run_with_the_versions_of_the_lock() -> None:
    """What is tested is what would be installed."""
    wanted = {name: entry["version"] for name, entry in LOCK["versions"].items()}

    assert wanted == {name: entry["version"] for name, entry in VERSIONS.items()}


@pytest.mark.parametrize(
    ("entry", "package"),
    [
        ("kubernetes", "kubeadm"),
        ("containerd", "containerd.io"),
        ("nvidia_driver", "nvidia-open"),
        ("nvidia_container_toolkit", "nvidia-container-toolkit-base"),
    ],
)
def test_the_repository_holds_more_than_the_locked_version(entry: str, package: str) -> None:
    """The locked version is there, an older one to upgrade from, and a newer one to refuse."""
    locked = VERSIONS[entry]["version"]
    held = {re.split("[-~]", stub.version)[0] for stub in stubs() if stub.name == package}

    assert locked in held
    assert len(held) > 1


def test_every_manifest_of_the_lock_is_there() -> None:
    """A manifest is named by its path below the tests."""
    named = [
        entry["url"].split("}}")[1]
        for entry in VERSIONS.values()
        if "sha256" in entry and "url" in entry
    ]

    assert [] == [path for path in named if not (TESTS / path.lstrip("/")).is_file()]
