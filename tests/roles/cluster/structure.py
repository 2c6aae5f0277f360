"""Lists that Kubernetes merges by key, and paths into objects that know them."""

from collections.abc import Iterator
from typing import Any

Json = Any
Element = tuple[str, Any]
Path = tuple[Element, ...]

MERGE_KEYS: dict[str, tuple[str, ...]] = {
    "containers": ("name",),
    "initContainers": ("name",),
    "ephemeralContainers": ("name",),
    "env": ("name",),
    "volumes": ("name",),
    "volumeMounts": ("mountPath",),
    "volumeDevices": ("devicePath",),
    "imagePullSecrets": ("name",),
    "conditions": ("type",),
    "hostAliases": ("ip",),
    "topologySpreadConstraints": ("topologyKey", "whenUnsatisfiable"),
    "ownerReferences": ("uid",),
    "webhooks": ("name",),
}
SETS = {"finalizers"}
SERVER_OWNED = {
    "name", "namespace", "uid", "resourceVersion", "generation", "creationTimestamp",
    "managedFields", "deletionTimestamp", "selfLink",
}  # fmt: skip


def keys_of(field: str, items: list[Any]) -> tuple[str, ...]:
    """The keys by which the items of a list are told apart, none when it is atomic."""
    if not all(isinstance(item, dict) for item in items):
        return ()
    if field == "ports" and items:
        name = "containerPort" if any("containerPort" in item for item in items) else "port"
        return (name, "protocol") if all(name in item for item in items) else ()
    keys = MERGE_KEYS.get(field, ())
    return keys if all(all(key in item for key in keys) for item in items) else ()


def identity(keys: tuple[str, ...], item: dict[str, Any]) -> tuple[Any, ...]:
    """What tells an item apart; a port without a protocol is TCP."""
    return tuple(item.get(key, "TCP" if key == "protocol" else None) for key in keys)


def leaves(value: Json, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Every path of an object that ends in a value, an atomic list or an empty object."""
    if isinstance(value, dict) and value:
        for key, child in value.items():
            if not path and key in {"apiVersion", "kind"}:
                continue
            if path == (("f", "metadata"),) and key in SERVER_OWNED:
                continue
            yield from leaves(child, (*path, ("f", key)))
        return
    keys = keys_of(str(path[-1][1]), value) if path and isinstance(value, list) and value else ()
    if keys:
        for item in value:
            at = (*path, ("k", tuple(zip(keys, identity(keys, item), strict=True))))
            yield from leaves(item, at)
        return
    if path != (("f", "metadata"),):
        yield path, value


def merged(live: Json, over: Json, field: str = "") -> Json:
    """`live` with the values of `over`: objects by field, keyed lists by key, sets joined."""
    if isinstance(live, dict) and isinstance(over, dict):
        result = dict(live)
        for key, value in over.items():
            result[key] = merged(live[key], value, key) if key in live else value
        return result
    if isinstance(live, list) and isinstance(over, list):
        if field in SETS:
            return [*live, *(item for item in over if item not in live)]
        keys = keys_of(field, [*live, *over])
        if keys:
            by_key = {identity(keys, item): item for item in live}
            for item in over:
                own = identity(keys, item)
                by_key[own] = merged(by_key[own], item) if own in by_key else item
            return list(by_key.values())
    return over


def without(value: Json, path: Path) -> Json:
    """A copy of an object without what a path leads to."""
    (sort, name), rest = path[0], path[1:]
    if sort == "f":
        if not isinstance(value, dict) or name not in value:
            return value
        if not rest:
            return {key: child for key, child in value.items() if key != name}
        child = without(value[name], rest)
        gone = child in ({}, []) and value[name] not in ({}, [])
        return {
            k: (child if k == name else v) for k, v in value.items() if not (gone and k == name)
        }
    if not isinstance(value, list):
        return value
    kept = []
    for item in value:
        matches = all(
            item.get(key, "TCP" if key == "protocol" else None) == wanted for key, wanted in name
        )
        if not matches:
            kept.append(item)
        elif rest:
            left = without(item, rest)
            if set(left) - {key for key, _ in name} or left == item:
                kept.append(left)
    return kept
