"""Folders that look like sysfs, procfs and the EFI variables of a host with GPUs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

ROLES = Path(__file__).parents[3] / "roles"
HOSTS: dict[str, dict[str, Any]] = yaml.safe_load(
    (Path(__file__).parent / "hosts.yaml").read_text(encoding="utf-8")
)
GPU_CLASS, SWITCH_CLASS, AUDIO_CLASS = "0x030200", "0x068000", "0x040300"
ATTRIBUTES = b"\x06\x00\x00\x00"
SECURE_BOOT = "SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"
MOK_LIST = "MokListRT-605dab50-e046-4300-abb6-3dd810dd8b23"
CERTIFICATE = b"\x30\x82\x03\x0fDKMS module signing key"


def _write(path: Path, content: str | bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)


def add_function(pci: Path, device: str, class_code: str, *, driver: str = "") -> None:
    """Put one more NVIDIA function on the bus below `pci`, bound to `driver`."""
    place = len(list(pci.iterdir())) if pci.is_dir() else 0
    folder = pci / f"0000:{place + 1:02x}:00.0"
    for name, value in (("vendor", "0x10de"), ("device", f"0x{device}"), ("class", class_code)):
        _write(folder / name, f"{value}\n")
    if driver:
        target = pci.parent / "drivers" / driver
        target.mkdir(parents=True, exist_ok=True)
        (folder / "driver").symlink_to(target)


def _add_bus(host: Mapping[str, Any], pci: Path) -> None:
    _write(pci / "0000:00:00.0" / "vendor", "0x8086\n")
    for key in ("gpus", "more_gpus"):
        count, device = host.get(key, (0, ""))
        for _ in range(count):
            add_function(pci, device, GPU_CLASS, driver=host.get("driver", ""))
            add_function(pci, "10f7", AUDIO_CLASS)
    count, device = host.get("switches", (0, ""))
    for _ in range(count):
        add_function(pci, device, SWITCH_CLASS)


# Vital product data as a ConnectX-7 has it: a network card, and a function that manages switches.
CARD = b"\x82\x2c\x00NVIDIA ConnectX-7 HHHL Adapter card\x90\x05\x00PN\x02MC\x78"
MANAGER = CARD[:-1] + b"V1\x0bSMDL=SW_MNG\x78"


def _add_connectx(host: Mapping[str, Any], pci: Path) -> None:
    for key, data in (("network_cards", CARD), ("switch_managers", MANAGER)):
        for place in range(host.get(key, 0)):
            folder = pci / f"0000:{'c' if data == CARD else 'd'}{place}:00.0"
            for name, value in (("vendor", "0x15b3"), ("device", "0x1021"), ("class", "0x020700")):
                _write(folder / name, f"{value}\n")
            _write(folder / "vpd", data)


def build(host: Mapping[str, Any], root: Path) -> dict[str, Path]:
    """Write the host below `root`; the paths are named as the module's arguments."""
    paths = {
        "pci_path": root / "pci" / "devices",
        "dmi_path": root / "dmi",
        "efivars_path": root / "efivars",
        "module_path": root / "module",
        "driver_version_path": root / "proc" / "version",
        "mok_certificate_path": root / "mok.pub",
    }
    _add_bus(host, paths["pci_path"])
    _add_connectx(host, paths["pci_path"])
    for name, value in zip(("sys_vendor", "product_name"), host["dmi"], strict=True):
        _write(paths["dmi_path"] / name, f"{value}\n")
    for name in ("ext4", *host.get("modules", [])):
        (paths["module_path"] / name).mkdir(parents=True)
    loaded = host.get("loaded")
    if loaded:
        kind = "Open Kernel Module" if loaded["flavor"] == "open" else "Kernel Module"
        _write(paths["module_path"] / "nvidia" / "version", f"{loaded['version']}\n")
        _write(paths["driver_version_path"], f"NVRM version: NVIDIA UNIX x86_64 {kind}\n")
    enabled = bytes([bool(host.get("secure_boot"))])
    _write(paths["efivars_path"] / SECURE_BOOT, ATTRIBUTES + enabled)
    _write(paths["mok_certificate_path"], CERTIFICATE)
    listed = CERTIFICATE if host.get("mok") else b"another key"
    _write(paths["efivars_path"] / MOK_LIST, ATTRIBUTES + b"header" + listed)
    return paths
