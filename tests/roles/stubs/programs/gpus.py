"""The GPUs that an NVIDIA program sees: PCI functions, the loaded module, its flavour."""

import json
import os
from pathlib import Path
from typing import Any

from . import calls

PCI = Path(os.environ.get("STUB_PCI", calls.STATE / "pci"))
MODULE = calls.VOLATILE / "module"
PACKAGES = {
    "nvidia-kernel-open-dkms": "open",
    "nvidia-dkms-open": "open",
    "nvidia-kernel-dkms": "proprietary",
}
# First device id of a generation that the open module drives, and that only it drives.
TURING, BLACKWELL = 0x1E00, 0x2900
# First device id of a generation that reports its fabric's state.
HOPPER = 0x2300
NAMES = {
    "0x1eb8": "Tesla T4",
    "0x20b5": "NVIDIA A100 80GB PCIe",
    "0x20f1": "NVIDIA A100-PCIE-40GB",
    "0x2330": "NVIDIA H100 80GB HBM3",
    "0x2335": "NVIDIA H200",
    "0x2331": "NVIDIA H100 PCIe",
    "0x2901": "NVIDIA B200",
    "0x2941": "NVIDIA GB200",
    "0x15f8": "Tesla P100-PCIE-16GB",
    "0x1db6": "Tesla V100-PCIE-32GB",
}


def _functions() -> list[dict[str, str]]:
    root = PCI if PCI.exists() else Path("/sys/bus/pci/devices")
    found = []
    for folder in sorted(root.iterdir()) if root.exists() else []:
        values = {
            name: (folder / name).read_text().strip()
            for name in ("vendor", "device", "class")
            if (folder / name).exists()
        }
        driver = folder / "driver"
        values["driver"] = os.path.realpath(driver).rsplit("/", 1)[-1] if driver.exists() else ""
        found.append({"address": folder.name, **values})
    return [function for function in found if function.get("vendor") == "0x10de"]


def devices() -> list[dict[str, str]]:
    """GPUs on the bus that no other driver holds."""
    return [
        function
        for function in _functions()
        if function["class"].startswith(("0x0300", "0x0302")) and function["driver"] != "vfio-pci"
    ]


def bridges() -> list[dict[str, str]]:
    """NVSwitch devices, or the NVLink management functions that later baseboards show."""
    return [function for function in _functions() if function["class"].startswith("0x0680")]


def installed() -> dict[str, str]:
    """Version and flavour of the installed kernel module package, empty without one."""
    for package, flavour in PACKAGES.items():
        version = calls.version(package)
        if version != "0":
            return {"version": version, "flavour": flavour}
    return {}


def loaded() -> dict[str, str]:
    """Version and flavour of the module that this boot loaded, empty without one."""
    path = MODULE / "nvidia.json"
    found: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}
    return found


def visible() -> list[dict[str, Any]]:
    """GPUs that the loaded module drives; a module of the wrong flavour drives none."""
    module = loaded()
    if not module:
        return []
    branch = int(module["version"].split(".")[0])
    seen: list[dict[str, Any]] = []
    for device in devices():
        number = int(device["device"], 16)
        is_open = module["flavour"] == "open"
        if (is_open and number < TURING) or (not is_open and number >= BLACKWELL):
            continue
        if number < TURING and branch > 580:
            continue
        uuid = f"GPU-{number:08x}-0000-4000-8000-{len(seen):012x}"
        name = NAMES.get(device["device"], f"NVIDIA {device['device']}")
        seen.append({**device, "uuid": uuid, "index": len(seen), "name": name})
    return seen
