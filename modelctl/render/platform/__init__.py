"""What an environment's Gateway itself is told, for all models: policies and routes of its own.

It goes with template v2, whose routes leave to the Gateway what holds for every model.
"""

from modelctl.render.platform.client_policy import client_policy
from modelctl.render.platform.envoy_proxy import envoy_proxy
from modelctl.render.platform.metadata import Object
from modelctl.render.platform.protocol import protocol
from modelctl.render.platform.traffic_policy import traffic_policy
from modelctl.repo.kinds import Environment

__all__ = ["objects"]


def objects(environment: Environment) -> tuple[Object, ...]:
    """The objects of an environment's Gateway that are no model's, in its namespace."""
    gateway = environment.gateway
    return (
        envoy_proxy(gateway),
        client_policy(gateway),
        traffic_policy(gateway),
        *protocol(gateway),
    )
