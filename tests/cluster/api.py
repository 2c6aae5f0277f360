"""A client of the Kubernetes API as small as the tests need: server-side apply, reads, deletes."""

import json
import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

Object = dict[str, Any]

MANAGER = "argocd-controller"
_PATIENCE_S = 60.0  # for an answer of a machine that is busy with other things


class RefusedError(Exception):
    """The API said no; the message is its own."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"{status}: {message}")
        self.status = status


@dataclass(frozen=True, slots=True)
class Key:
    """Which object: what the API tells objects apart by."""

    api_version: str
    kind: str
    namespace: str
    name: str

    @property
    def group(self) -> str:
        """The API group, empty for the core."""
        return self.api_version.rpartition("/")[0]

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}".replace(" /", " ")


def key(item: Mapping[str, Any]) -> Key:
    """Which object an object is."""
    about = item["metadata"]
    return Key(item["apiVersion"], item["kind"], about.get("namespace", ""), about["name"])


class Api:
    """Calls of one user."""

    def __init__(self, url: str, ca: Path, token: str) -> None:
        self.calls = 0
        self._resources: dict[tuple[str, str], tuple[str, bool]] = {}
        self._client = httpx.Client(
            base_url=url,
            verify=ssl.create_default_context(cafile=str(ca)),
            headers={"authorization": f"Bearer {token}"},
            timeout=_PATIENCE_S,
        )

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def apply(
        self, item: Object, *, manager: str = MANAGER, force: bool = True, dry_run: bool = False
    ) -> Object:
        """Server-side apply with strict validation; a conflict is taken over, as Argo CD does."""
        words = {"fieldManager": manager, "fieldValidation": "Strict"}
        words |= {"force": "true"} if force else {}
        words |= {"dryRun": "All"} if dry_run else {}
        headers = {"content-type": "application/apply-patch+yaml"}
        return self._call("PATCH", self.path(key(item)), words, item, headers)

    def create(self, item: Object, *, dry_run: bool = False) -> Object:
        """Create an object."""
        words = {"fieldValidation": "Strict"} | ({"dryRun": "All"} if dry_run else {})
        return self._call("POST", self.path(key(item)).rpartition("/")[0], words, item)

    def status(self, which: Key, status: Object) -> Object:
        """Lay a status over the one that an object has, as its controller does."""
        headers = {"content-type": "application/merge-patch+json"}
        return self._call("PATCH", f"{self.path(which)}/status", {}, {"status": status}, headers)

    def token(self, account: Key, asked: Object) -> str:
        """A token of a ServiceAccount, as the TokenRequest API gives it; `asked` is its spec."""
        body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": asked}
        found = self._call("POST", f"{self.path(account)}/token", {}, body)
        return str(found["status"]["token"])

    def get(self, which: Key) -> Object | None:
        """An object, or None."""
        try:
            return self._call("GET", self.path(which))
        except RefusedError as refused:
            if refused.status == httpx.codes.NOT_FOUND:
                return None
            raise

    def list(self, api_version: str, kind: str, namespace: str = "") -> list[Object]:
        """Every object of a kind, in one namespace or in all."""
        found = self._call("GET", self._collection(api_version, kind, namespace))
        return [{"apiVersion": api_version, "kind": kind, **item} for item in found["items"]]

    def delete(self, which: Key, *, propagation: str = "Background") -> None:
        """Delete an object; none is there afterwards, or its finalizers run."""
        words = {"propagationPolicy": propagation}
        try:
            self._call("DELETE", self.path(which), words)
        except RefusedError as refused:
            if refused.status != httpx.codes.NOT_FOUND:
                raise

    def serves(self, api_version: str, kind: str) -> bool:
        """Whether the API knows a kind."""
        try:
            self._resource(api_version, kind)
        except RefusedError:
            return False
        return True

    def raw(self, path: str) -> httpx.Response:
        """The answer to a GET of any path."""
        return self._client.get(path)

    def path(self, which: Key) -> str:
        """The path of an object."""
        return f"{self._collection(which.api_version, which.kind, which.namespace)}/{which.name}"

    def _collection(self, api_version: str, kind: str, namespace: str) -> str:
        plural, namespaced = self._resource(api_version, kind)
        within = f"/namespaces/{namespace}" if namespaced and namespace else ""
        return f"{_root(api_version)}{within}/{plural}"

    def _resource(self, api_version: str, kind: str) -> tuple[str, bool]:
        if (api_version, kind) not in self._resources:
            listed = self._call("GET", _root(api_version))["resources"]
            for each in listed:
                if "/" not in each["name"]:
                    found = each["name"], each["namespaced"]
                    self._resources[api_version, each["kind"]] = found
        try:
            return self._resources[api_version, kind]
        except KeyError:
            raise RefusedError(httpx.codes.NOT_FOUND, f"{api_version} has no {kind}") from None

    def _call(
        self,
        method: str,
        path: str,
        words: Mapping[str, str] | None = None,
        body: Object | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Object:
        self.calls += 1
        content = None if body is None else json.dumps(body)
        sent = {"content-type": "application/json", **(headers or {})}
        answer = self._client.request(method, path, params=words, content=content, headers=sent)
        if answer.is_error:
            raise RefusedError(answer.status_code, _message(answer))
        found: Object = answer.json()
        return found


def without_bookkeeping(item: Object) -> Object:
    """An object without what the API writes about it, to compare two states of it."""
    about = dict(item["metadata"])
    for field in ("managedFields", "resourceVersion", "generation", "creationTimestamp", "uid"):
        about.pop(field, None)
    return {k: v for k, v in item.items() if k != "status"} | {"metadata": about}


def references(route: Mapping[str, Any]) -> Iterator[str]:
    """The names of the Services that an HTTPRoute sends requests or copies to."""
    for rule in route["spec"].get("rules", ()):
        for backend in rule.get("backendRefs", ()):
            yield backend["name"]
        for each in rule.get("filters", ()):
            if mirror := each.get("requestMirror"):
                yield mirror["backendRef"]["name"]


def _root(api_version: str) -> str:
    return f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}"


def _message(answer: httpx.Response) -> str:
    try:
        return str(answer.json()["message"])
    except (ValueError, KeyError):
        return answer.text[:500]
