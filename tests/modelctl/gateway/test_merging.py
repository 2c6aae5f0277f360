"""Which policy a route has."""

from typing import Any

import pytest

from modelctl.gateway import merging
from modelctl.gateway.fields import ObjectError
from modelctl.gateway.values import CircuitBreaker, ClientPolicy, PassiveCheck, TrafficPolicy
from tests.modelctl.gateway.objects import (
    CLIENT_POLICY,
    FILTER,
    GATEWAY_POLICY,
    MODEL_POLICY,
    ROUTE,
    loaded,
    reading,
)


def policy_of(model: dict[str, Any] | str, default: dict[str, Any] | str) -> TrafficPolicy:
    """The policy of the model's route."""
    return merging.policies(reading(ROUTE, FILTER, model), reading(default))["churn"]


def test_a_models_policy_lies_over_the_gateways() -> None:
    """What the model's policy says holds; the rest comes from the Gateway's."""
    policy = policy_of(MODEL_POLICY, GATEWAY_POLICY)

    assert CircuitBreaker(320, 320, 320, 64, 20.0, 3) == policy.circuit_breaker
    assert (40.0, 3.0, 1.0) == (
        policy.request_timeout_s,
        policy.idle_timeout_s,
        policy.connect_timeout_s,
    )
    assert 0 == policy.panic_threshold_percent
    assert 2 == (policy.retry.tries if policy.retry else None)


def test_a_limit_left_out_becomes_the_default_of_the_api() -> None:
    """Of a circuit breaker that says one limit, the others are 1,024, not the Gateway's."""
    model = loaded(MODEL_POLICY)
    model["spec"]["circuitBreaker"] = {"maxConnections": 320}

    policy = policy_of(model, GATEWAY_POLICY)

    assert CircuitBreaker(320, 1024, 1024, 1024, 20.0, 3) == policy.circuit_breaker


def test_a_check_in_part_becomes_the_default_of_the_api() -> None:
    """The same holds for every mapping that the API server fills in."""
    model = loaded(MODEL_POLICY)
    model["spec"]["healthCheck"] = {"passive": {"interval": "9s"}}

    policy = policy_of(model, GATEWAY_POLICY)

    assert (
        PassiveCheck(
            split_external_local_origin_errors=False,
            consecutive_local_origin_failures=5,
            consecutive_5xx=5,
            consecutive_gateway_errors=0,
            interval_s=9.0,
            base_ejection_s=30.0,
            max_ejection_percent=10,
        )
        == policy.passive
    )
    assert 0 == policy.panic_threshold_percent


def test_lists_are_replaced() -> None:
    """A list of the model's policy stands in the place of the Gateway's."""
    model = loaded(MODEL_POLICY)
    model["spec"]["retry"] = {"retryOn": {"triggers": ["reset"]}}

    retry = policy_of(model, GATEWAY_POLICY).retry

    assert ("reset",) == (retry.triggers if retry else None)
    assert 0.025 == (retry.base_interval_s if retry else None)


def test_a_policy_that_is_not_merged_stands_alone() -> None:
    """Without a merge type nothing of the Gateway's policy holds."""
    model = loaded(MODEL_POLICY)
    del model["spec"]["mergeType"]

    policy = policy_of(model, GATEWAY_POLICY)

    assert (
        TrafficPolicy(circuit_breaker=CircuitBreaker(320, 320, 320, 64), request_timeout_s=40.0)
        == policy
    )


def test_a_route_without_a_policy_has_the_gateways() -> None:
    """A policy of another route, or of another namespace, does not hold."""
    model = loaded(MODEL_POLICY)
    model["metadata"]["namespace"] = "elsewhere"

    policy = policy_of(model, GATEWAY_POLICY)

    assert merging.gateway(reading(GATEWAY_POLICY)).backends == policy


def test_without_policies() -> None:
    """Without any policy the gateway does what it does by itself."""
    found = merging.gateway(reading())

    assert (ClientPolicy(), TrafficPolicy(), ()) == (found.clients, found.backends, found.routes)


def test_the_gateways_own_routes() -> None:
    """Routes and policies of the platform are the Gateway's."""
    found = merging.gateway(reading(CLIENT_POLICY, GATEWAY_POLICY, ROUTE, FILTER))

    assert 20_000 == found.clients.connection_limit
    assert ["churn"] == [route.name for route in found.routes]


@pytest.mark.parametrize(
    ("model", "platform"),
    [
        ([ROUTE, FILTER, MODEL_POLICY, MODEL_POLICY], [GATEWAY_POLICY]),
        ([ROUTE, FILTER, MODEL_POLICY], [GATEWAY_POLICY, GATEWAY_POLICY]),
    ],
)
def test_two_policies_for_one(model: list[str], platform: list[str]) -> None:
    """Of two policies for the same target neither is taken by chance."""
    with pytest.raises(ObjectError, match="found a second policy for"):
        merging.policies(reading(*model), reading(*platform))


def test_a_fault_of_a_merged_policy_has_its_file() -> None:
    """A field of a model's policy that is not known is refused with its own file and place."""
    model = loaded(MODEL_POLICY)
    model["spec"]["circuitBreaker"]["perEndpoint"] = {"maxConnections": 1}

    with pytest.raises(ObjectError, match=r"policy\.yaml: spec\.circuitBreaker\.perEnd"):
        policy_of(model, GATEWAY_POLICY)
