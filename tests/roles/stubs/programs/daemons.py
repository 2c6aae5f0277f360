"""The NVIDIA services: each starts only where its real counterpart would."""

import signal
import sys
from pathlib import Path

from . import calls, gpus

PACKAGES = {
    "nvidia-persistenced": "nvidia-persistenced",
    "nv-fabricmanager": "nvidia-fabricmanager",
    "nvidia-imex": "nvidia-imex",
}


def _refusal(name: str) -> str:
    if not gpus.visible():
        return f"{name}: no NVIDIA device is usable: the kernel module is not loaded for it"
    own, driver = calls.version(PACKAGES[name]), gpus.loaded()["version"]
    if name == "nv-fabricmanager" and own != driver:
        return f"fabric manager NVIDIA GPU driver interface version {own} don't match {driver}"
    if name == "nv-fabricmanager" and not gpus.bridges():
        return "nv-fabricmanager: NV_WARN_NOTHING_TO_DO: no NVSwitch device"
    return ""


def main() -> None:
    """Run as a service until told to stop."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})
    name = Path(sys.argv[0]).name
    calls.log(name)
    if sys.argv[1:2] in (["--version"], ["-v"]):
        calls.out(f"{name} version is : {calls.version(PACKAGES[name])}")
        return
    refusal = _refusal(name)
    if refusal:
        calls.fail(refusal)
    calls.notify_ready()
    signal.sigwait({signal.SIGTERM, signal.SIGINT})


if __name__ == "__main__":
    main()
