"""Boot: load the installed nvidia module where a GPU is on the bus."""

import json

from . import calls, gpus


def main() -> None:
    """Write what the kernel would show after loading the module."""
    calls.log("stub-nvidia-module")
    gpus.MODULE.mkdir(parents=True, exist_ok=True)
    module = gpus.installed()
    if not module or not gpus.devices():
        return
    calls.write(gpus.MODULE / "nvidia.json", json.dumps(module))
    version = module["version"]
    calls.write(calls.VOLATILE / "sys/module/nvidia/version", f"{version}\n")
    kind = "Open Kernel Module" if module["flavour"] == "open" else "Kernel Module"
    line = f"NVRM version: NVIDIA UNIX {kind} for x86_64  {version}  Release Build\n"
    calls.write(calls.VOLATILE / "proc/driver/nvidia/version", line)


if __name__ == "__main__":
    main()
