"""Filters that compare a CDI specification with what the driver shows."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

_GPU = re.compile(r"^GPU (\d+):")
_MIG = re.compile(r"^\s+MIG \S+\s+Device\s+(\d+):")
_LISTED = re.compile(r"^nvidia\.com/gpu=(\d+(?::\d+)?)$")


def _sorted(names: Iterable[str]) -> list[str]:
    return sorted(names, key=lambda name: [int(part) for part in name.split(":")])


def cdi_names(listing: str) -> list[str]:
    """CDI names by index that belong to the output of `nvidia-smi -L`.

    A GPU that is divided by MIG stands in the specification with its parts alone: `0:0`, `0:1`.
    """
    parts: dict[str, list[str]] = {}
    gpu = ""
    for line in listing.splitlines():
        if found := _GPU.match(line):
            gpu = found[1]
            parts[gpu] = []
        elif gpu and (found := _MIG.match(line)):
            parts[gpu].append(f"{gpu}:{found[1]}")
    return _sorted(name for index, mig in parts.items() for name in (mig or [index]))


def cdi_listed(listing: str) -> list[str]:
    """Names by index in the output of `nvidia-ctk cdi list`; UUIDs and `all` are left out."""
    return _sorted(found[1] for line in listing.splitlines() if (found := _LISTED.match(line)))


class FilterModule:
    """What Ansible asks for the filters."""

    def filters(self) -> dict[str, Callable[[str], list[str]]]:
        """Filters by name."""
        return {"nvidia_cdi_names": cdi_names, "nvidia_cdi_listed": cdi_listed}
