"""An inventory names each host once, and a cluster that this repository knows.

## What it does
Reads the hosts and variables of each inventory below `inventories/`: groups have `hosts`,
`children` and `vars` alone; host names are text; a host is a control plane or a worker, and a host
of the group `gpu` is one of the two; no two hosts have one address; files in `group_vars/` and
`host_vars/` are named after groups and hosts; `cluster_environment` is an environment of
`argocd/environments.yaml` with `engine: argocd`; `cluster_endpoint` has a port, and the networks of
pods and Services do not overlap.

## Why
Ansible takes a misspelt group for one without hosts, and variables of a group that is not there for
nothing at all. Two names with one address are one machine that is set up twice, as two things.

## Bad
```yaml
cluster_environment: stagging
```

## Good
```yaml
cluster_environment: staging
```
"""

import ipaddress
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches

import yaml

from modelctl.check.ansible_files import (
    AnsibleFile,
    Node,
    ansible_files,
    entries,
    is_text,
    mapping,
    scalar,
)
from modelctl.finding import START, Level, Scope, Violation
from modelctl.nearest import hint
from modelctl.repo.repository import Files, Repository
from modelctl.repo.scalars import short

ID = "inventory-sound"
LEVEL = Level.ERROR
SCOPE = Scope.FILES

_HOSTS = ("hosts.yml", "hosts.yaml")
_PARTS = ("hosts", "children", "vars")
_GROUPS = ("all", "ungrouped")  # that every inventory has
_OUR_GROUPS = ("cluster", "control_plane", "workers", "gpu")
_NEAR = 0.85  # of difflib, 0 to 1: a letter of seven
_MOST_GROUPS = 1000  # of one inventory; nothing is read past them
_ENDPOINT = re.compile(r"(\[[0-9a-fA-F:]+\]|[^:\s]+):([0-9]{1,5})")
_LAST_PORT = 65535
_TO_CHANGE = "# change"  # marks the values of a sample


@dataclass(slots=True)
class _Inventory:
    """What the file of hosts says; nodes of hosts by group, then by name."""

    file: AnsibleFile
    groups: dict[str, dict[str, Node]] = field(default_factory=dict)
    names: dict[str, Node] = field(default_factory=dict)  # of groups, where they stand
    addresses: dict[str, tuple[str, Node]] = field(default_factory=dict)
    faults: list[Violation] = field(default_factory=list)

    def note(self, node: Node, message: str, remedy: str) -> None:
        self.faults.append(self.file.violation(node, message, remedy))

    @property
    def hosts(self) -> frozenset[str]:
        return frozenset(name for hosts in self.groups.values() for name in hosts)


def check(files: Files) -> Iterator[Violation]:
    """One finding for each host, group and variable that is not what it seems."""
    if not isinstance(files, Repository):
        return
    synced = [each.name for each in files.environments.ordered if each.engine == "argocd"]
    inventories = {}
    for file in ansible_files(files):
        top, *parts = file.path.split("/")[1:]
        if parts and parts[-1] in _HOSTS and len(parts) == 1 and file.top is not None:
            inventories[top] = inventory = _read(file)
            yield from inventory.faults
            yield from _slips(inventory)
            yield from _members(inventory)
    for file in ansible_files(files):
        top, *parts = file.path.split("/")[1:]
        if len(parts) > 1 and top in inventories:
            yield from _named_after(inventories[top], file, parts)
        if len(parts) > 1 and parts[0] in ("group_vars", "host_vars"):
            yield from _variables(file, synced)


def _read(file: AnsibleFile) -> _Inventory:
    inventory = _Inventory(file)
    pending = [(str(key.value), group) for key, group in entries(file.top)]
    for _ in range(_MOST_GROUPS):
        if not pending:
            break
        name, group = pending.pop(0)
        hosts = inventory.groups.setdefault(name, {})
        for key, value in entries(group):
            if key.value not in _PARTS:
                message = f"found {short(str(key.value))}, expected one of {', '.join(_PARTS)}"
                inventory.note(key, message, hint(str(key.value), _PARTS))
            elif key.value == "children":
                pending += [(str(child.value), below) for child, below in entries(value)]
                inventory.names |= {str(child.value): child for child, _ in entries(value)}
            elif key.value == "hosts":
                _hosts(inventory, hosts, value)
    return inventory


