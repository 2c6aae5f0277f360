"""GPU detection, on hosts that are folders."""

from __future__ import annotations

import json
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from roles.gpu.gpu_trees import HOSTS, add_function, build

PLAIN = {
    "count",
    "module_flavor",
    "module_flavors",
    "branches",
    "fabric_manager",
    "nvlsm",
    "imex",
    "mig_profiles",
    "secure_boot",
    "mok_enrolled",
    "loaded_driver",
    "nouveau_loaded",
    "ib_umad",
}


class _Done(Exception):  # noqa: N818 - it is an answer, no error
    """What the module handed back."""


class _Module:
    """Takes the place of AnsibleModule: arguments in, answer out."""

    parameters: dict[str, Any]

    def __init__(self, *, argument_spec: dict[str, Any], supports_check_mode: bool) -> None:
        assert supports_check_mode
        defaults = {name: spec.get("default") for name, spec in argument_spec.items()}
        self.params = {**defaults, **self.parameters}

    def exit_json(self, **answer: Any) -> None:  # noqa: ANN401 - any fact may be in it
        raise _Done(answer)


def facts_of(gpu_facts: ModuleType, tables: dict[str, Any], paths: dict[str, Path]) -> Any:  # noqa: ANN401
    """The facts that the module sets for the host at `paths`."""
    arguments = {name: str(path) for name, path in paths.items()}
    module = type("Module", (_Module,), {"parameters": {**arguments, "tables": tables}})
    with pytest.raises(_Done) as done:
        gpu_facts.main(module_class=module)
    answer = done.value.args[0]
    assert not answer["changed"]
    return {f"gpu_facts_{name}": value for name, value in answer["facts"].items()}


@pytest.mark.parametrize("name", HOSTS)
def test_facts_of_a_host(
    gpu_facts: ModuleType, tables: dict[str, Any], tmp_path: Path, name: str
) -> None:
    """Every described host yields the facts that stand beside it."""
    expected = HOSTS[name]["expect"]

    facts = facts_of(gpu_facts, tables, build(HOSTS[name], tmp_path))

    found: dict[str, Any] = {key: facts[f"gpu_facts_{key}"] for key in expected if key in PLAIN}
    found["rules"] = [finding["rule"] for finding in facts["gpu_facts_findings"]]
    platform = facts["gpu_facts_platform"]
    found |= {key: platform[key] for key in ("fabric", "fabric_state") if key in expected}
    assert expected == found


def test_facts_survive_json(gpu_facts: ModuleType, tables: dict[str, Any], tmp_path: Path) -> None:
    """Facts are plain JSON, as Ansible sends them."""
    facts = facts_of(gpu_facts, tables, build(HOSTS["hgx-b200-without-ib-umad"], tmp_path))

    assert facts == json.loads(json.dumps(facts))


def test_findings_say_all_a_person_needs(
    gpu_facts: ModuleType, tables: dict[str, Any], tmp_path: Path
) -> None:
    """A finding names the device, what was found, what was expected and what to do."""
    facts = facts_of(gpu_facts, tables, build(HOSTS["unknown-device"], tmp_path))

    finding = facts["gpu_facts_findings"][0]
    assert "0000:02:00.0 (ffff)" == finding["device"]
    assert finding["blocking"]
    assert all(finding[key] for key in ("found", "expected", "remedy"))


def test_a_virtual_function_is_no_gpu(
    gpu_facts: ModuleType, tables: dict[str, Any], tmp_path: Path
) -> None:
    """A GPU's virtual functions, which a hypervisor hands out, are not counted."""
    paths = build(HOSTS["t4"], tmp_path)
    add_function(paths["pci_path"], "1eb8", "0x030200")
    last = max(paths["pci_path"].iterdir())
    (last / "physfn").symlink_to(min(paths["pci_path"].iterdir()))

    facts = facts_of(gpu_facts, tables, paths)

    assert 1 == facts["gpu_facts_count"]


def test_a_host_without_any_of_the_folders(
    gpu_facts: ModuleType, tables: dict[str, Any], tmp_path: Path
) -> None:
    """No PCI bus, DMI or EFI reads as a host without GPUs and without secure boot."""
    names = build(HOSTS["none"], tmp_path / "built")
    paths = {name: tmp_path / "absent" / name for name in names}

    facts = facts_of(gpu_facts, tables, paths)

    assert 0 == facts["gpu_facts_count"]
    assert not facts["gpu_facts_secure_boot"]
    assert [] == facts["gpu_facts_findings"]


def test_default_paths_are_documented(gpu_facts: ModuleType) -> None:
    """The module's arguments are the ones that its documentation names, with those defaults."""
    arguments = gpu_facts._defaults()

    assert "/sys/bus/pci/devices" == arguments["pci_path"]["default"]
    assert "/sys/firmware/efi/efivars" == arguments["efivars_path"]["default"]
    assert 7 == len(arguments)
