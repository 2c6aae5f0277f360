"""Filter: variables of the inventory that nobody reads, are gone, or are of the wrong kind."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from typing import Any

Known = Mapping[str, Mapping[str, str]]
Finding = dict[str, str]

CLOSENESS = 0.8
RESERVED = re.compile(
    r"^(ansible_|inventory_|group|_|omit$|hostvars$|vars$|versions$|environment$)"
)


def variable_findings(
    hostvars: Mapping[str, Mapping[str, Any]],
    *,
    hosts: list[str],
    known: Known,
    removed: Mapping[str, Mapping[str, str]],
    outputs: list[str],
) -> list[Finding]:
    """Findings on every variable that the inventory or `-e` gives to `hosts`.

    `known` maps a variable to its owner and type, `removed` one to its `remedy` and `drop_after`,
    and `outputs` are patterns of names that roles set themselves. One finding stands for all hosts
    that share it.
    """
    found: dict[tuple[str, str], tuple[list[str], Finding]] = {}
    for host in hosts:
        for finding in _host_findings(hostvars[host], known, removed, outputs):
            key = (finding["check"], finding["found"])
            found.setdefault(key, ([], finding))[0].append(host)
    return [{**finding, "host": ", ".join(names)} for names, finding in found.values()]


def _host_findings(
    given: Mapping[str, Any],
    known: Known,
    removed: Mapping[str, Mapping[str, str]],
    outputs: list[str],
) -> list[Finding]:
    names = [name for name in sorted(given) if not RESERVED.match(name)]
    owned = [name for name in names if not any(re.match(pattern, name) for pattern in outputs)]
    return [
        finding
        for name in owned
        if (
            finding := _removed(name, removed) or _unknown(name, known) or _kind(name, given, known)
        )
    ]


def _removed(name: str, removed: Mapping[str, Mapping[str, str]]) -> Finding | None:
    if name not in removed:
        return None
    entry = removed[name]
    return {
        "check": "removed-variable",
        "severity": "error",
        "found": f"{name}, which was removed",
        "expected": f"no such variable (this check ends after {entry['drop_after']})",
        "remedy": entry["remedy"],
    }


def _unknown(name: str, known: Known) -> Finding | None:
    if name in known:
        return None
    near = difflib.get_close_matches(name, known, n=1, cutoff=CLOSENESS)
    prefixes = {f"{entry['owner']}_" for entry in known.values()} | {"cluster_"}
    if not near and not any(name.startswith(prefix) for prefix in prefixes):
        return None
    nearest = near or difflib.get_close_matches(name, known, n=1, cutoff=0.0)
    return {
        "check": "unknown-variable",
        "severity": "error",
        "found": f"{name}, which no role reads",
        "expected": f"a declared variable; the nearest is {nearest[0]}",
        "remedy": f"write {nearest[0]}, or give a variable of your own another prefix",
    }


def _kind(name: str, given: Mapping[str, Any], known: Known) -> Finding | None:
    if known[name]["type"] != "bool" if name in known else True:
        return None
    try:
        value = given[name]
    except Exception as error:  # noqa: BLE001 - a template that fails is what is to be told
        value = f"a template that fails: {error}"
    if isinstance(value, bool):
        return None
    return {
        "check": "strict-boolean",
        "severity": "error",
        "found": f"{name} is {'the text ' if isinstance(value, str) else ''}{value!r}",
        "expected": "true or false",
        "remedy": f"write {name} without quotes; on the command line -e '{{\"{name}\": true}}'",
    }


class FilterModule:
    """Registers the filter with Ansible."""

    def filters(self) -> dict[str, Any]:
        """Filter functions by the name that templates use."""
        return {"preflight_variable_findings": variable_findings}