def _slips(inventory: _Inventory) -> Iterator[Violation]:
    """Groups that are nearly one that the roles look for."""
    for name, node in inventory.names.items():
        near = get_close_matches(name, _OUR_GROUPS, 1, _NEAR) if name not in _OUR_GROUPS else ()
        if near and near[0] not in inventory.groups:
            message = f"found the group {short(name)}, expected {near[0]}, which the roles look for"
            yield inventory.file.violation(node, message, f"write {near[0]}")


def _hosts(inventory: _Inventory, hosts: dict[str, Node], value: Node) -> None:
    if isinstance(value, yaml.SequenceNode):
        inventory.note(value, "found a list of hosts, expected a mapping", "write name: {}")
    for key, variables in entries(value):
        if not is_text(key):
            message = f"found the host {short(str(key.value))}, expected text"
            inventory.note(key, message, "quote it")
        hosts[str(key.value)] = key
        node = mapping(variables).get("ansible_host")
        address = scalar(node)
        if address:
            other, _ = inventory.addresses.setdefault(address, (str(key.value), node))
            if other != key.value:
                message = f"found the address {address}, which {other} has too"
                inventory.note(node, message, "write the address of this host")


def _members(inventory: _Inventory) -> Iterator[Violation]:
    planes, workers = (inventory.groups.get(name) for name in ("control_plane", "workers"))
    if planes is None or workers is None:
        return
    for name, node in workers.items():
        if name in planes:
            message = f"found {name}, which is a control plane too"
            remedy = "keep one; control_plane_schedulable lets pods run on a control plane"
            yield inventory.file.violation(node, message, remedy)
    for name, node in inventory.groups.get("gpu", {}).items():
        if name not in planes and name not in workers:
            message = f"found {name}, expected a control plane or a worker"
            remedy = hint(name, [*planes, *workers])
            yield inventory.file.violation(node, message, remedy)


def _named_after(inventory: _Inventory, file: AnsibleFile, parts: list[str]) -> Iterator[Violation]:
    of = parts[1].rpartition(".")[0] if len(parts) == len(("folder", "file")) else parts[1]
    known: Collection[str] = ()
    if parts[0] == "group_vars":
        known = {*inventory.groups, *_GROUPS}
    elif parts[0] == "host_vars":
        known = inventory.hosts
        if any("[" in name for name in known):
            return  # a range of hosts
    if known and of not in known:
        what = "a group" if parts[0] == "group_vars" else "a host"
        message = f"found variables of {of}, expected {what} of {inventory.file.path}"
        yield Violation(file.path, START, message, hint(of, sorted(known)))


def _variables(file: AnsibleFile, synced: list[str]) -> Iterator[Violation]:
    found = mapping(file.top)
    node = found.get("cluster_environment")
    name = scalar(node)
    if name is not None and synced and name not in synced and not _is_unset(file, node, synced):
        message = f"found the environment {short(name)}, expected one that Argo CD syncs"
        yield file.violation(node, message, hint(name, synced))
    node = found.get("cluster_endpoint")
    endpoint = scalar(node)
    if endpoint:
        match = _ENDPOINT.fullmatch(endpoint)
        if match is None or not 0 < int(match[2]) <= _LAST_PORT:
            message = (
                f"found {short(endpoint)}, expected an address and a port such as 192.0.2.10:6443"
            )
            yield file.violation(node, message, "write both")
    yield from _networks(file, found)


def _is_unset(file: AnsibleFile, node: Node, synced: list[str]) -> bool:
    """Whether a value is the sample's that a comment asks to change, and no slip of a real one."""
    line = file.text.split("\n")[node.start_mark.line]
    return _TO_CHANGE in line and not get_close_matches(node.value, synced)


def _networks(file: AnsibleFile, found: Mapping[str, Node]) -> Iterator[Violation]:
    ranges: dict[str, list[ipaddress.IPv4Network | ipaddress.IPv6Network]] = {}
    for key in ("cluster_pod_cidr", "cluster_service_cidr"):
        text = scalar(found.get(key))
        for part in (text or "").split(",") if text else ():
            try:
                ranges.setdefault(key, []).append(ipaddress.ip_network(part.strip()))
            except ValueError:
                message = f"found {short(part)}, expected a network such as 10.244.0.0/16"
                yield file.violation(found[key], message, "write its first address and its prefix")
    pods, services = (ranges.get(key, []) for key in ("cluster_pod_cidr", "cluster_service_cidr"))
    if any(a.version == b.version and a.overlaps(b) for a in pods for b in services):
        message = "found a network that overlaps with cluster_pod_cidr, expected one of its own"
        yield file.violation(found["cluster_service_cidr"], message, "write another network")
