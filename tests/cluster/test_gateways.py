"""Envoy Gateway takes the rendered Gateways, and what it tells Envoy has what they are for."""

import base64
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from modelctl.render import platform
from modelctl.repo.kinds import ClusterGateway, Environment, Gateway
from tests.cluster import tools, translation

Json = Any

INSIDE = ClusterGateway("models-cluster", "http", "models-cluster.gateway.svc.cluster.local")
OUTSIDE = Gateway("models", "gateway", "https", "models.example.com", cluster=INSIDE)
# Of other kinds `egctl` says that it does not know them.
UNKNOWN = {"Certificate", "PodMonitor"}
EVERYWHERE = {"namespaces": {"from": "All"}}

pytestmark = pytest.mark.cluster


@pytest.fixture(scope="module")
def answer(tmp_path_factory: pytest.TempPathFactory) -> Json:
    """What the pinned `egctl` says of both Gateways of an environment."""
    egctl = tools.find("egctl")
    if egctl is None:
        pytest.skip("egctl is not built: make cluster-tools builds it where there is Go")
    environment = Environment("prod", "argocd", "v2", OUTSIDE, {})
    found = [each for each in platform.objects(environment) if each["kind"] not in UNKNOWN]
    open_to_all(found)
    found.append(certificate(tmp_path_factory.mktemp("certificate")))
    return translation.translated(egctl, "---\n".join(yaml.safe_dump(each) for each in found))


def open_to_all(objects: list[Json]) -> None:
    """`egctl` drops the labels of namespaces, by which routes are let in."""
    for each in objects:
        for listener in each["spec"]["listeners"] if each["kind"] == "Gateway" else ():
            listener["allowedRoutes"] = EVERYWHERE


def certificate(folder: Path) -> Json:
    """The Secret that cert-manager would make."""
    key, signed = folder / "tls.key", folder / "tls.crt"
    words = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
    words += ["-nodes", "-keyout", str(key), "-out", str(signed), "-days", "30"]
    words += ["-subj", "/CN=models", "-addext", "subjectAltName=DNS:models.example.com"]
    subprocess.run(words, check=True, capture_output=True)
    data = {each.name: base64.b64encode(each.read_bytes()).decode() for each in (key, signed)}
    about = {"name": "models-tls", "namespace": "gateway"}
    kind = {"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls"}
    return {**kind, "metadata": about, "data": data}


def configs(answer: Json, gateway: str) -> Iterator[Json]:
    """What one Envoy is told."""
    yield from answer["xds"][f"gateway/{gateway}"]["configs"]


def listeners(answer: Json, gateway: str) -> dict[str, str]:
    """The listeners of one Envoy as text, by name."""
    return {
        each["activeState"]["listener"]["name"]: str(each)
        for config in configs(answer, gateway)
        for each in config.get("dynamicListeners", ())
    }


def test_everything_is_accepted(answer: Json) -> None:
    """Gateways, routes, policies and patches: no condition says otherwise."""
    assert {} == translation.refused(answer)


@pytest.mark.parametrize(
    ("gateway", "listener"),
    [("models", "gateway/models/https"), ("models-cluster", "gateway/models-cluster/http")],
)
def test_grpc_has_its_bridge(answer: Json, gateway: str, listener: str) -> None:
    """The patch found its place in the listener that models are reached at."""
    assert "grpc_http1_reverse_bridge" in listeners(answer, gateway)[listener]


def test_plain_http_leads_to_tls(answer: Json) -> None:
    """The one route there answers 308; no model is reached without TLS from outside."""
    told = str([c for c in configs(answer, "models") if "dynamicRouteConfigs" in c])

    assert "'httpsRedirect': True" in told or "'schemeRedirect': 'https'" in told
    assert "PERMANENT_REDIRECT" in told
    assert "grpc_http1_reverse_bridge" not in listeners(answer, "models")["gateway/models/http"]


def test_the_log_says_which_release_answered(answer: Json) -> None:
    """Through the endpoint's own metadata, since no backend has a cluster of its own."""
    assert "upstream_host_locality_metadata" in listeners(answer, "models")["gateway/models/https"]
