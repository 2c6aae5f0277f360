"""Endpoints, credentials by reference, certificates and proxies reach the pods."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from modelctl.repo import schema, typed
from modelctl.repo.documents import Document, parse
from modelctl.repo.kinds import Certificates, Stores

if TYPE_CHECKING:
    from tests.modelctl.render.v2.conftest import Placement

FULL = Stores(
    variables={
        "AWS_REGION": "eu-central-1",
        "AWS_ENDPOINT_URL": "https://minio.example.com:9000",
        "HTTPS_PROXY": "http://proxy.example.com:3128",
        "NO_PROXY": "localhost,10.0.0.0/8",
    },
    secrets=("model-store", "another"),
    registry_secret="registry-login",  # noqa: S106 - the name of one
    certificates=Certificates("trusted", "ca.crt"),
    metadata_service=True,
)


def _with(placement: Placement, stores: Stores) -> Placement:
    return replace(placement, environment=replace(placement.environment, stores=stores))


def _pod(placement: Placement) -> dict[str, Any]:
    deployment = placement.of_kind("Deployment")[0]
    spec: dict[str, Any] = deployment["spec"]["template"]["spec"]
    return spec


def _egress(placement: Placement) -> list[dict[str, Any]]:
    (policy,) = placement.of_kind("NetworkPolicy")
    egress: list[dict[str, Any]] = policy["spec"]["egress"]
    return egress


def test_variables_follow_the_settings(plain: Placement) -> None:
    """Plain values stand in the pod, sorted, with the places of what is mounted."""
    before = _pod(plain)["containers"][0]["env"]
    after = _pod(_with(plain, FULL))["containers"][0]["env"]

    assert before == after[: len(before)]
    assert [
        ("AWS_ENDPOINT_URL", "https://minio.example.com:9000"),
        ("AWS_REGION", "eu-central-1"),
        ("DOCKER_CONFIG", "/etc/modelserver/registry"),
        ("HTTPS_PROXY", "http://proxy.example.com:3128"),
        ("NO_PROXY", "localhost,10.0.0.0/8"),
        ("SSL_CERT_FILE", "/etc/modelserver/certificates/ca.crt"),
    ] == [(item["name"], item["value"]) for item in after[len(before) :]]


def test_secrets_are_named_and_never_held(plain: Placement) -> None:
    """Credentials come from Secrets of the namespace, in the order that is written."""
    pod = _pod(_with(plain, FULL))
    volumes = {volume["name"]: volume for volume in pod["volumes"]}
    mounts = {mount["name"]: mount for mount in pod["containers"][0]["volumeMounts"]}

    assert [
        {"secretRef": {"name": "model-store"}},
        {"secretRef": {"name": "another"}},
    ] == pod["containers"][0]["envFrom"]
    assert {"secretName": "registry-login"} == volumes["registry-login"]["secret"]
    assert {"name": "trusted"} == volumes["certificates"]["configMap"]
    assert mounts["registry-login"]["readOnly"]
    assert mounts["certificates"]["readOnly"]


def test_way_out_is_open_to_endpoints_and_proxies(plain: Placement) -> None:
    """The ports that variables name are open, and the metadata service where it is asked."""
    _, anywhere, metadata = _egress(_with(plain, FULL))

    assert [443, 3128, 9000] == [port["port"] for port in anywhere["ports"]]
    assert [80, 988] == [port["port"] for port in metadata["ports"]]
    assert "169.254.169.254/32" == metadata["to"][0]["ipBlock"]["cidr"]


def test_metadata_service_stays_closed_by_default(plain: Placement) -> None:
    """A server that is taken over gets no credentials of its node."""
    stores = replace(FULL, metadata_service=False)

    assert _egress(plain)[0] == _egress(_with(plain, stores))[0]
    assert 2 == len(_egress(_with(plain, stores)))


@pytest.mark.parametrize(
    ("value", "port"),
    [
        ("https://s3.example.com", 443),
        ("http://minio:9000/", 9000),
        ("http://minio", 80),
        ("https://[::1]:9000", 9000),
        ("eu-central-1", None),
        ("http://minio:none", None),
        ("https://[", None),
        ("localhost:80,10.0.0.1:81", None),
        ("true", None),
    ],
)
def test_port_of_a_variable(plain: Placement, value: str, port: int | None) -> None:
    """Only URLs name ports."""
    stores = Stores(variables={"AWS_ENDPOINT_URL": value})
    open_ports = {item["port"] for item in _egress(_with(plain, stores))[1]["ports"]}

    assert {443} | ({port} if port else set()) == open_ports


def test_registry_has_a_port_of_its_own(plain: Placement) -> None:
    """A registry is asked where its URI says."""
    mirrors = {"https://models.example.com/": "oci://registry.example.com:5000/models/"}
    environment = replace(plain.environment, artifact_mirrors=mirrors)
    (_, anywhere) = _egress(replace(plain, environment=environment))

    assert [5000] == [port["port"] for port in anywhere["ports"]]


ENVIRONMENTS = """
repository: {{url: "https://git.example.com/models.git", revision: refs/heads/main}}
environments:
  - name: prod
    engine: argocd
    template: v2
    gateway: {{name: models, namespace: gateway, listener: https, hostname: models.example.com}}
    stores: {stores}
