"""nvidia-ctk: writes and lists the CDI specification of the GPUs that are seen."""

import os
from pathlib import Path

import yaml

from . import calls, gpus
from .nvidia_mig_parted import layout

SPEC = Path(os.environ.get("STUB_CDI_SPEC", "/var/run/cdi/nvidia.yaml"))


def names() -> list[str]:
    """CDI device names: an index a GPU, index:place a MIG device, and `all`."""
    found: list[str] = []
    for gpu in gpus.visible():
        parts = layout(gpu["index"])
        found += [f"{gpu['index']}:{place}" for place in range(len(parts))] or [str(gpu["index"])]
    return [*found, "all"] if found else []


def _generate(output: Path) -> None:
    if not gpus.visible():
        calls.fail("failed to generate CDI spec: failed to initialize NVML: Driver Not Loaded")
    devices = [
        {"name": name, "containerEdits": {"deviceNodes": [{"path": f"/dev/nvidia{name}"}]}}
        for name in names()
    ]
    spec = {"cdiVersion": "0.7.0", "kind": "nvidia.com/gpu", "devices": devices}
    calls.write(output, "---\n" + yaml.safe_dump(spec, sort_keys=False))


def main() -> None:
    """Answer one call."""
    arguments = calls.log("nvidia-ctk")
    match [word for word in arguments if not word.startswith("-")]:
        case []:
            version = calls.version("nvidia-container-toolkit-base")
            calls.out(f"NVIDIA Container Toolkit CLI version {version}\ncommit: 0000000")
        case ["cdi", "condition"]:
            raise SystemExit(0 if gpus.visible() else 1)
        case ["cdi", "generate", *_]:
            _generate(Path(calls.option(arguments, "--output") or SPEC))
        case ["cdi", "list", *_]:
            spec = yaml.safe_load(SPEC.read_text()) if SPEC.exists() else {"devices": []}
            calls.out(f"Found {len(spec['devices'])} CDI devices")
            for device in spec["devices"]:
                calls.out(f"nvidia.com/gpu={device['name']}")
        case _:
            calls.fail(f"nvidia-ctk: unknown command {' '.join(arguments)}")


if __name__ == "__main__":
    main()
