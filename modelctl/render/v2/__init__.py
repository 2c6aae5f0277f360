"""Template v2: a rule of a route is one cluster of a gateway, and policies come with the model.

What template v1 gives is frozen, so what is the same here comes from there.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from modelctl.render.v1.autoscaler import autoscaler
from modelctl.render.v1.disruption_budget import disruption_budget
from modelctl.render.v1.service_account import service_account
from modelctl.render.v2.application import application
from modelctl.render.v2.deployment import deployment
from modelctl.render.v2.network_policy import network_policy
from modelctl.render.v2.refusal import release_filter
from modelctl.render.v2.route import routes
from modelctl.render.v2.service import service
from modelctl.render.v2.traffic_policy import traffic_policy
from modelctl.repo.kinds import Environment, Model, Release, Scale, Serving

__all__ = ["application", "objects"]


def objects(
    model: Model, releases: Sequence[Release], serving: Serving, environment: Environment
) -> tuple[dict[str, Any], ...]:
    """The objects of a model in an environment; `releases` are the deployed ones, in order.

    Only the routes are given the weights: no other object can depend on them.
    """
    return (
        service_account(model),
        network_policy(model, releases, environment),
        *(
            value
            for release in releases
            for value in _release_objects(model, release, serving.scale, environment)
        ),
        traffic_policy(model, releases, serving.scale),
        release_filter(model, serving),
        *routes(model, serving, environment),
    )


def _release_objects(
    model: Model, release: Release, scale: Scale, environment: Environment
) -> Iterator[dict[str, Any]]:
    yield deployment(model, release, environment)
    yield service(model, release)
    yield autoscaler(model, release, scale)
    yield disruption_budget(model, release)
