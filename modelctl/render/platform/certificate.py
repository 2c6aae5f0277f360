"""The certificate of a Gateway, which cert-manager gets and renews."""

from modelctl.render.platform.gateways import certificate_secret
from modelctl.render.platform.metadata import Object, hosts, metadata
from modelctl.repo.kinds import Gateway


def certificate(gateway: Gateway) -> Object:
    """For the host of the models and the hosts of each model, which callers of gRPC may use.

    Who signs is the site's: a ClusterIssuer. A name with `*` can be had of an ACME server only by
    an answer in DNS.
    """
    return {
        "apiVersion": "cert-manager.io/v1",
        "kind": "Certificate",
        "metadata": metadata(gateway, gateway.name),
        "spec": {
            "secretName": certificate_secret(gateway),
            "dnsNames": hosts(gateway.hostname),
            "issuerRef": {
                "group": "cert-manager.io",
                "kind": "ClusterIssuer",
                "name": gateway.issuer,
            },
            "privateKey": {"algorithm": "ECDSA", "size": 256, "rotationPolicy": "Always"},
        },
    }
