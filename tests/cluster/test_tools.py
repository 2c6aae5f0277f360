"""Where the programs of the cluster's tests are looked for, and what is said where they are not."""

import re
from pathlib import Path

import pytest

from tests.cluster import tools


def test_assets_of_the_environment_come_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """KUBEBUILDER_ASSETS names a folder of built programs, as for other tests of controllers."""
    (tmp_path / "kube-apiserver").touch()
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(tmp_path))

    assert tmp_path / "kube-apiserver" == tools.find("kube-apiserver")


def test_what_is_missing_is_named_with_what_helps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each program that is not there, how it is built, and which package has it."""
    monkeypatch.delenv("KUBEBUILDER_ASSETS", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    said = tools.missing("etcd", "kube-apiserver")

    assert "etcd, kube-apiserver not found: make cluster-tools builds it" in said
    assert "etcd-server" in said


def test_each_program_is_pinned_as_a_tool() -> None:
    """`go.mod` lists every program that can be built, and `go.sum` its module."""
    pins = (Path(tools.__file__).parent / "go.mod").read_text(encoding="utf-8")
    listed = re.findall(r"^(?:tool|\t)\s*(\S+/cmd/\S+)$", pins, re.MULTILINE)

    assert set(tools.PACKAGES.values()) == set(listed)


def test_each_source_of_crds_is_pinned_by_its_sum() -> None:
    """What is downloaded must be what was looked at."""
    assert [] == [each.module for each in tools.sources() if not each.sum.startswith("h1:")]
