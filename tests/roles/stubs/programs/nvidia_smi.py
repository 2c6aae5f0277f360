"""nvidia-smi: lists, queries and MIG profiles of the GPUs that the loaded module drives."""

from typing import Any

from . import calls, gpus
from .nvidia_mig_parted import layout

MIG_PROFILES = (
    ("MIG 1g.10gb", 19, 7),
    ("MIG 2g.20gb", 14, 3),
    ("MIG 3g.40gb", 9, 2),
    ("MIG 4g.40gb", 5, 1),
    ("MIG 7g.80gb", 0, 1),
)


def _field(gpu: dict[str, Any], name: str) -> str:
    module = gpus.loaded()
    values = {
        "index": str(gpu["index"]),
        "name": gpu["name"],
        "gpu_name": gpu["name"],
        "uuid": gpu["uuid"],
        "gpu_uuid": gpu["uuid"],
        "driver_version": module["version"],
        "pci.bus_id": f"0000{gpu['address']}".upper(),
        "gpu_bus_id": f"0000{gpu['address']}".upper(),
        "pci.device_id": f"{gpu['device'].upper().replace('X', 'x')}10DE",
        "memory.total": "81559 MiB",
        "mig.mode.current": "Enabled" if layout(gpu["index"]) else "Disabled",
        "mig.mode.pending": "Enabled" if layout(gpu["index"]) else "Disabled",
        "persistence_mode": "Enabled",
        "fabric.state": "Completed" if _reports_fabric(gpu) else "N/A",
        "fabric.status": "Success" if _reports_fabric(gpu) else "N/A",
        "compute_mode": "Default",
        "ecc.errors.uncorrected.volatile.total": "0",
    }
    if name not in values:
        calls.fail(f'Field "{name}" is not a valid field to query.', status=2)
    return values[name]


def _reports_fabric(gpu: dict[str, Any]) -> bool:
    """From Hopper on a GPU on switches tells its fabric's state; an A100 prints N/A."""
    return bool(gpus.bridges()) and int(gpu["device"], 16) >= gpus.HOPPER


def _query(fields: list[str], styles: list[str], seen: list[dict[str, Any]]) -> None:
    if "noheader" not in styles:
        calls.out(", ".join(fields))
    for gpu in seen:
        cells = [_field(gpu, field) for field in fields]
        if "nounits" in styles:
            cells = [cell.removesuffix(" MiB") for cell in cells]
        calls.out(", ".join(cells))


def _list(seen: list[dict[str, Any]]) -> None:
    for gpu in seen:
        calls.out(f"GPU {gpu['index']}: {gpu['name']} (UUID: {gpu['uuid']})")
        for place, profile in enumerate(layout(gpu["index"])):
            uuid = f"MIG-{gpu['uuid'][4:]}-{place}"
            calls.out(f"  MIG {profile:<11} Device  {place}: (UUID: {uuid})")


def _log(seen: list[dict[str, Any]]) -> None:
    """The log of `nvidia-smi -q`, in the form of 580, of what the roles read in it."""
    calls.out("\n==============NVSMI LOG==============\n")
    calls.out(f"{'Driver Version':<55}: {gpus.loaded()['version']}")
    calls.out(f"\n{'Attached GPUs':<55}: {len(seen)}")
    for gpu in seen:
        calls.out(f"GPU 0000{gpu['address']}".upper())
        calls.out(f"    {'Product Name':<51}: {gpu['name']}")
        calls.out("    Fabric")
        for name in ("State", "Status"):
            calls.out(f"        {name:<47}: {_field(gpu, f'fabric.{name.lower()}')}")
        calls.out("")


def main() -> None:
    """Answer one call."""
    arguments = calls.log("nvidia-smi")
    if not gpus.loaded():
        calls.fail(
            "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver. "
            "Make sure that the latest NVIDIA driver is installed and running.",
            status=9,
        )
    seen = gpus.visible()
    if not seen:
        calls.out("No devices were found")
        raise SystemExit(6)
    if calls.version("nvidia-driver-cuda") not in {"0", gpus.loaded()["version"]}:
        calls.fail("Failed to initialize NVML: Driver/library version mismatch", status=18)
    query = calls.option(arguments, "--query-gpu")
    if query:
        _query(query.split(","), calls.option(arguments, "--format").split(","), seen)
    elif arguments == ["-q"]:
        _log(seen)
    elif arguments in (["-L"], ["--list-gpus"]):
        _list(seen)
    elif arguments[:2] == ["mig", "-lgip"]:
        for name, number, count in MIG_PROFILES:
            calls.out(f"|   0  {name}  {number}  {count}/{count}")
    else:
        _list(seen)


if __name__ == "__main__":
    main()
