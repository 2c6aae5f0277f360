"""The filters of roles containerd and nvidia_container_toolkit."""

from __future__ import annotations

import tomllib
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.plugins import load
from roles.gpu.gpu_trees import ROLES

TOML = load(ROLES / "containerd/filter_plugins/containerd_toml.py")
CDI = load(ROLES / "nvidia_container_toolkit/filter_plugins/nvidia_cdi.py")
LISTING = """GPU 0: NVIDIA H100 80GB HBM3 (UUID: GPU-a)
  MIG 3g.40gb     Device  0: (UUID: MIG-a)
  MIG 3g.40gb     Device  1: (UUID: MIG-b)
GPU 1: NVIDIA H100 80GB HBM3 (UUID: GPU-b)
GPU 10: NVIDIA H100 80GB HBM3 (UUID: GPU-c)
"""
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
values = st.one_of(texts, st.booleans(), st.integers(-(2**63), 2**63 - 1), st.lists(texts))
tables = st.recursive(
    st.dictionaries(texts, values, max_size=4),
    lambda inner: st.dictionaries(texts, st.one_of(values, inner), max_size=4),
    max_leaves=10,
)


@given(table=tables)
def test_toml_reads_back_as_written(table: dict[str, Any]) -> None:
    """Whatever data is written, a TOML reader finds the same data."""
    assert table == tomllib.loads(TOML.to_toml(table))


def test_toml_looks_like_containerd_s_own() -> None:
    """Plugin names are quoted, tables that hold only tables need no header of their own."""
    table = {"version": 4, "plugins": {"io.containerd.cri.v1.runtime": {"enable_cdi": True}}}

    text = TOML.to_toml(table)

    expected = 'version = 4\n\n[plugins."io.containerd.cri.v1.runtime"]\nenable_cdi = true\n'
    assert expected == text


def test_toml_refuses_what_it_has_no_form_for() -> None:
    """A value without a TOML form is an error that names its type."""
    with pytest.raises(TypeError, match="found NoneType, expected a string"):
        TOML.to_toml({"a": None})


def test_cdi_names_of_whole_and_divided_gpus() -> None:
    """A divided GPU counts by its parts alone, and names sort by number."""
    assert ["0:0", "0:1", "1", "10"] == CDI.cdi_names(LISTING)


def test_cdi_list_leaves_uuids_out() -> None:
    """UUIDs and the name for all devices are no devices of their own."""
    listing = "Found 4 CDI devices\nnvidia.com/gpu=1\nnvidia.com/gpu=0:1\nnvidia.com/gpu=GPU-a\n"

    assert ["0:1", "1"] == CDI.cdi_listed(listing + "nvidia.com/gpu=all\n")


def test_a_key_that_containerd_left_out_is_told() -> None:
    """A misspelt key, or one that ended, is in the file and not in the merged configuration."""
    written = {"version": 4, "plugins": {"io.containerd.cri.v1.runtime": {"enable_cdix": True}}}
    merged = {"version": 4, "plugins": {"io.containerd.cri.v1.runtime": {"enable_cdi": True}}}

    found = TOML.unread_keys(written, merged)

    assert ["plugins.io.containerd.cri.v1.runtime.enable_cdix"] == found
    assert [] == TOML.unread_keys(merged, merged)


def test_a_proxy_s_password_is_no_specifier_of_systemd() -> None:
    """A percent sign, a quote and a backslash reach the service as they are."""
    given = r'https_proxy=http://ci:p%40ss"\@proxy.example.com:3128'

    word = TOML.unit_word(given)

    assert r'"https_proxy=http://ci:p%%40ss\"\\@proxy.example.com:3128"' == word


@pytest.mark.parametrize(("module", "names"), [(TOML, 4), (CDI, 2)])
def test_filters_are_offered_under_their_role_s_name(module: ModuleType, names: int) -> None:
    """Each plugin offers its filters to Ansible."""
    assert names == len(module.FilterModule().filters())
