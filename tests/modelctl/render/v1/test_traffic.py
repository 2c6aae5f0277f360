"""Requests reach the releases that git names, in git's proportion, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from modelctl.repo.kinds import Shadow

if TYPE_CHECKING:
    from tests.modelctl.render.v1.conftest import Placement

# A busy machine is no fault of the renderer: no limits on the time of an example.
EXAMPLES = settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])

_Object = dict[str, Any]
_Rules = list[_Object]


def _is_direct(rule: _Object) -> bool:
    return "headers" in rule["matches"][0]


def _weighted(rules: _Rules) -> _Object:
    (rule,) = (rule for rule in rules if not _is_direct(rule))
    return rule


def _role(backend: _Object) -> str:
    (change,) = backend["filters"]
    (header,) = change["requestHeaderModifier"]["set"]
    role: str = header["value"]
    return role


@EXAMPLES
@given(data=st.data())
def test_weights_are_carried_over_exactly(
    data: st.DataObject, arbitrary: st.SearchStrategy[Placement]
) -> None:
    """The weighted rule has every release of the file, in its order, with its weight."""
    placement = data.draw(arbitrary)
    expected = [
        (f"{placement.model.name}-{release}", weight)
        for release, weight in placement.serving.weights.items()
    ]

    backends = _weighted(placement.rules())["backendRefs"]

    assert expected == [(backend["name"], backend["weight"]) for backend in backends]


@EXAMPLES
@given(data=st.data(), weights=st.lists(st.integers(0, 1), min_size=1, max_size=5))
def test_no_rule_has_a_lone_backend_of_weight_zero(
    data: st.DataObject, arbitrary: st.SearchStrategy[Placement], weights: list[int]
) -> None:
    """Whatever the weights, a rule without any weight is left out: gateways differ on it."""
    placement = data.draw(arbitrary)
    changed = dict(zip(placement.serving.weights, [*weights, 0, 0, 0, 0], strict=False))
    serving = replace(placement.serving, weights=changed)

    rules = replace(placement, serving=serving).rules()

    assert all(any(ref["weight"] for ref in rule["backendRefs"]) for rule in rules)


@EXAMPLES
@given(data=st.data())
def test_every_backend_exists(data: st.DataObject, arbitrary: st.SearchStrategy[Placement]) -> None:
    """Backends and mirrors are Services of this rendering, on a port that they have."""
    placement = data.draw(arbitrary)
    services = {
        (value["metadata"]["name"], port["port"])
        for value in placement.of_kind("Service")
        for port in value["spec"]["ports"]
    }

    rules = placement.rules()

    used = [ref for rule in rules for ref in rule["backendRefs"]]
    used += [item["requestMirror"]["backendRef"] for item in _weighted(rules).get("filters", [])]
    assert services == {(ref["name"], ref["port"]) for ref in used}


@EXAMPLES
@given(data=st.data())
def test_each_deployed_release_is_reached_by_header(
    data: st.DataObject, arbitrary: st.SearchStrategy[Placement]
) -> None:
    """One exact-header rule for each release, before the weighted one, with the role `direct`."""
    placement = data.draw(arbitrary)
    expected = [
        ("x-model-release", release, "Exact", f"{placement.model.name}-{release}", 1, "direct")
        for release in placement.serving.deployed
    ]

    *direct, _ = placement.rules()

    assert expected == [
        (header["name"], header["value"], header["type"], ref["name"], ref["weight"], _role(ref))
        for rule in direct
        for header, ref in zip(rule["matches"][0]["headers"], rule["backendRefs"], strict=True)
    ]


@EXAMPLES
@given(data=st.data())
def test_only_the_stable_release_has_that_role(
    data: st.DataObject, arbitrary: st.SearchStrategy[Placement]
) -> None:
    """In the weighted rule the stable release is told as stable and every other as canary."""
    placement = data.draw(arbitrary)
    stable = placement.serving.stable

    backends = _weighted(placement.rules())["backendRefs"]

    assert ["stable" if r == stable else "canary" for r in placement.serving.weights] == [
        _role(backend) for backend in backends
    ]


@EXAMPLES
@given(data=st.data())
def test_the_shadow_gets_copies_of_shared_requests(
    data: st.DataObject, arbitrary: st.SearchStrategy[Placement]
) -> None:
    """The mirror is on the weighted rule alone, with its percent written out."""
    placement = data.draw(arbitrary)
    shadow = placement.serving.shadow
    expected = [(f"{placement.model.name}-{shadow.release}", shadow.percent)] if shadow else []

    rules = placement.rules()

    mirrors = [item["requestMirror"] for item in _weighted(rules).get("filters", [])]
    assert expected == [(mirror["backendRef"]["name"], mirror["percent"]) for mirror in mirrors]
    assert not any("filters" in rule for rule in rules if _is_direct(rule))


@EXAMPLES
@given(data=st.data())
def test_every_rule_takes_the_model_and_no_other(
    data: st.DataObject, arbitrary: st.SearchStrategy[Placement]
) -> None:
    """Every rule matches the model's path by whole elements and bounds the time of a request."""
    placement = data.draw(arbitrary)
    path = {"type": "PathPrefix", "value": f"/v2/models/{placement.model.name}"}

    rules = placement.rules()

    assert [path] * len(rules) == [match["path"] for rule in rules for match in rule["matches"]]
    assert all(rule["timeouts"]["request"] == rule["timeouts"]["backendRequest"] for rule in rules)


