"""Turns Argo CD's manifest and this repository's settings into the objects to apply."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

Object = dict[str, Any]
Key = tuple[str, str, str]

CLUSTER_SCOPED = frozenset(
    {"ClusterRole", "ClusterRoleBinding", "CustomResourceDefinition", "Namespace"}
)
WORKLOADS = frozenset({"Deployment", "StatefulSet"})
KNOWN_HOSTS: Key = ("v1", "ConfigMap", "argocd-ssh-known-hosts-cm")
SETTINGS: Key = ("v1", "ConfigMap", "argocd-cmd-params-cm")
ANNOTATION = "modelctl.dev/settings"


def key_of(thing: Mapping[str, Any]) -> Key:
    """What makes two objects the same one: apiVersion, kind and name."""
    return (thing["apiVersion"], thing["kind"], thing["metadata"]["name"])


def plain(value: Mapping[str, Any]) -> Object:
    """A copy of plain dictionaries and lists; templates inside are resolved on the way."""
    return {str(key): entry_of(entry) for key, entry in value.items()}


def entry_of(value: object) -> object:
    """A copy of what stands in a dictionary or a list."""
    if isinstance(value, Mapping):
        return plain(value)
    return [entry_of(entry) for entry in value] if isinstance(value, list) else value


def merge(below: Mapping[str, Any], above: Mapping[str, Any]) -> Object:
    """`above` laid over `below`; dictionaries are merged, everything else is replaced."""
    merged = dict(below)
    for key, value in above.items():
        old = merged.get(key)
        both = isinstance(old, Mapping) and isinstance(value, Mapping)
        merged[key] = merge(old, value) if both else value
    return merged


def objects(
    manifest: Iterable[Object | None],
    settings: Iterable[Object],
    namespace: str,
    known_hosts: Iterable[str] = (),
    proxy: Mapping[str, str] | None = None,
) -> list[Object]:
    """The objects to apply, each once: two applies of one object would take turns.

    `proxy` is the environment of the pods that reach out; Argo CD's own Services are added to its
    exceptions. `known_hosts` are further lines of the ConfigMap of SSH host keys. Pods of the
    installation are annotated with a digest of the settings that they read only when they start.
    """
    by_key: dict[Key, Object] = {}
    for thing in [*manifest, *settings]:
        if thing:
            by_key[key_of(thing)] = merge(by_key.get(key_of(thing), {}), plain(thing))
    add_known_hosts(by_key.get(KNOWN_HOSTS), known_hosts)
    digest = digest_of(by_key.get(SETTINGS, {}).get("data", {}))
    for thing in by_key.values():
        if thing["kind"] not in CLUSTER_SCOPED:
            thing["metadata"].setdefault("namespace", namespace)
        if thing["kind"] in WORKLOADS:
            annotate(thing, digest)
            add_proxy(thing, proxy or {}, services=names_of(by_key.values(), "Service"))
    return list(by_key.values())


def add_known_hosts(config_map: Object | None, lines: Iterable[str]) -> None:
    """Appends lines that the ConfigMap does not have yet."""
    if config_map is None:
        return
    data = config_map.setdefault("data", {})
    there = data.get("ssh_known_hosts", "").splitlines()
    new = [line for line in lines if line not in there]
    data["ssh_known_hosts"] = "\n".join([*there, *new]) + "\n"


def digest_of(data: Mapping[str, Any]) -> str:
    """Sixteen hex digits that change when the data does."""
    text = json.dumps(data, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def annotate(workload: Object, digest: str) -> None:
    """Makes a workload's pods anew when the settings change."""
    metadata = workload["spec"]["template"].setdefault("metadata", {})
    metadata.setdefault("annotations", {})[ANNOTATION] = digest


def names_of(things: Iterable[Object], kind: str) -> list[str]:
    """Names of the objects of one kind, sorted."""
    return sorted(thing["metadata"]["name"] for thing in things if thing["kind"] == kind)


def add_proxy(workload: Object, proxy: Mapping[str, str], *, services: list[str]) -> None:
    """Gives a workload that reaches out the proxy, in both spellings that programs read.

    Argo CD's parts name each other by their Services; gRPC would ask the proxy for these as well.
    """
    if not proxy or "redis" in workload["metadata"]["name"]:
        return
    inside = ",".join(dict.fromkeys([*str(proxy.get("no_proxy", "")).split(","), *services]))
    given = {**proxy, "no_proxy": inside.strip(",")}
    wanted = [
        {"name": name, "value": str(value)}
        for key, value in sorted(given.items())
        for name in (key.lower(), key.upper())
    ]
    for container in workload["spec"]["template"]["spec"]["containers"]:
        names = {entry["name"] for entry in wanted}
        kept = [entry for entry in container.get("env", []) if entry["name"] not in names]
        container["env"] = kept + wanted


def definitions(things: Iterable[Object]) -> list[Object]:
    """The custom resource definitions among objects."""
    return [thing for thing in things if thing["kind"] == "CustomResourceDefinition"]


def others(things: Iterable[Object]) -> list[Object]:
    """Everything else, in an order in which pods find what they need: settings before workloads."""
    rest = [thing for thing in things if thing["kind"] != "CustomResourceDefinition"]
    return sorted(rest, key=lambda thing: thing["kind"] in WORKLOADS)


def leftovers(existing: Iterable[Object], wanted: Iterable[Object], manager: str) -> list[Object]:
    """Objects that `manager` applied once and that are wanted no more."""
    keys = {key_of(thing) for thing in wanted}
    return [
        thing
        for thing in existing
        if key_of(thing) not in keys
        and not thing["metadata"].get("ownerReferences")
        and manager
        in {field.get("manager") for field in thing["metadata"].get("managedFields") or []}
    ]


class FilterModule:
    """Filters of role argocd."""

    def filters(self) -> dict[str, Any]:
        """Name and function of each filter."""
        return {
            "argocd_definitions": definitions,
            "argocd_leftovers": leftovers,
            "argocd_objects": objects,
            "argocd_others": others,
        }
