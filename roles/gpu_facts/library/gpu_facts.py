"""Ansible module: the NVIDIA GPUs of a host, read from sysfs, and what they need.

The decisions are data: the tables of the role's vars. `read_host` does all reading, `decide` is
pure, and nothing here changes the host.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

DOCUMENTATION = r"""
module: gpu_facts
short_description: Find NVIDIA GPUs and decide what they need
description:
  - Reads PCI functions, DMI, loaded modules and EFI variables below roots that can be replaced.
  - Changes nothing and needs no driver.
author: modelctl
options:
  tables:
    description: The decision tables, as in the role's vars.
    type: dict
    required: true
  pci_path:
    description: Folder with one entry a PCI function.
    type: path
    default: /sys/bus/pci/devices
  dmi_path:
    description: Folder with the DMI strings.
    type: path
    default: /sys/class/dmi/id
  efivars_path:
    description: Folder with the EFI variables; absent on hosts that did not boot by EFI.
    type: path
    default: /sys/firmware/efi/efivars
  module_path:
    description: Folder with one entry a loaded kernel module.
    type: path
    default: /sys/module
  driver_version_path:
    description: File in which the loaded NVIDIA module describes itself.
    type: path
    default: /proc/driver/nvidia/version
  mok_certificate_path:
    description: Certificate (DER) with which DKMS signs the modules it builds.
    type: path
    default: /var/lib/dkms/mok.pub
"""

EXAMPLES = r"""
- name: Find the GPUs
  gpu_facts:
    tables: "{{ __gpu_facts_tables }}"
"""

RETURN = r"""
facts:
  description: The facts, without the prefix gpu_facts_ that the role gives them.
  returned: always
  type: dict
"""

NVIDIA = "10de"
MELLANOX = "15b3"
# Vital product data of the ConnectX functions through which NVSwitches of the fifth NVLink are
# managed; the switches themselves are not on the PCI bus. Network cards lack it.
# Source: https://docs.nvidia.com/datacenter/tesla/fabric-manager-user-guide/
SWITCH_MANAGEMENT = b"SW_MNG"
# VGA controller and 3D controller; a GPU's audio and USB functions have other classes.
GPU_CLASSES = ("0x0300", "0x0302")
BRIDGE_CLASS = "0x0680"
# EFI variables carry four bytes of attributes before their value.
ATTRIBUTES = 4
SECURE_BOOT = "SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"
MOK_LIST = "MokListRT-605dab50-e046-4300-abb6-3dd810dd8b23"
# From so many GPUs on, a baseboard of this kind always has NVSwitches.
SWITCHED_BASEBOARD = 8


@dataclass(frozen=True)
class Function:
    """One PCI function: bus address, device id (four hex digits), class, bound driver."""

    address: str
    device: str
    class_code: str
    driver: str


@dataclass(frozen=True)
class Roots:
    """Where the system is read."""

    pci: Path
    dmi: Path
    efivars: Path
    modules: Path
    driver_version: Path
    mok_certificate: Path


@dataclass(frozen=True)
class Host:
    """What was read, before any decision."""

    functions: tuple[Function, ...]
    switch_managers: int
    product: str
    vendor: str
    modules: frozenset[str]
    secure_boot: bool
    mok_enrolled: bool
    loaded_version: str
    loaded_flavor: str


@dataclass(frozen=True)
class Finding:
    """Something a person has to know; `blocking` ones stop the installation of a driver."""

    rule: str
    device: str
    found: str
    expected: str
    remedy: str
    blocking: bool


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def read_functions(root: Path) -> tuple[Function, ...]:
    """NVIDIA's PCI functions in bus order; virtual functions of a GPU are left out."""
    found = []
    for folder in sorted(root.iterdir()) if root.is_dir() else []:
        if _text(folder / "vendor").removeprefix("0x") != NVIDIA or (folder / "physfn").exists():
            continue
        driver = folder / "driver"
        found.append(
            Function(
                address=folder.name,
                device=_text(folder / "device").removeprefix("0x").lower(),
                class_code=_text(folder / "class").lower(),
                driver=driver.resolve().name if driver.exists() else "",
            )
        )
    return tuple(found)


def read_switch_managers(root: Path) -> int:
    """How many functions on the bus manage NVSwitches that the bus does not show."""
    folders = root.iterdir() if root.is_dir() else []
    return sum(
        _text(folder / "vendor").removeprefix("0x") == MELLANOX
        and SWITCH_MANAGEMENT in _bytes(folder / "vpd")
        for folder in folders
    )


