"""Filters of role nvidia_driver: what `nvidia-smi -q` says against what the host should have."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

_GPU = re.compile(r"^GPU (\S+)$", re.MULTILINE)
_VERSION = re.compile(r"^Driver Version\s+: (\S+)$", re.MULTILINE)
_FABRIC = re.compile(r"^ {4}Fabric\n +State +: (.+)\n +Status +: (.+)$", re.MULTILINE)
# What a state of the fabric is called while it is on its way.
_TRAINING = ("In Progress", "Not Started")


def faults(
    output: str, *, version: str, expected: int, fabric_state: bool, fabric_service: str
) -> list[str]:
    """What is wrong, a sentence each; none when every GPU can be used.

    `output` is what `nvidia-smi -q` printed. `fabric_service` is what systemd calls the fabric
    manager's state, empty where the host needs none. `fabric_state` says that these GPUs report a
    state of the fabric: from Hopper on they do, before they print N/A while it works.
    """
    running = _VERSION.findall(output) or ["none"]
    gpus = _GPU.findall(output)
    found = [f"driver {running[0]}"] if running[0] != version else []
    if len(gpus) != expected:
        found.append(f"{len(gpus)} GPUs of {expected}")
    if fabric_service not in {"", "active"}:
        found.append(f"service nvidia-fabricmanager {fabric_service}")
    states = fabrics(output)
    if fabric_state and states != [("Completed", "Success")] * len(gpus):
        told = sorted({", ".join(state) for state in states}) or ["not told"]
        found.append(f"fabric {' and '.join(told)}")
    return found


def fabrics(output: str) -> list[tuple[str, str]]:
    """State and status of each GPU's fabric, as `nvidia-smi -q` prints them."""
    return [(state.strip(), status.strip()) for state, status in _FABRIC.findall(output)]


def is_training(output: str) -> bool:
    """Whether a fabric is still on its way: another look is worth it."""
    return any(state in _TRAINING for state, _ in fabrics(output))


class FilterModule:
    """What Ansible asks for the filters."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Filters by name."""
        return {"nvidia_driver_faults": faults, "nvidia_driver_is_training": is_training}
