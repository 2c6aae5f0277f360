"""What SecurityPolicies ask of callers: read in full, or refused by name."""

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest

from modelctl.gateway.fields import Field, ObjectError
from modelctl.gateway.reading import read
from modelctl.gateway.values import Guard

POLICY: dict[str, Any] = {
    "apiVersion": "gateway.envoyproxy.io/v1alpha1",
    "kind": "SecurityPolicy",
    "metadata": {"name": "m", "namespace": "n"},
    "spec": {
        "targetRefs": [
            {"group": "gateway.networking.k8s.io", "kind": "HTTPRoute", "name": name}
            for name in ("m", "m-grpc")
        ],
        "apiKeyAuth": {
            "credentialRefs": [{"group": "", "kind": "Secret", "name": "keys"}],
            "extractFrom": [{"headers": ["X-API-Key"]}],
            "forwardClientIDHeader": "x-client-key",
            "sanitize": True,
        },
        "jwt": {
            "providers": [
                {
                    "name": "p",
                    "issuer": "https://i",
                    "audiences": ["a", "b"],
                    "remoteJWKS": {"uri": "https://i/keys"},
                    "claimToHeaders": [{"claim": "sub", "header": "x-client-subject"}],
                }
            ]
        },
        "authorization": {
            "defaultAction": "Deny",
            "rules": [
                {
                    "name": "issuer",
                    "action": "Allow",
                    "principal": {
                        "jwt": {
                            "provider": "p",
                            "claims": [{"name": "iss", "values": ["https://i"]}],
                        }
                    },
                }
            ],
        },
    },
}


def guards(item: dict[str, Any]) -> tuple[Guard, ...]:
    """What an object asks of callers."""
    return read([Field(item, "policy.yaml")]).guards


def test_keys_and_tokens_are_read() -> None:
    """All that a caller has to show, and the routes that it is asked on."""
    expected = Guard("n", ("m", "m-grpc"), "x-api-key", "https://i", ("a", "b"))

    assert (expected,) == guards(POLICY)


@pytest.mark.parametrize(
    ("absent", "expected"),
    [
        (("apiKeyAuth",), Guard("n", ("m", "m-grpc"), "", "https://i", ("a", "b"))),
        (("jwt", "authorization"), Guard("n", ("m", "m-grpc"), "x-api-key")),
    ],
)
def test_one_may_be_all_that_is_asked(absent: tuple[str, ...], expected: Guard) -> None:
    """A policy for keys alone, and one for tokens alone."""
    item = deepcopy(POLICY)
    for key in absent:
        del item["spec"][key]

    assert (expected,) == guards(item)


def _provider(spec: dict[str, Any]) -> dict[str, Any]:
    provider: dict[str, Any] = spec["jwt"]["providers"][0]
    return provider


def _rule(spec: dict[str, Any]) -> dict[str, Any]:
    rule: dict[str, Any] = spec["authorization"]["rules"][0]
    return rule


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda spec: spec.update(basicAuth={}), "spec.basicAuth is not known here"),
        (lambda spec: spec.update(targetRefs=[]), "a list of the routes"),
        (lambda spec: spec["targetRefs"][0].update(kind="Gateway"), "must be HTTPRoute"),
        (lambda spec: spec["apiKeyAuth"].update(params=[]), "apiKeyAuth.params is not known"),
        (lambda spec: spec["apiKeyAuth"].update(extractFrom=[]), "a list of one header"),
        (lambda spec: spec["jwt"].update(optional=True), "jwt.optional is not known here"),
        (lambda spec: spec["jwt"].update(providers=[]), "a list of one provider"),
        (lambda spec: _provider(spec).update(localJWKS={}), "localJWKS is not known here"),
        (lambda spec: spec["authorization"].update(defaultAction="Allow"), "must be Deny"),
        (lambda spec: _rule(spec).update(action="Deny"), "must be Allow"),
        (lambda spec: _rule(spec)["principal"].update(headers=[]), "headers is not known here"),
        (
            lambda spec: _rule(spec)["principal"]["jwt"]["claims"][0].update(name="sub"),
            "must be iss",
        ),
        (
            lambda spec: _rule(spec)["principal"]["jwt"]["claims"][0].update(values=["x"]),
            "must be https://i",
        ),
        (lambda spec: spec.pop("jwt"), "authorization.defaultAction is not known here"),
    ],
)
def test_what_is_not_known_is_refused(
    change: Callable[[dict[str, Any]], object], message: str
) -> None:
    """A further condition, or a way around one, is never passed over."""
    item = deepcopy(POLICY)
    change(item["spec"])

    with pytest.raises(ObjectError, match=message):
        guards(item)
