"""Filter: what the inventory alone shows to be wrong, before any host is asked."""

from __future__ import annotations

import datetime as dt
import ipaddress
import re
from collections import Counter
from collections.abc import Mapping
from itertools import combinations
from typing import Any

Finding = dict[str, str]
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

ENDPOINT = re.compile(r"^(?P<host>[A-Za-z0-9.-]+|\[[0-9a-fA-F:]+\]):(?P<port>[0-9]{1,5})$")
ENOUGH = 2
# A move to the next release line is planned within two months.
ENDING_DAYS = 60


def inventory_findings(
    cluster: Mapping[str, Any],
    *,
    groups: Mapping[str, list[str]],
    addresses: Mapping[str, str],
    versions: Mapping[str, Any],
    compatibility: list[Mapping[str, Any]],
) -> list[Finding]:
    """Findings on groups, addresses, networks and the lock.

    `cluster` holds name, endpoint, pod_cidr and service_cidr; `addresses` maps a host to where
    Ansible reaches it.
    """
    return [
        *_group_findings(groups),
        *_endpoint_findings(str(cluster.get("endpoint", ""))),
        *_network_findings(cluster, addresses),
        *_address_findings(addresses),
        *compatibility_findings(versions, compatibility=compatibility),
    ]


def _finding(
    check: str,
    found: str,
    expected: str,
    remedy: str,
    *,
    host: str = "inventory",
    severity: str = "error",
) -> Finding:
    return {
        "check": check,
        "severity": severity,
        "host": host,
        "found": found,
        "expected": expected,
        "remedy": remedy,
    }


def _count_findings(planes: int) -> list[Finding]:
    if planes == 0:
        found = _finding(
            "control-plane-count",
            "no host in group control_plane",
            "1, 3 or 5 hosts",
            "put at least one host into group control_plane",
        )
    elif planes >= ENOUGH and planes % 2 == 0:
        found = _finding(
            "control-plane-count",
            f"{planes} control planes",
            "an odd number",
            "add or take away one: an even number survives no more failures than one less",
            severity="warning",
        )
    else:
        return []
    return [found]


def _group_findings(groups: Mapping[str, list[str]]) -> list[Finding]:
    planes, workers = groups.get("control_plane", []), groups.get("workers", [])
    found = _count_findings(len(planes))
    found += [
        _finding(
            "host-groups",
            "in control_plane and in workers",
            "one of the two",
            "to run pods on a control plane set control_plane_schedulable: true instead",
            host=host,
        )
        for host in sorted(set(planes) & set(workers))
    ]
    return found + [
        _finding(
            "host-groups",
            "in gpu only",
            "in control_plane or workers as well",
            "group gpu marks nodes; add the host to workers",
            host=host,
        )
        for host in sorted(set(groups.get("gpu", [])) - set(planes) - set(workers))
    ]


def _endpoint_findings(endpoint: str) -> list[Finding]:
    match = ENDPOINT.match(endpoint)
    if match and 0 < int(match["port"]) < 65536:  # noqa: PLR2004 - ports end there
        return []
    return [
        _finding(
            "cluster-endpoint",
            f"cluster_endpoint {endpoint!r}",
            "host:port, such as 10.0.0.10:6443",
            "name the address of the control plane, or of what balances it, with its port",
        )
    ]


def _network_findings(cluster: Mapping[str, Any], addresses: Mapping[str, str]) -> list[Finding]:
    found: list[Finding] = []
    networks: dict[str, Network] = {}
    for name in ("cluster_pod_cidr", "cluster_service_cidr"):
        text = str(cluster.get(name.removeprefix("cluster_"), ""))
        try:
            networks[name] = ipaddress.ip_network(text)
        except ValueError as error:
            found.append(
                _finding(
                    "network",
                    f"{name} {text!r}: {error}",
                    "a network such as 10.244.0.0/16",
                    f"correct {name}",
                )
            )
    for (one, a), (two, b) in combinations(networks.items(), 2):
        if a.version == b.version and a.overlaps(b):
            found.append(
                _finding(
                    "network-overlap",
                    f"{one} {a} and {two} {b} overlap",
                    "networks apart",
                    "give one of them another network",
                )
            )
    return found + [
        _finding(
            "network-overlap",
            f"address {address} lies in {name} {network}",
            "nodes outside of pod and service networks",
            f"give {name} another network",
            host=host,
        )
        for host, address in addresses.items()
        for name, network in networks.items()
        if _is_within(address, network)
    ]


