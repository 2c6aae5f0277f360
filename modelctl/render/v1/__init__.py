"""Template v1: Deployments behind one HTTPRoute, synced by one Application a model."""

from collections.abc import Iterator, Sequence
from typing import Any

from modelctl.render.v1.application import application
from modelctl.render.v1.autoscaler import autoscaler
from modelctl.render.v1.deployment import deployment
from modelctl.render.v1.disruption_budget import disruption_budget
from modelctl.render.v1.network_policy import network_policy
from modelctl.render.v1.route import route
from modelctl.render.v1.service import service
from modelctl.render.v1.service_account import service_account
from modelctl.repo.kinds import Environment, Model, Release, Scale, Serving

__all__ = ["application", "objects"]


def objects(
    model: Model, releases: Sequence[Release], serving: Serving, environment: Environment
) -> tuple[dict[str, Any], ...]:
    """The objects of a model in an environment; `releases` are the deployed ones, in order.

    Only the route is given the weights: no other object can depend on them.
    """
    return (
        service_account(model),
        network_policy(model, releases, environment),
        *(
            value
            for release in releases
            for value in _release_objects(model, release, serving.scale, environment)
        ),
        route(model, serving, environment),
    )


def _release_objects(
    model: Model, release: Release, scale: Scale, environment: Environment
) -> Iterator[dict[str, Any]]:
    yield deployment(model, release, environment)
    yield service(model, release)
    yield autoscaler(model, release, scale)
    yield disruption_budget(model, release)
