"""Filters: certificates, members and keys, read from what kubeadm and etcd print."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import yaml
from ansible.errors import AnsibleFilterError

DAY_S = 86400
# `etcdctl member list`: ID, status, name, peers, clients, whether it only learns.
MEMBER_FIELDS = 6
# How a key is changed without a moment in which an API server meets a value that it cannot read.
STAGES = ("added", "first", "alone")


def ending_certificates(printed: str, *, within_days: int) -> list[str]:
    """Certificates that end within some days; 0 names those that have ended.

    `printed` is what `kubeadm certs check-expiration -o json` says. It lists what is not on this
    host too, with `missing` and no time left: a joined control plane has no super-admin.conf.
    """
    listed: list[dict[str, Any]] = json.loads(printed).get("certificates") or []
    return [
        str(each["name"])
        for each in listed
        if not each.get("missing") and each["residualTime"] < max(within_days * DAY_S, 1)
    ]


def etcd_members(printed: str) -> list[dict[str, Any]]:
    """Members as `etcdctl member list` prints them: id, name (empty before the start), peers."""
    found = []
    for line in filter(None, map(str.strip, printed.splitlines())):
        fields = [field.strip() for field in line.split(", ")]
        if len(fields) < MEMBER_FIELDS:
            raise AnsibleFilterError(
                f"etcd_members: found {line!r}; expected six fields with commas between them. "
                "Look at `etcdctl member list` on a control plane."
            )
        found.append({"id": fields[0], "name": fields[2], "peers": fields[3:-2]})
    return found


def lost_members(
    members: Iterable[Mapping[str, Any]], *, name: str, address: str, keeper: str
) -> list[str]:
    """Ids of the members that a host left behind, by its name or by the address of its peer port.

    A member that never started has no name. `keeper` is the member that is asked: never lost.
    """
    peer = f"://{f'[{address}]' if ':' in address else address}:"
    return [
        str(member["id"])
        for member in members
        if member["name"] != keeper
        and (
            member["name"] == name
            or (address and any(peer in each for each in member.get("peers", [])))
        )
    ]


def encryption_of(text: str) -> dict[str, Any]:
    """Provider and resources with which an EncryptionConfiguration writes; empty without one."""
    listed = (yaml.safe_load(text) or {}).get("resources") or [] if text else []
    if not listed:
        return {}
    return {
        "provider": next(iter(listed[0]["providers"][0])),
        "resources": sorted({name for entry in listed for name in entry["resources"]}),
    }


def encrypted_resources(text: str) -> list[str]:
    """Every resource that an EncryptionConfiguration speaks of."""
    return list(encryption_of(text).get("resources", []))


def rotated_encryption(
    text: str, *, stage: str, provider: str, resources: list[str], key: str
) -> str:
    """The EncryptionConfiguration of one stage on the way to a new key.

    added: the new key is read, the old ones write. first: the new key writes, the old ones are
    read, and what shall no longer be encrypted is written plain. alone: the new key is left.
    """
    if stage not in STAGES:
        raise AnsibleFilterError(f"rotated_encryption: found {stage!r}; expected one of {STAGES}")
    # Ansible's texts carry where they are from, which no YAML writer takes.
    provider, key, resources = str(provider), str(key), [str(name) for name in resources]
    document = yaml.safe_load(text)
    named = [name for entry in document["resources"] for name in entry["resources"]]
    old = [each for entry in document["resources"] for each in entry["providers"]]
    old = [each for place, each in enumerate(old) if each not in old[:place] and _keys(each)]
    if stage == "added" and old and _holds(old[0], key):
        return text  # a run that died later is finished: nobody goes back to writing with old keys
    new = {provider: {"keys": [{"name": _name(old, key), "secret": key}]}}
    older, plain = [each for each in old if not _holds(each, key)], {"identity": {}}
    everything = list(dict.fromkeys([*named, *resources]))
    dropped = [name for name in everything if name not in resources]
    entries = {
        "added": [(everything, [*older, new, plain])],
        "first": [(resources, [new, *older, plain]), (dropped, [plain, *older, new])],
        "alone": [(resources, [new, plain])],
    }[stage]
    document["resources"] = [
        {"resources": [*names], "providers": copy.deepcopy(providers)}
        for names, providers in entries
        if names
    ]
    return yaml.safe_dump(document, sort_keys=False)


def pending_key(texts: Iterable[str]) -> str:
    """The secret of a change of keys that did not end: the newest where a file has several."""
    for text in texts:
        entries = (yaml.safe_load(text) or {}).get("resources") or []
        keys = {
            key["name"]: key["secret"]
            for entry in entries
            for provider in entry["providers"]
            for key in _keys(provider)
        }
        if len(keys) > 1:
            return keys[max(keys, key=lambda name: int(name[3:]) if name[3:].isdigit() else 0)]
    return ""


def _keys(provider: Mapping[str, Any]) -> list[dict[str, str]]:
    return [key for own in provider.values() for key in (own or {}).get("keys") or []]


def _holds(provider: Mapping[str, Any], secret: str) -> bool:
    return any(key["secret"] == secret for key in _keys(provider))


def _name(providers: list[dict[str, Any]], secret: str) -> str:
    """The name that a key has already, or the next number: names tell the API server the key."""
    keys = [key for provider in providers for key in _keys(provider)]
    for key in keys:
        if key["secret"] == secret:
            return key["name"]
    numbers = [int(key["name"][3:]) for key in keys if key["name"][3:].isdigit()]
    return f"key{max(numbers, default=0) + 1}"


class FilterModule:
    """What Ansible loads."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Filters by name."""
        return {
            "ending_certificates": ending_certificates,
            "etcd_members": etcd_members,
            "lost_members": lost_members,
            "encryption_of": encryption_of,
            "encrypted_resources": encrypted_resources,
            "rotated_encryption": rotated_encryption,
            "pending_key": pending_key,
        }