"""


def _document(stores: str) -> Document:
    text = ENVIRONMENTS.format(stores=stores)
    document, findings = parse("argocd/environments.yaml", text.encode())
    assert document, findings
    return document


def _told(stores: str) -> list[str]:
    found = schema.violations("environments", _document(stores))
    return [each.message for each in found]


def test_typed_stores_are_what_is_written() -> None:
    """Every field arrives as it stands in the file."""
    text = """{variables: {AWS_REGION: eu}, secrets: [a], registry_secret: b,
               certificates: {config_map: c, key: d}, metadata_service: true}"""
    (environment,) = typed.environments(_document(text).value).ordered  # type: ignore[arg-type]
    expected = Stores(
        {"AWS_REGION": "eu"}, ("a",), "b", Certificates("c", "d"), metadata_service=True
    )

    assert [] == _told(text)
    assert expected == environment.stores


@pytest.mark.parametrize(
    "stores",
    [
        "{variables: {AWS_SECRET_ACCESS_KEY: x}}",
        "{variables: {AWS_ACCESS_KEY_ID: x}}",
        "{variables: {AWS_SESSION_TOKEN: x}}",
        "{variables: {AZURE_STORAGE_ACCOUNT_KEY: x}}",
        "{variables: {AZURE_STORAGE_SAS_TOKEN: x}}",
        "{variables: {AZURE_CLIENT_SECRET: x}}",
        "{variables: {GOOGLE_SERVICE_ACCOUNT_KEY: x}}",
        "{variables: {GOOGLE_BEARER_TOKEN: x}}",
        "{variables: {HTTPS_PROXY: 'http://user:word@proxy.example.com'}}",
        "{variables: {MODELSERVER_MODEL: x}}",
        "{variables: {PATH: x}}",
        "{variables: {LD_PRELOAD: x}}",
        "{variables: {AWS_REGION: 'a b'}}",
        "{variables: {AWS_REGION: ''}}",
        "{variables: {AWS_REGION: 1}}",
        "{secrets: [A]}",
        "{secrets: [a, a]}",
        "{registry_secret: 'a/b'}",
        "{certificates: {config_map: a}}",
        "{certificates: {config_map: a, key: '../b'}}",
        "{metadata_service: 1}",
        "{other: 1}",
    ],
)
def test_what_stores_may_not_hold(stores: str) -> None:
    """Secrets, variables of other things, and names that Kubernetes refuses are refused."""
    assert 1 == len(_told(stores))


@pytest.mark.parametrize(
    "name",
    ["AWS_WEB_IDENTITY_TOKEN_FILE", "AZURE_FEDERATED_TOKEN_FILE", "GOOGLE_APPLICATION_CREDENTIALS"],
)
def test_files_of_tokens_may_be_named(name: str) -> None:
    """The path of a secret is none."""
    assert [] == _told(f"{{variables: {{{name}: /var/run/token}}}}")
