"""Which field manager owns which field, and server-side apply on top of it."""

import json
from dataclasses import dataclass, field
from typing import Any

from .faults import ApiError
from .structure import Path, leaves, merged, without

Manager = tuple[str, str, str]


def _text(path: Path) -> str:
    out = ""
    for sort, name in path:
        keyed = ",".join(f"{k}={json.dumps(v)}" for k, v in name) if sort == "k" else ""
        out += f"[{keyed}]" if sort == "k" else f".{name}"
    return out


@dataclass
class Owners:
    """Field paths by manager: name, operation, subresource."""

    fields: dict[Manager, set[Path]] = field(default_factory=dict)
    times: dict[Manager, str] = field(default_factory=dict)

    def copy(self) -> "Owners":
        """An independent copy."""
        return Owners({k: set(v) for k, v in self.fields.items()}, dict(self.times))

    def take(self, manager: Manager, paths: set[Path], now: str) -> None:
        """Give paths to a manager, and take them from every other one."""
        for other in self.fields:
            self.fields[other] -= paths
        if paths:
            self.fields[manager] = self.fields.get(manager, set()) | paths
            self.times[manager] = now
        self.fields = {name: owned for name, owned in self.fields.items() if owned}

    def drop(self, paths: set[Path]) -> None:
        """Forget paths that are gone."""
        for other in self.fields:
            self.fields[other] -= paths
        self.fields = {name: owned for name, owned in self.fields.items() if owned}

    def entries(self, api_version: str) -> list[dict[str, Any]]:
        """`metadata.managedFields`."""
        return [
            {"manager": name, "operation": operation, "apiVersion": api_version}
            | ({"subresource": subresource} if subresource else {})
            | {"time": self.times.get(key, ""), "fieldsType": "FieldsV1", "fieldsV1": _tree(owned)}
            for key, owned in sorted(self.fields.items())
            for name, operation, subresource in (key,)
        ]


def _tree(paths: set[Path]) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    for path in sorted(paths, key=_text):
        place = tree
        for sort, name in path:
            label = f"f:{name}" if sort == "f" else f"k:{json.dumps(dict(name))}"
            place = place.setdefault(label, {})
    return tree


def note_update(
    owners: Owners, manager: Manager, before: dict[str, Any], after: dict[str, Any], now: str
) -> None:
    """Give every field that an ordinary write changed to its writer."""
    old, new = dict(leaves(before)), dict(leaves(after))
    owners.drop(old.keys() - new.keys())
    changed = {path for path, value in new.items() if path not in old or old[path] != value}
    if changed:
        owners.take(manager, changed, now)


def apply(
    owners: Owners,
    manager: str,
    live: dict[str, Any],
    applied: dict[str, Any],
    *,
    force: bool,
    now: str,
) -> dict[str, Any]:
    """Merge an applied configuration into the live object.

    Raises `ApiError` 409 when another manager holds a field with another value and `force` is
    off.
    """
    own: Manager = (manager, "Apply", "")
    old, new = dict(leaves(live)), dict(leaves(applied))
    conflicts = [
        (other, path)
        for other, owned in owners.fields.items()
        if other != own
        for path in owned & new.keys()
        if path in old and old[path] != new[path]
    ]
    if conflicts and not force:
        causes = [
            {
                "reason": "FieldManagerConflict",
                "message": f'conflict with "{other[0]}"',
                "field": _text(path),
            }
            for other, path in conflicts
        ]
        raise ApiError(
            409,
            f"Apply failed with {len(causes)} conflict(s): conflict with "
            f'"{conflicts[0][0][0]}": {_text(conflicts[0][1])}',
            causes=causes,
        )
    result = merged(live, applied)
    others = {path for name, owned in owners.fields.items() if name != own for path in owned}
    for path in owners.fields.get(own, set()) - new.keys() - others:
        result = without(result, path)
    for other, path in conflicts:
        owners.fields[other].discard(path)
    if owners.fields.get(own) != set(new) or result != live:
        owners.times[own] = now
    owners.fields[own] = set(new)
    owners.fields = {name: owned for name, owned in owners.fields.items() if owned}
    return dict(result)
