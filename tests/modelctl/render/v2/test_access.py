"""Who may call a model, by which door, and how often."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from modelctl.gateway.fields import Field
from modelctl.gateway.reading import read
from modelctl.gateway.values import Guard
from modelctl.repo.kinds import Access, ClusterGateway, Jwt

if TYPE_CHECKING:
    from tests.modelctl.render.v2.conftest import Placement

# A busy machine is no fault of the renderer: no limits on the time of an example.
EXAMPLES = settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
JWT = Jwt("https://login.example.com", ("models", "batch"), "https://login.example.com/jwks.json")
CLUSTER = ClusterGateway("inside", "http", "inside.gateway.svc.cluster.local")


def _with(placement: Placement, access: Access | None, cluster: ClusterGateway | None) -> Placement:
    gateway = replace(placement.environment.gateway, cluster=cluster)
    return replace(
        placement,
        model=replace(placement.model, access=access),
        environment=replace(placement.environment, gateway=gateway),
    )


def _policy(placement: Placement, kind: str) -> dict[str, Any]:
    (policy,) = placement.of_kind(kind)
    spec: dict[str, Any] = policy["spec"]
    return spec


@pytest.mark.parametrize(
    ("access", "cluster", "expected"),
    [
        (None, None, ["models/https"]),
        (Access("keys"), None, ["models/https"]),
        (None, CLUSTER, ["inside/http"]),
        (Access("keys"), CLUSTER, ["models/https", "inside/http"]),
    ],
)
def test_a_model_is_reached_by_its_doors(
    plain: Placement, access: Access | None, cluster: ClusterGateway | None, expected: list[str]
) -> None:
    """From outside by those alone who are named, inside by all, where there are two Gateways."""
    hosts = {"models/https": "models.staging.example.com", "inside/http": CLUSTER.hostname}

    for route, prefix in zip(
        _with(plain, access, cluster).of_kind("HTTPRoute"), ("", "digits-cnn."), strict=True
    ):
        spec = route["spec"]
        assert [prefix + hosts[door] for door in expected] == spec["hostnames"]
        assert [(*door.split("/"), "gateway") for door in expected] == [
            (parent["name"], parent["sectionName"], parent["namespace"])
            for parent in spec["parentRefs"]
        ]


def test_a_model_without_access_has_no_security_policy(plain: Placement) -> None:
    """Where nobody is named there is nothing to check."""
    assert [] == plain.of_kind("SecurityPolicy")


def test_keys_come_from_a_secret_and_reach_no_server(plain: Placement) -> None:
    """The consumer's name goes on in a header that only the gateway sets; the key does not."""
    policy = _policy(_with(plain, Access("keys"), None), "SecurityPolicy")

    assert {
        "credentialRefs": [{"group": "", "kind": "Secret", "name": "keys"}],
        "extractFrom": [{"headers": ["x-api-key"]}],
        "forwardClientIDHeader": "x-client-key",
        "sanitize": True,
    } == policy["apiKeyAuth"]
    assert "jwt" not in policy


def test_tokens_are_those_of_one_issuer_and_audience(plain: Placement) -> None:
    """Keys of the issuer are fetched; whoever has no such token is refused."""
    policy = _policy(_with(plain, Access(jwt=JWT), None), "SecurityPolicy")
    (provider,) = policy["jwt"]["providers"]
    (rule,) = policy["authorization"]["rules"]

    assert (JWT.issuer, list(JWT.audiences)) == (provider["issuer"], provider["audiences"])
    assert JWT.jwks_uri == provider["remoteJWKS"]["uri"]
    assert "Deny" == policy["authorization"]["defaultAction"]
    assert provider["name"] == rule["principal"]["jwt"]["provider"]
    assert [JWT.issuer] == rule["principal"]["jwt"]["claims"][0]["values"]


@EXAMPLES
@given(data=st.data())
def test_headers_that_name_a_caller_never_meet(
    data: st.DataObject, arbitrary: st.SearchStrategy[Placement]
) -> None:
    """Keys and tokens of all models put the caller's name into different headers."""
    placements = data.draw(st.lists(arbitrary, min_size=1, max_size=3))
    policies = [each["spec"] for one in placements for each in one.of_kind("SecurityPolicy")]
    keys = {
        each["apiKeyAuth"]["forwardClientIDHeader"] for each in policies if "apiKeyAuth" in each
    }
    tokens = {
        claim["header"]
        for each in policies
        for provider in each.get("jwt", {}).get("providers", [])
        for claim in provider["claimToHeaders"]
    }

    assert not keys & tokens


@EXAMPLES
@given(data=st.data())
def test_what_is_asked_of_callers_is_read_back(
    data: st.DataObject, arbitrary: st.SearchStrategy[Placement]
) -> None:
    """Every field is known here, and both routes of a model are guarded by all that it asks."""
    placement = data.draw(arbitrary)
    model, access = placement.model, placement.model.access

    guards = read(Field(value, value["kind"]) for value in placement.objects()).guards

    routes = tuple(value["metadata"]["name"] for value in placement.of_kind("HTTPRoute"))
    asked = access and Guard(
        f"models-{model.owner}",
        routes,
        "x-api-key" if access.api_keys else "",
        access.jwt.issuer if access.jwt else "",
        access.jwt.audiences if access.jwt else (),
    )
    assert ((asked,) if asked else ()) == guards


@pytest.mark.parametrize(
    ("access", "expected"),
    [
        (None, None),
        (Access("keys"), None),
        (Access("keys", requests_per_second=100), {"requests": 100, "unit": "Second"}),
    ],
)
def test_a_rate_is_limited_where_it_is_said(
    plain: Placement, access: Access | None, expected: dict[str, Any] | None
) -> None:
    """One limit for all callers, in the policy that both routes have."""
    policy = _policy(_with(plain, access, None), "BackendTrafficPolicy")
    rules = policy.get("rateLimit", {}).get("local", {}).get("rules", [])

    assert ([expected] if expected else []) == [rule["limit"] for rule in rules]
