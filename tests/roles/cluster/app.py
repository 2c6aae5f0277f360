"""The API as an ASGI application: routes, content types, discovery, records, faults."""

import json
import re
import time
from dataclasses import dataclass, field
from typing import Any

import yaml
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from . import patches, selectors
from .controllers import Controllers
from .faults import ApiError
from .kinds import Kind
from .store import Object, Store, Write

Json = Any
APPLY = ("application/apply-patch+yaml", "application/apply-patch+json")
OBJECTS = ("application/json", "application/yaml", "")
VERBS = ["create", "delete", "get", "list", "patch", "update"]
OPEN = re.compile(r"/(healthz|livez|readyz|version)(/.*)?")
RESOURCE = re.compile(
    r"/(?:api/(?P<core>v1)|apis/(?P<group>[^/]+)/(?P<version>[^/]+))"
    r"(?:/namespaces/(?P<namespace>[^/]+)(?=/[^/]+))?"
    r"/(?P<plural>[^/]+)(?:/(?P<name>[^/]+)(?:/(?P<subresource>[^/]+))?)?"
)
NAMESPACE_PARTS = {"status", "finalize"}


@dataclass
class Fault:
    """Answers that a test asked for instead of the real ones."""

    path: str
    method: str
    status: int
    times: int


@dataclass
class Double:
    """A cluster's API, with what tests see of it from outside."""

    store: Store
    controllers: Controllers
    authority: dict[str, str]
    records: list[dict[str, Any]] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)

    async def answer(self, request: Request) -> Response:
        """Answer one request of a client."""
        body = await request.body()
        status, answer = 500, None
        try:
            self._admit(request)
            status, answer = self._dispatch(request, body)
        except ApiError as error:
            status, answer = error.status, error.body()
        self._record(request, status)
        headers = {"Retry-After": "1"} if status == 429 else None
        if isinstance(answer, str):
            return PlainTextResponse(answer, status)
        return JSONResponse(answer, status, headers)

    def _admit(self, request: Request) -> None:
        path = request.url.path
        if not request.scope.get("modelctl.trusted", True) and not OPEN.fullmatch(path):
            raise ApiError(403, f'User "system:anonymous" cannot {request.method} path "{path}"')
        for fault in self.faults:
            if fault.times and fault.method == request.method and re.search(fault.path, path):
                fault.times -= 1
                raise ApiError(fault.status, "asked for by a test")
        if not self.store.initialised:
            raise ApiError(503, "there is no control plane: nobody ran kubeadm init")
        self.controllers.sync()

    def _record(self, request: Request, status: int) -> None:
        query = dict(request.query_params)
        self.records.append(
            {
                "time": time.time(),
                "method": request.method,
                "path": request.url.path,
                "content_type": _content_type(request),
                "field_manager": query.get("fieldManager", ""),
                "force": query.get("force") == "true",
                "dry_run": query.get("dryRun") == "All",
                "agent": request.headers.get("user-agent", ""),
                "status": status,
            }
        )

    def _dispatch(self, request: Request, raw: bytes) -> tuple[int, Any]:
        path = request.url.path.rstrip("/")
        if OPEN.fullmatch(path) and path != "/version":
            return 200, "ok"
        found = self._discovery(path)
        if found is not None:
            return 200, found
        match = RESOURCE.fullmatch(path)
        if match is None:
            raise ApiError(404, "the server could not find the requested resource")
        parts = match.groupdict(default="")
        if parts["plural"] in NAMESPACE_PARTS:
            parts |= {
                "plural": "namespaces",
                "name": parts["namespace"],
                "namespace": "",
                "subresource": parts["plural"],
            }
        key = (parts["group"], parts["core"] or parts["version"], parts["plural"])
        kind = self.store.kinds.get(key)
        if kind is None:
            raise ApiError(404, "the server could not find the requested resource")
        return Call(self, request, kind, parts, raw).run()

    def _discovery(self, path: str) -> Json:
        kinds = list(self.store.kinds.values())
        if path == "/version":
            major, minor = self.store.version.lstrip("v").split(".")[:2]
            return {
                "major": major,
                "minor": minor,
                "gitVersion": self.store.version,
                "gitCommit": "",
                "gitTreeState": "clean",
                "buildDate": "",
                "compiler": "gc",
                "goVersion": "go1.25",
                "platform": "linux/amd64",
            }
        if path == "/api":
            return {"kind": "APIVersions", "versions": ["v1"]}
        if path == "/apis":
            names = sorted({kind.group for kind in kinds if kind.group})
            return {
                "kind": "APIGroupList",
                "apiVersion": "v1",
                "groups": [_group(name, kinds) for name in names],
            }
        group = re.fullmatch(r"/api/v1|/apis/([^/]+)(?:/([^/]+))?", path)
        if group is None:
            return None
        name, version = group[1] or "", group[2] or "v1"
        own = [kind for kind in kinds if kind.group == name]
        if own and name and group[2] is None:
            return _group(name, kinds)
        served = [kind for kind in own if kind.version == version]
        if not served:
            return None
        return {
            "kind": "APIResourceList",
            "apiVersion": "v1",
            "groupVersion": f"{name}/{version}" if name else version,
            "resources": [entry for kind in served for entry in _resources(kind)],
        }

    async def control(self, request: Request) -> Response:
        """What tests and the programs on nodes ask beyond the API."""
        if not request.scope.get("modelctl.socket", False):
            return JSONResponse({"message": "only over the socket"}, 404)
        raw = await request.body()
        body = json.loads(raw) if raw else {}
        match (request.method, request.path_params["what"]):
            case ("POST", "init"):
                self.store.version = body["gitVersion"]
                self.store.start()
                self.controllers.sync()
                found: Json = self.authority
            case ("GET", "ca"):
                found = self.authority
            case ("POST", "version"):
                self.store.version = body["gitVersion"]
                found = {}
            case ("POST", "faults"):
                fault = Fault(
                    body["path"], body.get("method", "GET"), body["status"], body.get("times", 1)
                )
                self.faults.append(fault)
                found = {}
            case ("GET", "requests"):
                found = {"requests": self.records}
            case ("DELETE", "requests"):
                self.records.clear()
                self.faults.clear()
                found = {}
            case ("DELETE", "cluster"):
                self._clear()
                found = {}
            case _:
                return JSONResponse({"message": "unknown"}, 404)
        return JSONResponse(found)

    def _clear(self) -> None:
        self.store = Store()
        self.controllers = Controllers(self.store)
        self.records.clear()
        self.faults.clear()


