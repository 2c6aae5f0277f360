"""Filters of role firewall: from the port table to rules that nftables reads."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleFilterError  # type: ignore[import-untyped] # ships no types

Row = dict[str, Any]
Rule = dict[str, str]


def families(networks: list[str]) -> list[dict[str, Any]]:
    """Networks by address family, merged and sorted: `[{family: "ip", networks: [...]}, …]`.

    Host names are dropped: a rule needs addresses. Raises AnsibleFilterError when names are all
    there is.
    """
    parsed = [network for text in networks if (network := _network(text)) is not None]
    if networks and not parsed:
        raise AnsibleFilterError(
            f"Found: only names ({', '.join(networks)}). Expected: addresses or networks. Remedy: "
            "set ansible_host to an address, or list the nodes' networks in firewall_cluster_cidrs."
        )
    v4 = [network for network in parsed if isinstance(network, ipaddress.IPv4Network)]
    v6 = [network for network in parsed if isinstance(network, ipaddress.IPv6Network)]
    named = {
        "ip": [str(network) for network in ipaddress.collapse_addresses(v4)],
        "ip6": [str(network) for network in ipaddress.collapse_addresses(v6)],
    }
    return [{"family": name, "networks": found} for name, found in named.items() if found]


def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None


def rules(
    table: list[Row], *, groups: list[str], cni: str, sets: dict[str, list[str]], ssh_port: int
) -> list[Rule]:
    """Rules that accept, in the table's order, for a host in `groups`.

    One rule is `{name, family, networks, protocol, port}`. Rows of other groups, of other network
    providers, and those that only the host itself uses, give none.
    """
    return [
        {
            "name": row["name"],
            "family": source["family"],
            "networks": ", ".join(source["networks"]),
            "protocol": row["protocol"],
            "port": str(ssh_port) if row["name"] == "ssh" else str(row["port"]),
        }
        for row in table
        if _applies(row, groups=groups, cni=cni)
        for source in families(_sources(row, sets=sets))
    ]


def _applies(row: Row, *, groups: list[str], cni: str) -> bool:
    return (
        row["from"] != "host"
        and not set(row["groups"]).isdisjoint(groups)
        and cni in row.get("cni", [cni])
    )


def _sources(row: Row, *, sets: dict[str, list[str]]) -> list[str]:
    if not isinstance(row["from"], str):
        return list(row["from"])
    if row["from"] not in sets:
        raise AnsibleFilterError(
            f"Row {row['name']} of the port table. Found: from {row['from']!r}. Expected: one of "
            f"{', '.join(sorted(sets))}, host, or a list of networks. Remedy: correct the row."
        )
    return sets[row["from"]]


def node_addresses(
    hostvars: Mapping[str, Mapping[str, Any]], hosts: list[str]
) -> dict[str, list[str]]:
    """Addresses of each host: those in its facts, and where Ansible reaches it.

    Only addresses of the default route's card count, so that a bridge's address, which every node
    may have alike, opens nothing.
    """
    found = {}
    for host in hosts:
        facts = hostvars[host].get("ansible_facts", {})
        cards = [facts.get(name, {}).get("address") for name in ("default_ipv4", "default_ipv6")]
        reached = str(hostvars[host].get("ansible_host", host))
        found[host] = [address for address in (*cards, reached) if address]
    return found


class FilterModule:
    """Registers the filters with Ansible."""

    def filters(self) -> dict[str, Any]:
        """Filter functions by the name that templates use."""
        return {
            "firewall_node_addresses": node_addresses,
            "firewall_rules": rules,
            "firewall_families": families,
        }
