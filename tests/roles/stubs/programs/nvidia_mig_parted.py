"""nvidia-mig-parted: applies, checks and exports a MIG layout that is kept in the stub's state."""

from pathlib import Path
from typing import Any

import yaml

from . import calls, gpus

CAPABLE = ("0x20", "0x23", "0x29")


def layout(index: int) -> list[str]:
    """MIG devices of one GPU, as profile names."""
    found: list[str] = calls.load("mig").get(str(index), [])
    return found


def _wanted(arguments: list[str]) -> dict[str, list[str]]:
    path = calls.option(arguments, "-f") or calls.option(arguments, "--config-file")
    name = calls.option(arguments, "-c") or calls.option(arguments, "--selected-config")
    document: dict[str, Any] = yaml.safe_load(Path(path).read_text())
    if document.get("version") != "v1":
        calls.fail(f"error parsing config file: unknown version: {document.get('version')}")
    if name not in document["mig-configs"]:
        calls.fail(f"error selecting MIG config: selected mig-config not present: {name}")
    wanted: dict[str, list[str]] = {}
    seen = gpus.visible()
    for entry in document["mig-configs"][name]:
        unknown = set(entry) - {"devices", "mig-enabled", "mig-devices", "device-filter"}
        if unknown:
            calls.fail(f"error parsing config file: unexpected field: {min(unknown)}")
        chosen = [g["index"] for g in seen] if entry["devices"] == "all" else entry["devices"]
        profiles = [p for p, n in (entry.get("mig-devices") or {}).items() for _ in range(n)]
        for index in chosen:
            wanted[str(index)] = profiles if entry["mig-enabled"] else []
    return wanted


def main() -> None:
    """Answer one call."""
    arguments = calls.log("nvidia-mig-parted")
    command = arguments[0] if arguments else ""
    if not gpus.visible():
        calls.fail("error initializing NVML: Driver Not Loaded")
    if command == "export":
        state = calls.load("mig")
        configs = [
            {
                "devices": [int(k)],
                "mig-enabled": bool(v),
                "mig-devices": {p: v.count(p) for p in dict.fromkeys(v)},
            }
            for k, v in sorted(state.items())
        ]
        calls.out(yaml.safe_dump({"version": "v1", "mig-configs": {"current": configs}}))
        return
    wanted = _wanted(arguments)
    incapable = [g for g in gpus.visible() if not g["device"].startswith(CAPABLE)]
    if any(wanted.values()) and incapable:
        calls.fail(f"error: MIG not supported on GPU {incapable[0]['index']}")
    if command == "apply":
        calls.save("mig", wanted)
        calls.out("MIG configuration applied successfully")
    elif command == "assert":
        have = {index: layout(int(index)) for index in wanted}
        if have != wanted:
            calls.fail("Assertion failure: selected configuration not currently applied")
        calls.out("Selected MIG configuration currently applied")
    else:
        calls.fail(f"nvidia-mig-parted: unknown command {command!r}")


if __name__ == "__main__":
    main()
