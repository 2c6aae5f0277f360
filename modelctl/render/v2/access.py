"""The SecurityPolicy of a model: who may call it.

A header that tells a server who called is set by the gateway alone. Keys and tokens have names of
their own for it: where one name is used for both, the key's consumer never arrives, because what
reads tokens removes the header from every request, whatever route it is for.

Source: Envoy Gateway 1.9, SecurityPolicy.
"""

from typing import Any

from modelctl.render.v2 import metadata, route
from modelctl.repo.kinds import Access, Jwt, Model

KEY_HEADER = "x-api-key"
KEY_CALLER_HEADER = "x-client-key"
TOKEN_CALLER_HEADER = "x-client-subject"  # noqa: S105 - the name of a header
_PROVIDER = "callers"

_Part = dict[str, Any]


def security_policies(model: Model) -> tuple[_Part, ...]:
    """The policy of both routes of a model whose `access` names who may call; else none."""
    if model.access is None:
        return ()
    names = (model.name, route.grpc_name(model.name))
    return (
        {
            "apiVersion": "gateway.envoyproxy.io/v1alpha1",
            "kind": "SecurityPolicy",
            "metadata": metadata.model_metadata(model, component="route"),
            "spec": {
                "targetRefs": [
                    {"group": "gateway.networking.k8s.io", "kind": "HTTPRoute", "name": name}
                    for name in names
                ],
                **_callers(model.access),
            },
        },
    )


def _callers(access: Access) -> _Part:
    keys = {"apiKeyAuth": _keys(access.api_keys)} if access.api_keys else {}
    return {**keys, **(_tokens(access.jwt) if access.jwt else {})}


def _keys(secret: str) -> _Part:
    """A key never reaches a server: its consumer's name goes on in its place."""
    return {
        "credentialRefs": [{"group": "", "kind": "Secret", "name": secret}],
        "extractFrom": [{"headers": [KEY_HEADER]}],
        "forwardClientIDHeader": KEY_CALLER_HEADER,
        "sanitize": True,
    }


def _tokens(jwt: Jwt) -> _Part:
    """Whoever has no token of this issuer, for one of these audiences, is refused."""
    issuer = {"name": "iss", "valueType": "String", "values": [jwt.issuer]}
    principal = {"jwt": {"provider": _PROVIDER, "claims": [issuer]}}
    return {
        "jwt": {
            "providers": [
                {
                    "name": _PROVIDER,
                    "issuer": jwt.issuer,
                    "audiences": list(jwt.audiences),
                    "remoteJWKS": {"uri": jwt.jwks_uri, "cacheDuration": "300s"},
                    "claimToHeaders": [{"claim": "sub", "header": TOKEN_CALLER_HEADER}],
                }
            ]
        },
        "authorization": {
            "defaultAction": "Deny",
            "rules": [{"name": "issuer", "action": "Allow", "principal": principal}],
        },
    }
