"""The objects of the cluster: kinds, versions, owners, and the writes that the API allows."""

import base64
import copy
import datetime as dt
import uuid
from dataclasses import dataclass, field
from typing import Any

from . import ownership, validation
from .faults import ApiError
from .kinds import Kind, builtin

Key = tuple[str, str, str]
Object = dict[str, Any]
SPEC_ALWAYS = {"Node", "Namespace", "Service"}
SYSTEM = ("default", "kube-system", "kube-public", "kube-node-lease")


@dataclass(frozen=True)
class Write:
    """Who writes, and whether it counts."""

    manager: str = "unknown"
    dry_run: bool = False
    subresource: str = ""


def now() -> str:
    """The time as the API spells it."""
    return dt.datetime.now(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _strings(kind: Kind, body: Object) -> Object:
    """A Secret's `stringData` moves to `data`."""
    if kind.kind == "Secret" and "stringData" in body:
        text = body.pop("stringData") or {}
        encoded = {key: base64.b64encode(str(v).encode()).decode() for key, v in text.items()}
        body["data"] = {**(body.get("data") or {}), **encoded}
    return body


@dataclass
class Store:
    """Every object by kind, namespace and name."""

    version: str = "v0.0.0"
    kinds: dict[tuple[str, str, str], Kind] = field(default_factory=dict)
    objects: dict[Key, Object] = field(default_factory=dict)
    owners: dict[Key, ownership.Owners] = field(default_factory=dict)
    revision: int = 0
    initialised: bool = False

    def __post_init__(self) -> None:
        """Serve the kinds that need no definition."""
        for kind in builtin():
            self.kinds[kind.group, kind.version, kind.plural] = kind

    @staticmethod
    def key(kind: Kind, namespace: str, name: str) -> Key:
        """Where an object is kept."""
        return kind.full_name, namespace if kind.namespaced else "", name

    def start(self) -> None:
        """What a new cluster holds."""
        self.initialised = True
        for name in SYSTEM:
            if ("namespaces", "", name) not in self.objects:
                body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
                self.create(self.kinds["", "v1", "namespaces"], "", body, Write("kube-apiserver"))

    def named(self, plural: str) -> list[Object]:
        """Objects of a built-in or custom resource, by its full name."""
        return [item for (full, _, _), item in self.objects.items() if full == plural]

    def get(self, kind: Kind, namespace: str, name: str) -> Object:
        """One object. Raises `ApiError` 404."""
        found = self.objects.get(self.key(kind, namespace, name))
        if found is None:
            raise ApiError(404, f'{kind.full_name} "{name}" not found')
        return found

    def _identify(self, kind: Kind, namespace: str, body: Object) -> Object:
        body.setdefault("kind", kind.kind)
        body.setdefault("apiVersion", kind.api_version)
        if body["kind"] != kind.kind or body["apiVersion"] != kind.api_version:
            raise ApiError(
                400,
                f"the object provided is {body['apiVersion']} "
                f"{body['kind']}, the request is for {kind.api_version} {kind.kind}",
            )
        meta = body.setdefault("metadata", {})
        if kind.namespaced:
            if meta.setdefault("namespace", namespace) != namespace:
                raise ApiError(
                    400,
                    "the namespace of the provided object does not match the "
                    "namespace sent on the request",
                )
            if ("namespaces", "", namespace) not in self.objects:
                raise ApiError(404, f'namespaces "{namespace}" not found')
        else:
            meta.pop("namespace", None)
        if not meta.get("name") and meta.get("generateName"):
            meta["name"] = f"{meta['generateName']}{uuid.uuid4().hex[:5]}"
        if not meta.get("name"):
            raise ApiError(
                422,
                f"{kind.kind} is invalid: metadata.name: Required value: name or "
                "generateName is required",
            )
        return body

    def create(self, kind: Kind, namespace: str, body: Object, write: Write) -> Object:
        """Keep a new object. Raises `ApiError` 400, 404, 409 or 422."""
        body = _strings(kind, self._identify(kind, namespace, copy.deepcopy(body)))
        key = self.key(kind, namespace, body["metadata"]["name"])
        if key in self.objects:
            raise ApiError(
                409, f'{kind.full_name} "{key[2]}" already exists', reason="AlreadyExists"
            )
        owners = ownership.Owners()
        ownership.note_update(owners, (write.manager, "Update", ""), {}, body, now())
        return self._keep(kind, key, {}, body, owners, write)

    def change(self, kind: Kind, before: Object, after: Object, write: Write) -> Object:
        """Keep a changed object. Raises `ApiError` 409 or 422."""
        meta = before["metadata"]
        key = self.key(kind, meta.get("namespace", ""), meta["name"])
        wanted = after.get("metadata", {}).get("resourceVersion")
        if wanted and wanted != meta["resourceVersion"]:
            raise ApiError(
                409,
                f'Operation cannot be fulfilled on {kind.full_name} "{key[2]}": '
                "the object has been modified; please apply your changes to the "
                "latest version and try again",
            )
        if after.get("metadata", {}).get("name", key[2]) != key[2]:
            raise ApiError(
                400,
                f"the name of the object ({after['metadata']['name']}) does not "
                f"match the name on the URL ({key[2]})",
            )
        after = _strings(kind, self._parts(copy.deepcopy(before), copy.deepcopy(after), write))
        owners = self.owners[key].copy()
        who = (write.manager, "Update", write.subresource)
        ownership.note_update(owners, who, before, after, now())
        return self._keep(kind, key, before, after, owners, write)

    @staticmethod
    def _parts(before: Object, after: Object, write: Write) -> Object:
        """A status write changes the status, any other write everything but the status."""
        if write.subresource == "status":
            return {**before, "status": after.get("status", {})}
        after.pop("status", None)
        return {**after, "status": before["status"]} if "status" in before else after

    def apply(
        self, kind: Kind, namespace: str, body: Object, write: Write, *, force: bool
    ) -> tuple[Object, bool]:
        """Server-side apply; gives the object and whether it is new. Raises `ApiError`."""
        body = _strings(kind, self._identify(kind, namespace, copy.deepcopy(body)))
        if body["metadata"].get("managedFields"):
            raise ApiError(400, "metadata.managedFields must be nil")
        key = self.key(kind, namespace, body["metadata"]["name"])
        if write.subresource != "status":
            body.pop("status", None)
        live = self.objects.get(key)
        owners = self.owners[key].copy() if live else ownership.Owners()
        base = live or {
            "apiVersion": kind.api_version,
            "kind": kind.kind,
            "metadata": body["metadata"],
        }
        after = ownership.apply(owners, write.manager, base, body, force=force, now=now())
        return self._keep(kind, key, live or {}, after, owners, write), live is None

    def _keep(  # noqa: PLR0917 - what a write is made of
        self,
        kind: Kind,
        key: Key,
        before: Object,
        after: Object,
        owners: ownership.Owners,
        write: Write,
    ) -> Object:
        after = self._stamp(before, copy.deepcopy(after))
        if kind.kind in SPEC_ALWAYS and not kind.custom:
            after = {**after, "spec": after.get("spec") or {}}
        validation.check(kind, after)
        if before:
            validation.check_update(kind, before, after)
        after["metadata"]["managedFields"] = owners.entries(kind.api_version)
        if (
            before
            and {**before, "metadata": {**before["metadata"], "managedFields": 0}}
            == {
                **after,
                "metadata": {**after["metadata"], "managedFields": 0},
            }
            and owners.fields == self.owners[key].fields
        ):
            return before
        if write.dry_run:
            return after
        self.revision += 1
        after["metadata"]["resourceVersion"] = str(self.revision)
        self.objects[key], self.owners[key] = after, owners
        deleting = after["metadata"].get("deletionTimestamp")
        if deleting and not after["metadata"].get("finalizers"):
            self._forget(key)
        return after

    @staticmethod
    def _stamp(before: Object, after: Object) -> Object:
        meta, old = after["metadata"], before.get("metadata", {})
        stamps = {
            "uid": old.get("uid", str(uuid.uuid4())),
            "creationTimestamp": old.get("creationTimestamp", now()),
            "resourceVersion": old.get("resourceVersion", "0"),
            "generation": old.get("generation", 1),
        }
        meta.update(stamps)
        if "deletionTimestamp" in old:
            meta["deletionTimestamp"] = old["deletionTimestamp"]
        ignored = {"metadata", "status"}
        same = {k: v for k, v in before.items() if k not in ignored} == {
            k: v for k, v in after.items() if k not in ignored
        }
        if before and not same:
            meta["generation"] += 1
        return after

    def delete(self, kind: Kind, namespace: str, name: str, *, dry_run: bool = False) -> Object:
        """Remove an object and what it owns. Raises `ApiError` 404."""
        found = self.get(kind, namespace, name)
        if dry_run:
            return found
        if found["metadata"].get("finalizers"):
            found["metadata"].setdefault("deletionTimestamp", now())
            return found
        self._forget(self.key(kind, namespace, name))
        return found

    def _forget(self, key: Key) -> None:
        gone = self.objects.pop(key, None)
        self.owners.pop(key, None)
        self.revision += 1
        if gone is None:
            return
        if key[0] == "namespaces":
            inside = [other for other in self.objects if other[1] == key[2]]
        else:
            uid = gone["metadata"]["uid"]
            inside = [
                other
                for other, item in self.objects.items()
                if any(owner["uid"] == uid for owner in item["metadata"].get("ownerReferences", []))
            ]
        if key[0] == "customresourcedefinitions.apiextensions.k8s.io":
            inside += [other for other in self.objects if other[0] == key[2]]
            self.kinds = {
                k: v for k, v in self.kinds.items() if not v.custom or v.full_name != key[2]
            }
        for other in inside:
            self._forget(other)

    def set_status(self, kind_name: str, namespace: str, name: str, status: Object) -> None:
        """A controller's word on an object; nothing happens when it is the same."""
        found = self.objects.get((kind_name, namespace, name))
        if found is not None and found.get("status") != status:
            self.revision += 1
            meta = {**found["metadata"], "resourceVersion": str(self.revision)}
            self.objects[kind_name, namespace, name] = {**found, "metadata": meta, "status": status}