@dataclass
class Call:
    """One request on a resource."""

    double: Double
    request: Request
    kind: Kind
    parts: dict[str, str]
    raw: bytes

    def run(self) -> tuple[int, Any]:
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
                made = self._store.create(
                    self.kind, self.parts["namespace"], self._body(), self._write()
                )
                return 201, made
            case ("PUT", True):
                return 200, self._store.change(self.kind, self._live(), self._body(), self._write())
            case ("PATCH", True):
                return self._patch()
            case ("DELETE", True):
                return 200, self._delete()
            case ("DELETE", False):
                return 200, self._delete_all()
        raise ApiError(405, "the server does not allow this method on the requested resource")

    @property
    def _store(self) -> Store:
        return self.double.store

    def _live(self) -> Object:
        return self._store.get(self.kind, self.parts["namespace"], self.parts["name"])

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
        if not is_patch and _content_type(self.request) not in OBJECTS:
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
        content_type = _content_type(self.request)
        if content_type in APPLY:
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
            made, is_new = self._store.apply(
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
        if content_type == "application/json-patch+json":
            after = patches.json_patch(live, body)
        elif content_type == "application/merge-patch+json":
            after = patches.merge(live, body)
        elif content_type == "application/strategic-merge-patch+json" and not self.kind.custom:
            after = patches.strategic(live, body)
        else:
            raise ApiError(
                415,
                f"the body of the request was in an unknown format: "
                f"{content_type or 'none'} is not a patch of {self.kind.full_name}",
            )
        if self.parts["subresource"] == "scale":
            after = {**live, "spec": {**live["spec"], "replicas": after["spec"]["replicas"]}}
        if isinstance(body, dict) and "resourceVersion" not in body.get("metadata", {}):
            after["metadata"].pop("resourceVersion", None)
        return 200, self._store.change(self.kind, live, after, write)

    def _items(self) -> list[Object]:
        query = self.request.query_params
        namespace = self.parts["namespace"]
        return [
            item
            for (full, where, _), item in sorted(self._store.objects.items())
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
            "metadata": {"resourceVersion": str(self._store.revision)},
            "items": self._items(),
        }

    def _delete(self) -> Object:
        options = yaml.safe_load(self.raw) or {}
        live = self._live()
        wanted = (options.get("preconditions") or {}).get("uid")
        if wanted and wanted != live["metadata"]["uid"]:
            raise ApiError(409, "the UID in the precondition does not match")
        is_dry = self._write().dry_run or bool(options.get("dryRun"))
        gone = self._store.delete(
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
            self._store.delete(
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
            budgets = self.double.controllers.blocking(pod)
            if budgets:
                raise ApiError(
                    429,
                    "Cannot evict pod as it would violate the pod's disruption "
                    f"budget. The disruption budget {budgets[0]} needs more healthy pods",
                )
        if not self._write().dry_run:
            self._store.delete(self.kind, self.parts["namespace"], self.parts["name"])
        return 201, {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success"}


def _content_type(request: Request) -> str:
    return request.headers.get("content-type", "").split(";")[0].strip()


def _group(name: str, kinds: list[Kind]) -> Object:
    versions = list(dict.fromkeys(kind.version for kind in kinds if kind.group == name))
    entries = [{"groupVersion": f"{name}/{version}", "version": version} for version in versions]
    return {
        "kind": "APIGroup",
        "apiVersion": "v1",
        "name": name,
        "versions": entries,
        "preferredVersion": entries[0],
    }


def _resources(kind: Kind) -> list[Object]:
    own = {
        "name": kind.plural,
        "singularName": kind.kind.lower(),
        "namespaced": kind.namespaced,
        "kind": kind.kind,
        "verbs": VERBS,
    }
    below = [
        {
            "name": f"{kind.plural}/{name}",
            "singularName": "",
            "namespaced": kind.namespaced,
            "kind": {"scale": "Scale", "eviction": "Eviction"}.get(name, kind.kind),
            "verbs": ["create"] if name == "eviction" else ["get", "patch", "update"],
        }
        for name in kind.subresources
    ]
    return [own, *below]


def build(double: Double) -> Starlette:
    """The application of one double."""
    methods = ["GET", "POST", "PUT", "PATCH", "DELETE"]
    return Starlette(
        routes=[
            Route("/double/{what}", double.control, methods=methods),
            Route("/{path:path}", double.answer, methods=methods),
        ]
    )
