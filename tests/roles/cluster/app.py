"""The API as an ASGI application: routes, content types, discovery, records, faults."""

import json
import re
import time
from dataclasses import dataclass, field
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from .call import Call, content_type
from .controllers import Controllers
from .faults import ApiError
from .kinds import Kind
from .store import Object, Store

Json = Any
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
                "content_type": content_type(request),
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
        return Call(self.store, self.controllers, request, kind, parts, raw).run()

    def _discovery(self, path: str) -> Json:  # noqa: PLR0911 - the table of paths
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
            case ("POST" | "DELETE" as method, "hold"):
                self.controllers.is_held = method == "POST"
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