def _is_within(address: str, network: Network) -> bool:
    try:
        return ipaddress.ip_address(address) in network
    except ValueError:
        return False


def _address_findings(addresses: Mapping[str, str]) -> list[Finding]:
    counts = Counter(addresses.values())
    return [
        _finding(
            "duplicate-address",
            f"ansible_host {address}, as {counts[address] - 1} other",
            "an address of its own",
            "correct ansible_host of one of them",
            host=host,
        )
        for host, address in addresses.items()
        if counts[address] > 1
    ]


def compatibility_findings(
    versions: Mapping[str, Any], *, compatibility: list[Mapping[str, Any]]
) -> list[Finding]:
    """Findings where versions of the lock are not listed as working together.

    A row says: if a component is of a release, then the others must be of the releases named.
    """
    return [
        _finding(
            "compatibility",
            f"{component} {versions[component]['version']} with {_row_text(row)}",
            f"{component} {' or '.join(releases)} (says {row['source']})",
            "change versions.yml to versions that work together",
            host="versions.yml",
        )
        for row in compatibility
        if all(_is_release(versions, name, [str(release)]) for name, release in row["if"].items())
        for component, releases in row["then"].items()
        if component in versions and not _is_release(versions, component, releases)
    ]


def lifecycle_findings(versions: Mapping[str, Any], *, today: str) -> list[Finding]:
    """Warnings on versions of the lock that lag, and on release lines that end or have ended."""
    soon = (dt.date.fromisoformat(today) + dt.timedelta(days=ENDING_DAYS)).isoformat()
    found = [
        _finding(
            "version-lag",
            f"{name} {entry['version']}",
            f"{entry['newest']}, the newest of its line on {entry['checked']}",
            "raise it in versions.yml, then run playbooks/upgrade.yml",
            host="versions.yml",
            severity="warning",
        )
        for name, entry in versions.items()
        if str(entry.get("newest", entry["version"])) != str(entry["version"])
    ]
    return found + [
        _finding(
            "version-support",
            f"{name} {entry['version']}, whose line is mended until {entry['supported_until']}",
            f"a line with more than {ENDING_DAYS} days to go on {today}",
            "move versions.yml to the next line, then run playbooks/upgrade.yml",
            host="versions.yml",
            severity="warning",
        )
        for name, entry in versions.items()
        if str(entry.get("supported_until", soon)) < soon
    ]


def _row_text(row: Mapping[str, Any]) -> str:
    return " and ".join(f"{name} {release}" for name, release in row["if"].items())


def _is_release(versions: Mapping[str, Any], name: str, releases: list[str]) -> bool:
    version = str(versions.get(name, {}).get("version", ""))
    return any(version == release or version.startswith(f"{release}.") for release in releases)


def addresses(hostvars: Mapping[str, Mapping[str, Any]], hosts: list[str]) -> dict[str, str]:
    """Where Ansible reaches each host: its `ansible_host`, else its name."""
    return {host: str(hostvars[host].get("ansible_host", host)) for host in hosts}


class FilterModule:
    """Registers the filters with Ansible."""

    def filters(self) -> dict[str, Any]:
        """Filter functions by the name that templates use."""
        return {
            "preflight_addresses": addresses,
            "preflight_inventory_findings": inventory_findings,
            "preflight_lifecycle_findings": lifecycle_findings,
            "preflight_compatibility_findings": compatibility_findings,
        }
