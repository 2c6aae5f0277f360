"""The Gateways of an environment of engine argocd, and what each of them is told."""

from dataclasses import replace
from typing import Any

import pytest

from modelctl.render import platform
from modelctl.repo.kinds import ClusterGateway, Engine, Environment, Gateway, GatewayService

Json = Any

OUTSIDE = Gateway("models", "gateway", "https", "models.example.com")
INSIDE = ClusterGateway("models-cluster", "http", "models-cluster.gateway.svc.cluster.local")


def objects(gateway: Gateway = OUTSIDE, engine: Engine = "argocd") -> dict[tuple[str, str], Json]:
    """What is rendered, by kind and name."""
    found = platform.objects(Environment("prod", engine, "v2", gateway, {}))
    return {(value["kind"], value["metadata"]["name"]): value for value in found}


def test_every_object_has_its_own_name() -> None:
    """No two objects of both Gateways would be written into one file."""
    environment = Environment("prod", "argocd", "v2", replace(OUTSIDE, cluster=INSIDE), {})
    names = [(v["kind"], v["metadata"]["name"]) for v in platform.objects(environment)]

    assert len(set(names)) == len(names)


def test_a_laptop_is_told_nothing_of_clusters() -> None:
    """One machine gets the policies and routes, and no Gateway, certificate or patch."""
    kinds = {kind for kind, _ in objects(engine="local")}

    assert {
        "BackendTrafficPolicy",
        "ClientTrafficPolicy",
        "EnvoyProxy",
        "HTTPRoute",
        "HTTPRouteFilter",
    } == kinds


def test_models_are_reached_over_tls() -> None:
    """The listener of the environment has a certificate; the plain one takes no model's route."""
    secure, plain = objects()["Gateway", "models"]["spec"]["listeners"]

    assert ("https", 443, "HTTPS") == (secure["name"], secure["port"], secure["protocol"])
    assert ["models-tls"] == [each["name"] for each in secure["tls"]["certificateRefs"]]
    assert "hostname" not in secure
    assert ("http", {"from": "Same"}) == (plain["name"], plain["allowedRoutes"]["namespaces"])


def test_the_certificate_is_for_the_hosts_of_models_too() -> None:
    """Callers of gRPC may use a host a model; the issuer is the site's."""
    spec = objects(replace(OUTSIDE, issuer="company"))["Certificate", "models"]["spec"]

    assert ["models.example.com", "*.models.example.com"] == spec["dnsNames"]
    assert "models-tls" == spec["secretName"]
    assert ("ClusterIssuer", "company") == (spec["issuerRef"]["kind"], spec["issuerRef"]["name"])


def test_plain_http_is_sent_to_tls() -> None:
    """Method and body stay: a model is asked by POST."""
    spec = objects()["HTTPRoute", "models-to-https"]["spec"]
    (parent,) = spec["parentRefs"]
    (found,) = spec["rules"][0]["filters"]

    assert ("models", "http") == (parent["name"], parent["sectionName"])
    assert {"scheme": "https", "statusCode": 308} == found["requestRedirect"]


def test_a_listener_that_is_plain_stays_plain() -> None:
    """Where TLS ends before the Gateway, its listener is named http and needs no certificate."""
    found = objects(replace(OUTSIDE, listener="http"))

    assert ["HTTP"] == [
        each["protocol"] for each in found["Gateway", "models"]["spec"]["listeners"]
    ]
    assert ("Certificate", "models") not in found
    assert ("HTTPRoute", "models-to-https") not in found


def test_only_namespaces_of_models_attach_routes() -> None:
    """Any other namespace could else take the host; the Gateway's own has the label as well."""
    found = objects()
    allowed = found["Gateway", "models"]["spec"]["listeners"][0]["allowedRoutes"]["namespaces"]
    label = {"app.kubernetes.io/part-of": "models"}

    assert {"from": "Selector", "selector": {"matchLabels": label}} == allowed
    assert label.items() <= found["Namespace", "gateway"]["metadata"]["labels"].items()


def test_the_cluster_has_a_gateway_of_its_own() -> None:
    """It is plain, reached from within alone, and is told the same as the other."""
    found = objects(replace(OUTSIDE, cluster=INSIDE))
    proxy = found["EnvoyProxy", "models-cluster"]["spec"]["provider"]["kubernetes"]

    assert ["http"] == [
        each["name"] for each in found["Gateway", "models-cluster"]["spec"]["listeners"]
    ]
    assert {"type": "ClusterIP"} == proxy["envoyService"]
    for kind in ("ClientTrafficPolicy", "BackendTrafficPolicy"):
        outside, inside = found[kind, "models"]["spec"], found[kind, "models-cluster"]["spec"]
        assert ["models-cluster"] == [each["name"] for each in inside.pop("targetRefs")]
        assert inside == {key: outside[key] for key in outside if key != "targetRefs"}


def test_what_is_no_models_is_answered_at_both() -> None:
    """The server part of the protocol and unknown paths, at either Gateway's host."""
    spec = objects(replace(OUTSIDE, cluster=INSIDE))["HTTPRoute", "protocol-server"]["spec"]

    assert [("models", "https"), ("models-cluster", "http")] == [
        (each["name"], each["sectionName"]) for each in spec["parentRefs"]
    ]
    assert [OUTSIDE.hostname, INSIDE.hostname] == spec["hostnames"]


@pytest.mark.parametrize(
    ("name", "listener"), [("models", "gateway/models/https"), ("models-cluster", None)]
)
def test_grpc_comes_over_a_bridge(name: str, listener: str | None) -> None:
    """The listener that models are reached at is patched, by the name of a filter."""
    found = objects(replace(OUTSIDE, cluster=INSIDE))
    spec = found["EnvoyPatchPolicy", f"{name}-grpc-bridge"]["spec"]
    (patch,) = spec["jsonPatches"]

    assert name == spec["targetRef"]["name"]
    assert (listener or "gateway/models-cluster/http") == patch["name"]
    assert ("add", "/0") == (patch["operation"]["op"], patch["operation"]["path"])
    assert (
        "@.name=='envoy.filters.network.http_connection_manager'"
        in (patch["operation"]["jsonPath"])
    )


def test_how_the_outside_reaches_it_is_the_environments() -> None:
    """A load balancer unless it says otherwise; annotations are for whoever hands out addresses."""
    service = GatewayService("NodePort", {"example.com/pool": "models"})
    default = objects()["EnvoyProxy", "models"]["spec"]["provider"]["kubernetes"]
    own = objects(replace(OUTSIDE, service=service))["EnvoyProxy", "models"]["spec"]

    assert {"type": "LoadBalancer"} == default["envoyService"]
    assert {"type": "NodePort", "annotations": {"example.com/pool": "models"}} == (
        own["provider"]["kubernetes"]["envoyService"]
    )


def test_each_gateways_proxies_are_told_apart() -> None:
    """They are spread, and their numbers read, by the label that Envoy Gateway gives them."""
    found = objects(replace(OUTSIDE, cluster=INSIDE))
    label = "gateway.envoyproxy.io/owning-gateway-name"

    for name in ("models", "models-cluster"):
        pods = found["EnvoyProxy", name]["spec"]["provider"]["kubernetes"]["envoyDeployment"]
        (spread,) = pods["pod"]["topologySpreadConstraints"]
        assert name == spread["labelSelector"]["matchLabels"][label]
        assert name == found["PodMonitor", name]["spec"]["selector"]["matchLabels"][label]
