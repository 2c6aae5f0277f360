"""From SecurityPolicies to what they ask of callers; a field that is not known is refused.

Source: Envoy Gateway 1.9, SecurityPolicy.
"""

from modelctl.gateway.fields import Field
from modelctl.gateway.httproute import object_name
from modelctl.gateway.values import Guard


def guard(item: Field) -> Guard:
    """What a policy asks of callers: a key, a token of one issuer, or both.

    Raises:
        ObjectError: It is malformed, or has a field that is not known here.
    """
    namespace, _ = object_name(item)
    spec = item.get("spec").only("targetRefs", "apiKeyAuth", "jwt", "authorization")
    routes = []
    for target in spec.get("targetRefs").items():
        target.only("group", "kind", "name").get("group").word("gateway.networking.k8s.io")
        target.get("kind").word("HTTPRoute")
        routes.append(target.get("name").text())
    if not routes:
        raise spec.get("targetRefs").error("a list of the routes that the policy is for")
    issuer, audiences = _tokens(spec.get("jwt"), spec.get("authorization"))
    return Guard(namespace, tuple(routes), _key_header(spec.get("apiKeyAuth")), issuer, audiences)


def _key_header(keys: Field) -> str:
    """The one header that a key is taken from, and that no server sees."""
    if not keys.is_set:
        return ""
    keys.only("credentialRefs", "extractFrom", "forwardClientIDHeader", "sanitize")
    for secret in keys.get("credentialRefs").items():
        secret.only("group", "kind", "name").get("kind").word("Secret", default="Secret")
        secret.get("name").text()
    keys.get("forwardClientIDHeader").text_or("")
    keys.get("sanitize").flag(default=False)
    headers = [
        header.text()
        for source in keys.get("extractFrom").items()
        for header in source.only("headers").get("headers").items()
    ]
    if len(headers) != 1:
        raise keys.get("extractFrom").error("a list of one header")
    return headers[0].lower()


def _tokens(jwt: Field, authorization: Field) -> tuple[str, tuple[str, ...]]:
    """Issuer and audiences of the tokens that are admitted."""
    if not jwt.is_set:
        authorization.only()
        return "", ()
    providers = list(jwt.only("providers").get("providers").items())
    if len(providers) != 1:
        raise jwt.get("providers").error("a list of one provider")
    provider = providers[0]
    provider.only("name", "issuer", "audiences", "remoteJWKS", "claimToHeaders")
    provider.get("remoteJWKS").only("uri", "cacheDuration").get("uri").text()
    for claim in provider.get("claimToHeaders").items():
        claim.only("claim", "header").get("header").text()
    _issuer_alone(authorization, provider)
    audiences = tuple(audience.text() for audience in provider.get("audiences").items())
    return provider.get("issuer").text(), audiences


def _issuer_alone(authorization: Field, provider: Field) -> None:
    """Return if all that is asked of a token beside its audience is its issuer."""
    authorization.only("defaultAction", "rules").get("defaultAction").word("Deny")
    for rule in authorization.get("rules").items():
        rule.only("name", "action", "principal").get("action").word("Allow")
        jwt = rule.get("principal").only("jwt").get("jwt").only("provider", "claims")
        jwt.get("provider").word(provider.get("name").text())
        for claim in jwt.get("claims").items():
            claim.only("name", "valueType", "values").get("name").word("iss")
            claim.get("valueType").word("String", default="String")
            for value in claim.get("values").items():
                value.word(provider.get("issuer").text())