def read_host(roots: Roots) -> Host:
    """What the system shows below `roots`; what is absent reads as empty."""
    secure_boot = _bytes(roots.efivars / SECURE_BOOT)[ATTRIBUTES:]
    certificate = _bytes(roots.mok_certificate)
    described = _text(roots.driver_version).partition("\n")[0]
    version = _text(roots.modules / "nvidia" / "version")
    flavor = "open" if "Open Kernel Module" in described else "proprietary"
    return Host(
        functions=read_functions(roots.pci),
        switch_managers=read_switch_managers(roots.pci),
        product=_text(roots.dmi / "product_name"),
        vendor=_text(roots.dmi / "sys_vendor"),
        modules=frozenset(
            entry.name for entry in (roots.modules.iterdir() if roots.modules.is_dir() else [])
        ),
        secure_boot=secure_boot[:1] == b"\x01",
        mok_enrolled=bool(certificate) and certificate in _bytes(roots.efivars / MOK_LIST),
        loaded_version=version,
        loaded_flavor=flavor if version else "",
    )


def _by_chip(device: str, chips: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What a device id says that no table of products names: its chip, and so its generation."""
    return next(
        (
            {"name": f"{chip['name']} (10de:{device})", "generation": chip["generation"]}
            for chip in chips
            if chip["first"] <= device <= chip["last"]
        ),
        {},
    )


def _describe(function: Function, tables: Mapping[str, Any]) -> dict[str, Any]:
    """One GPU with what the tables say about its device id; unknown ids keep empty fields."""
    product = tables["products"].get(function.device) or _by_chip(function.device, tables["chips"])
    generation = tables["generations"].get(product.get("generation", ""), {})
    lowest = max(product.get("branch_min", 0), generation.get("branch_min", 0))
    return {
        **asdict(function),
        "known": bool(product),
        "product": product.get("name", ""),
        "generation": product.get("generation", ""),
        "flavors": list(generation.get("flavors", [])),
        "branch_min": lowest,
        "branch_max": generation.get("branch_max"),
        "fabric": product.get("fabric", "none"),
        "fabric_state": generation.get("fabric_state", False),
        "mig": product.get("mig", ""),
        "usable": function.driver != "vfio-pci",
    }


def _device_findings(gpus: Sequence[Mapping[str, Any]]) -> Iterable[Finding]:
    for gpu in gpus:
        at = f"{gpu['address']} ({gpu['device']})"
        if not gpu["known"]:
            yield Finding(
                "unknown-device", at, "a PCI device id that no table names", "a known GPU",
                "name it in gpu_facts_products_extra, or in roles/gpu_facts/vars/main.yml with its "
                "source", blocking=True,
            )  # fmt: skip
        if not gpu["usable"]:
            yield Finding(
                "bound-to-vfio", at, "driver vfio-pci", "driver nvidia or none",
                "unbind it, or leave it to virtual machines: it is not counted", blocking=False,
            )  # fmt: skip
        if gpu["driver"] == "nouveau":
            yield Finding(
                "bound-to-nouveau", at, "driver nouveau", "driver nvidia or none",
                "role nvidia_driver keeps nouveau away; the next boot frees the GPU",
                blocking=False,
            )  # fmt: skip


def common_flavors(gpus: Sequence[Mapping[str, Any]]) -> list[str]:
    """Kernel module flavours that drive every GPU, the open one first."""
    return [
        flavor
        for flavor in ("open", "proprietary")
        if gpus and all(flavor in gpu["flavors"] for gpu in gpus)
    ]


def common_branches(gpus: Sequence[Mapping[str, Any]]) -> dict[str, int | None]:
    """Lowest and highest driver branch that drive every GPU; no highest reads as None."""
    highest = [gpu["branch_max"] for gpu in gpus if gpu["branch_max"] is not None]
    return {
        "min": max((gpu["branch_min"] for gpu in gpus), default=0),
        "max": min(highest) if highest else None,
    }


def common_mig_profiles(
    gpus: Sequence[Mapping[str, Any]], geometries: Mapping[str, Mapping[str, int]]
) -> dict[str, int]:
    """MIG profiles that every GPU offers, with how many of them one GPU holds at most."""
    offers = [geometries.get(gpu["mig"], {}) for gpu in gpus]
    shared = set(offers[0]).intersection(*offers[1:]) if offers else set()
    return {name: min(offer[name] for offer in offers) for name in sorted(shared)}


def _fabric(gpus: Sequence[Mapping[str, Any]], host: Host, tables: Mapping[str, Any]) -> str:
    """The one fabric of the host; one made of switches needs them to be seen, or what manages them.

    A GPU that is passed through to a virtual machine alone has no fabric, whatever its board has.
    """
    kinds = {gpu["fabric"] for gpu in gpus}
    has_switches = any(
        function.class_code.startswith(BRIDGE_CLASS) and function.device in tables["switches"]
        for function in host.functions
    )
    seen = {"imex": True, "nvlink5": host.switch_managers > 0, "nvswitch": has_switches}
    return next((kind for kind, is_seen in seen.items() if kind in kinds and is_seen), "none")


def _host_findings(
    gpus: Sequence[Mapping[str, Any]], host: Host, tables: Mapping[str, Any]
) -> Iterable[Finding]:
    names = ", ".join(sorted({gpu["product"] for gpu in gpus}))
    known = bool(gpus) and all(gpu["known"] for gpu in gpus)
    branches = common_branches(gpus)
    if known and not common_flavors(gpus):
        yield Finding(
            "no-common-flavor", names, "GPUs that need different kernel modules",
            "one flavour for the whole host", "move the older GPUs to another host", blocking=True,
        )  # fmt: skip
    if branches["max"] is not None and (branches["min"] or 0) > branches["max"]:
        yield Finding(
            "no-common-branch", names, f"at least {branches['min']} and at most {branches['max']}",
            "one driver branch for all", "move the older GPUs to another host", blocking=True,
        )  # fmt: skip
    fabric = _fabric(gpus, host, tables)
    missing = [name for name in tables["fabrics"][fabric]["modules"] if name not in host.modules]
    if missing:
        yield Finding(
            "fabric-module-missing", names, f"module {', '.join(missing)} not loaded",
            "loaded before the fabric manager starts",
            "role nvidia_driver loads it; without InfiniBand management devices the fabric stays "
            "down although the service is up", blocking=False,
        )  # fmt: skip
    boards = [gpu for gpu in gpus if gpu["fabric"] in {"nvswitch", "nvlink5"}]
    if fabric == "none" and len(boards) >= SWITCHED_BASEBOARD:
        yield Finding(
            "no-switch-seen", names,
            f"{len(boards)} baseboard GPUs, and no NVSwitch on the bus nor what manages one",
            "the baseboard's NVSwitches, or their ConnectX bridges",
            "pass the switches through, or check the baseboard", blocking=True,
        )  # fmt: skip


def decide(host: Host, tables: Mapping[str, Any]) -> dict[str, Any]:
    """The facts, without their common prefix, from what was read and the tables."""
    devices = [
        _describe(function, tables)
        for function in host.functions
        if function.class_code.startswith(GPU_CLASSES)
    ]
    gpus = [device for device in devices if device["usable"]]
    fabric = _fabric(gpus, host, tables)
    needs = tables["fabrics"][fabric]
    flavors = common_flavors(gpus)
    findings = [*_device_findings(devices), *_host_findings(gpus, host, tables)]
    return {
        "devices": devices,
        "count": len(gpus),
        "platform": {
            "vendor": host.vendor,
            "product": host.product,
            "fabric": fabric,
            "fabric_state": fabric != "none" and all(gpu["fabric_state"] for gpu in gpus),
            **needs,
        },
        "module_flavors": flavors,
        "module_flavor": flavors[0] if flavors else "",
        "branches": common_branches(gpus),
        "fabric_manager": needs["fabric_manager"],
        "nvlsm": needs["nvlsm"],
        "imex": needs["imex"],
        "mig_profiles": common_mig_profiles(gpus, tables["mig"]),
        "secure_boot": host.secure_boot,
        "mok_enrolled": host.mok_enrolled,
        "loaded_driver": {"version": host.loaded_version, "flavor": host.loaded_flavor},
        "nouveau_loaded": "nouveau" in host.modules,
        "ib_umad": "ib_umad" in host.modules,
        "findings": [asdict(finding) for finding in findings],
    }


def _roots(parameters: Mapping[str, Any]) -> Roots:
    return Roots(
        pci=Path(parameters["pci_path"]),
        dmi=Path(parameters["dmi_path"]),
        efivars=Path(parameters["efivars_path"]),
        modules=Path(parameters["module_path"]),
        driver_version=Path(parameters["driver_version_path"]),
        mok_certificate=Path(parameters["mok_certificate_path"]),
    )


def _defaults() -> dict[str, dict[str, Any]]:
    """The module's arguments: each path with the default that DOCUMENTATION states."""
    paths = re.findall(r"  (\w+_path):\n.*\n.*\n    default: (\S+)", DOCUMENTATION)
    specs: dict[str, dict[str, Any]] = {
        name: {"type": "path", "default": default} for name, default in paths
    }
    return {**specs, "tables": {"type": "dict", "required": True}}


def main(*, module_class: Callable[..., Any] | None = None) -> None:
    """Read, decide, hand the facts back."""
    if module_class is None:
        from ansible.module_utils.basic import AnsibleModule  # noqa: PLC0415 - tests need no Ansible

        module_class = AnsibleModule
    module = module_class(argument_spec=_defaults(), supports_check_mode=True)
    facts = decide(read_host(_roots(module.params)), module.params["tables"])
    module.exit_json(changed=False, facts=facts)


if __name__ == "__main__":
    main()
