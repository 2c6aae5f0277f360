"""One request on a resource: verbs, content types, patches, evictions."""

from dataclasses import dataclass
from typing import Any

import yaml
from starlette.requests import Request

from . import patches, selectors
from .controllers import Controllers
from .faults import ApiError
from .kinds import Kind
from .store import Object, Store, Write

Json = Any
APPLY = ("application/apply-patch+yaml", "application/apply-patch+json")
OBJECTS = ("application/json", "application/yaml", "")


def content_type(request: Request) -> str:
    """The media type of a request's body, without parameters."""
    return request.headers.get("content-type", "").split(";")[0].strip()


@dataclass
class Call:
    """One request on a resource."""

    store: Store
    controllers: Controllers
    request: Request
    kind: Kind
    parts: dict[str, str]
    raw: bytes

    def run(self) -> tuple[int, Any]:  # noqa: C901, PLR0911 - the table of verbs
        """Status and body. Raises `ApiError`."""
        subresource = self.parts["subresource"]
        if subresource and subresource not in (*self.kind.subresources, "finalize"):
            raise ApiError(404, "the server could not find the requested resource")
        if self.kind.namespaced and not self.parts["namespace"] and self.request.method != "GET":
            raise ApiError(405, "the server does not allow this method on the requested resource")
        if subresource == "eviction":
            return self._evict()
        if subresource == "log":
            return 200, ""
        match (self.request.method, bool(self.parts["name"])):
            case ("GET", True):
                return 200, self._shown(self._live())
            case ("GET", False):
                return 200, self._list()
            case ("POST", False):
                made = self.store.create(
                    self.kind, self.parts["namespace"], self._body(), self._write()
                )
                return 201, made
            case ("PUT", True):
                return 200, self.store.change(self.kind, self._live(), self._body(), self._write())
            case ("PATCH", True):
                return self._patch()
            case ("DELETE", True):
                return 200, self._delete()
            case ("DELETE", False):
                return 200, self._delete_all()
        raise ApiError(405, "the server does not allow this method on the requested resource")

    def _live(self) -> Object:
        return self.store.get(self.kind, self.parts["namespace"], self.parts["name"])

    def _shown(self, item: Object) -> Object:
        if self.parts["subresource"] != "scale":
            return item
        meta = {k: item["metadata"][k] for k in ("name", "namespace", "resourceVersion", "uid")}
        return {
            "apiVersion": "autoscaling/v1",
            "kind": "Scale",
            "metadata": meta,
            "spec": {"replicas": item["spec"].get("replicas", 1)},
            "status": {"replicas": (item.get("status") or {}).get("replicas", 0)},
        }

    def _write(self) -> Write:
        query = self.request.query_params
        if query.get("dryRun", "All") != "All":
            raise ApiError(422, f'dryRun: Unsupported value: "{query["dryRun"]}": "All"')
        agent = self.request.headers.get("user-agent", "unknown").split("/")[0]
        return Write(
            query.get("fieldManager") or agent,
            query.get("dryRun") == "All",
            self.parts["subresource"],
        )

    def _body(self) -> Json:
        try:
            parsed = yaml.safe_load(self.raw)
        except yaml.YAMLError as error:
            raise ApiError(400, f"error decoding the body: {error}") from error
        is_patch = self.request.method == "PATCH"
        if not is_patch and content_type(self.request) not in OBJECTS:
            raise ApiError(
                415,
                f"the body of the request was in an unknown format - accepted "
                f"media types include: {', '.join(OBJECTS[:2])}",
            )
        if not isinstance(parsed, list if is_patch and isinstance(parsed, list) else dict):
            raise ApiError(400, "the object provided is unrecognized (must be of type object)")
        return parsed

    def _patch(self) -> tuple[int, Object]:
        body, query, write = self._body(), self.request.query_params, self._write()
        sent = content_type(self.request)
        if sent in APPLY:
            if not query.get("fieldManager"):
                raise ApiError(
                    422,
                    'PatchOptions.meta.k8s.io "" is invalid: fieldManager: '
                    "Required value: is required for apply patch",
                )
            name = body.get("metadata", {}).get("name")
            if name != self.parts["name"]:
                raise ApiError(
                    400,
                    f"the name of the object ({name}) does not match the name on "
                    f"the URL ({self.parts['name']})",
                )
            made, is_new = self.store.apply(
                self.kind, self.parts["namespace"], body, write, force=query.get("force") == "true"
            )
            return 201 if is_new else 200, made
        if "force" in query:
            raise ApiError(
                422,
                'PatchOptions.meta.k8s.io "" is invalid: force: Forbidden: may not '
                "be specified for non-apply patch",
            )
        live = self._live()
        if sent == "application/json-patch+json":
            after = patches.json_patch(live, body)
        elif sent == "application/merge-patch+json":
            after = patches.merge(live, body)
        elif sent == "application/strategic-merge-patch+json" and not self.kind.custom:
            after = patches.strategic(live, body)
        else:
            raise ApiError(
                415,
                f"the body of the request was in an unknown format: "
                f"{sent or 'none'} is not a patch of {self.kind.full_name}",
            )
        if self.parts["subresource"] == "scale":
            after = {**live, "spec": {**live["spec"], "replicas": after["spec"]["replicas"]}}
        if isinstance(body, dict) and "resourceVersion" not in body.get("metadata", {}):
            after["metadata"].pop("resourceVersion", None)
        return 200, self.store.change(self.kind, live, after, write)

    def _items(self) -> list[Object]:
        query = self.request.query_params
        namespace = self.parts["namespace"]
        return [
            item
            for (full, where, _), item in sorted(self.store.objects.items())
            if full == self.kind.full_name
            and (not namespace or where == namespace)
            and selectors.labels_match(item, query.get("labelSelector", ""))
            and selectors.fields_match(item, query.get("fieldSelector", ""))
        ]

    def _list(self) -> Object:
        if self.request.query_params.get("watch") in {"1", "true"}:
            raise ApiError(405, "watches are not served")
        return {
            "kind": f"{self.kind.kind}List",
            "apiVersion": self.kind.api_version,
            "metadata": {"resourceVersion": str(self.store.revision)},
            "items": self._items(),
        }

    def _delete(self) -> Object:
        options = yaml.safe_load(self.raw) or {}
        live = self._live()
        wanted = (options.get("preconditions") or {}).get("uid")
        if wanted and wanted != live["metadata"]["uid"]:
            raise ApiError(409, "the UID in the precondition does not match")
        is_dry = self._write().dry_run or bool(options.get("dryRun"))
        gone = self.store.delete(
            self.kind, self.parts["namespace"], self.parts["name"], dry_run=is_dry
        )
        if self.kind.kind in {"Pod", "Node", "Namespace"}:
            return gone
        return {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Success",
            "details": {"name": gone["metadata"]["name"], "uid": gone["metadata"]["uid"]},
        }

    def _delete_all(self) -> Object:
        found = self._items()
        for item in found:
            self.store.delete(
                self.kind,
                self.parts["namespace"],
                item["metadata"]["name"],
                dry_run=self._write().dry_run,
            )
        return {
            "kind": f"{self.kind.kind}List",
            "apiVersion": self.kind.api_version,
            "metadata": {},
            "items": found,
        }

    def _evict(self) -> tuple[int, Object]:
        if self.request.method != "POST":
            raise ApiError(405, "the server does not allow this method on the requested resource")
        body = self._body()
        if body.get("kind") not in (None, "Eviction"):
            raise ApiError(400, f"unexpected kind {body.get('kind')}")
        pod = self._live()
        if (pod.get("status") or {}).get("phase") not in {"Succeeded", "Failed", "Pending"}:
            budgets = self.controllers.blocking(pod)
            if budgets:
                raise ApiError(
                    429,
                    "Cannot evict pod as it would violate the pod's disruption "
                    f"budget. The disruption budget {budgets[0]} needs more healthy pods",
                )
        if not self._write().dry_run:
            self.store.delete(self.kind, self.parts["namespace"], self.parts["name"])
        return 201, {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success"}
