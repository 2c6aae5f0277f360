"""What the Gateways of an environment are, and what they are told, for all models.

It goes with template v2, whose routes leave to the Gateway what holds for every model. On one
machine there is one gateway, which is there: it is told the same and nothing of pods, certificates
and addresses.
"""

from collections.abc import Iterator

from modelctl.render.platform.certificate import certificate
from modelctl.render.platform.client_policy import client_policy
from modelctl.render.platform.envoy_proxy import envoy_proxy
from modelctl.render.platform.gateways import gateway_objects, gateways, is_secure
from modelctl.render.platform.grpc_bridge import grpc_bridge
from modelctl.render.platform.metadata import Object, proxy_labels
from modelctl.render.platform.protocol import protocol
from modelctl.render.platform.proxy_monitor import proxy_monitor
from modelctl.render.platform.traffic_policy import traffic_policy
from modelctl.repo.kinds import Environment, Gateway

__all__ = ["objects"]


def objects(environment: Environment) -> tuple[Object, ...]:
    """The objects of an environment's Gateways that are no model's, in their namespace."""
    if environment.engine == "local":
        return _on_one_machine(environment)
    own = gateways(environment)
    return (
        *gateway_objects(environment),
        *(value for gateway in own for value in _of_gateway(environment, gateway)),
        *protocol(own),
    )


def _on_one_machine(environment: Environment) -> tuple[Object, ...]:
    gateway = environment.gateway
    return (
        envoy_proxy(gateway, {"app.kubernetes.io/component": "proxy"}),
        client_policy(gateway),
        traffic_policy(gateway),
        *protocol((gateway,)),
    )


def _of_gateway(environment: Environment, gateway: Gateway) -> Iterator[Object]:
    """What one Gateway alone is told; only the first is reached from outside."""
    outside = gateway.name == environment.gateway.name
    service = gateway.service if outside else None
    yield envoy_proxy(gateway, proxy_labels(gateway), service)
    yield client_policy(gateway)
    yield traffic_policy(gateway)
    yield grpc_bridge(gateway)
    yield proxy_monitor(gateway)
    if is_secure(gateway):
        yield certificate(gateway)