@EXAMPLES
@given(data=st.data())
def test_traffic_changes_only_the_route(
    data: st.DataObject, arbitrary: st.SearchStrategy[Placement]
) -> None:
    """Other weights, another stable release or another shadow share restart no pod."""
    placement = data.draw(arbitrary)
    serving = placement.serving
    weights = dict(zip(serving.weights, reversed([*serving.weights.values()]), strict=True))
    shadow = serving.shadow and Shadow(serving.shadow.release, serving.shadow.percent % 100 + 1)
    moved = replace(serving, weights=weights, stable=next(reversed(weights)), shadow=shadow)

    before, after = placement.objects(), replace(placement, serving=moved).objects()

    assert before[:-1] == after[:-1]
    assert "HTTPRoute" == after[-1]["kind"]


@EXAMPLES
@given(data=st.data())
def test_a_new_release_changes_no_pod_that_runs(
    data: st.DataObject, arbitrary: st.SearchStrategy[Placement]
) -> None:
    """Introducing and retiring leave the objects of every other release as they are."""
    placement = data.draw(arbitrary)
    first = next(iter(placement.serving.weights))
    alone = replace(placement.serving, weights={first: 100}, shadow=None)
    own = {f"{placement.model.name}-{first}"}

    before = _named(replace(placement, serving=alone).objects(), own)

    assert before == _named(placement.objects(), own)


def _named(values: tuple[_Object, ...], names: set[str]) -> list[_Object]:
    return [value for value in values if value["metadata"]["name"] in names]


@pytest.mark.parametrize(("p99_ms", "expected"), [(50, "30s"), (15_000, "30s"), (15_001, "31s")])
def test_the_timeout_is_never_below_what_the_service_level_needs(
    plain: Placement, p99_ms: float, expected: str
) -> None:
    """Thirty seconds, or twice the promised 99th percentile where that is more."""
    level = replace(plain.model.service_level, latency_p99_ms=p99_ms)
    slow = replace(plain, model=replace(plain.model, service_level=level))

    assert {expected} == {rule["timeouts"]["request"] for rule in slow.rules()}


def test_the_route_attaches_to_the_environments_listener(plain: Placement) -> None:
    """Parent and host name are the environment's, with every default of the API written out."""
    (route,) = plain.of_kind("HTTPRoute")
    expected: Mapping[str, object] = {
        "group": "gateway.networking.k8s.io",
        "kind": "Gateway",
        "namespace": "gateway",
        "name": "models",
        "sectionName": "https",
    }

    assert [expected] == route["spec"]["parentRefs"]
    assert ["models.staging.example.com"] == route["spec"]["hostnames"]
