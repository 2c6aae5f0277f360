"""Template v2: every object is valid, and a gateway can do what its routes ask for."""

from dataclasses import replace
from typing import Any

import kubernetes_validate
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from modelctl.gateway.fields import Field
from modelctl.gateway.merging import policies
from modelctl.gateway.reading import Objects, read
from modelctl.gateway.values import CircuitBreaker
from modelctl.render.emit import emit
from modelctl.repo.kinds import Shadow
from tests.modelctl.render.v1.conftest import Placement, placements

KUBERNETES = "1.36"
BUILT_IN = {
    "Deployment", "Service", "HorizontalPodAutoscaler", "PodDisruptionBudget", "ServiceAccount",
    "NetworkPolicy",
}  # fmt: skip
# A busy machine is no fault of the renderer: no limits on the time of an example.
EXAMPLES = settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])

PLACEMENTS = placements().map(
    lambda placement: replace(placement, environment=replace(placement.environment, template="v2"))
)


def routes(placement: Placement) -> list[dict[str, Any]]:
    """The rendered routes."""
    return placement.of_kind("HTTPRoute")


def read_back(placement: Placement) -> Objects:
    """What a gateway reads of the rendered objects, field for field."""
    return read(Field(value, f"{value['kind']}.yaml") for value in placement.objects())


@settings(EXAMPLES, max_examples=10)
@given(placement=PLACEMENTS)
def test_built_in_kinds_are_valid(placement: Placement) -> None:
    """The strict schemas of the supported Kubernetes find no fault and no unknown field."""
    for value in placement.objects():
        if value["kind"] in BUILT_IN:
            assert KUBERNETES == kubernetes_validate.validate(value, KUBERNETES, strict=True)


@EXAMPLES
@given(placement=PLACEMENTS)
def test_what_is_rendered_for_a_gateway_is_read(placement: Placement) -> None:
    """Every field of routes, filters and policies is one that is known here."""
    objects = read_back(placement)
    name = placement.model.name

    assert [name, f"{name}-grpc"] == [route.name for route in objects.routes]
    assert {name, f"{name}-grpc"} == policies(objects, Objects()).keys()


@EXAMPLES
@given(placement=PLACEMENTS)
def test_emitted_objects_reload_to_themselves(placement: Placement) -> None:
    """What Argo CD and the local engine read back is what was rendered."""
    for value in placement.objects():
        assert value == yaml.load(emit(value), yaml.CSafeLoader)


@EXAMPLES
@given(placement=PLACEMENTS)
def test_names_are_unique_in_their_kind(placement: Placement) -> None:
    """No object stands in the place of another, and all are in the team's namespace."""
    values = placement.objects()
    names = [(value["kind"], value["metadata"]["name"]) for value in values]

    assert len(names) == len(set(names))
    assert {f"models-{placement.model.owner}"} == {
        value["metadata"]["namespace"] for value in values
    }


@EXAMPLES
@given(placement=PLACEMENTS)
def test_a_rule_is_one_cluster(placement: Placement) -> None:
    """No backend has filters: a gateway would make one cluster of each."""
    rules = [rule for route in routes(placement) for rule in route["spec"]["rules"]]

    assert not any(
        "filters" in backend for rule in rules for backend in rule.get("backendRefs", [])
    )


@EXAMPLES
@given(placement=PLACEMENTS)
def test_clusters_keep_their_places(placement: Placement) -> None:
    """A gateway numbers clusters by rule: traffic is the first, newer releases come behind."""
    for route in routes(placement):
        names = [rule["name"] for rule in route["spec"]["rules"]]
        numbers = [int(name[1:]) for name in names[1:-1]]

        assert ("shared", "unknown-release") == (names[0], names[-1])
        assert sorted(numbers) == numbers


@EXAMPLES
@given(placement=PLACEMENTS)
def test_every_backend_exists(placement: Placement) -> None:
    """Backends and mirrors are Services of this rendering, on ports that they have."""
    services = {
        (value["metadata"]["name"], port["port"])
        for value in placement.of_kind("Service")
        for port in value["spec"]["ports"]
    }
    rules = [rule for route in read_back(placement).routes for rule in route.rules]
    backends = {(each.service, each.port) for rule in rules for each in rule.backends}
    mirrors = {(each.service, each.port) for rule in rules for each in rule.mirrors}

    assert {(name, 80) for name, _ in services} == backends
    assert mirrors <= {(name, 82) for name, _ in services}
    assert bool(placement.serving.shadow) == bool(mirrors)


@EXAMPLES
@given(placement=PLACEMENTS)
def test_copies_come_in_by_a_port_of_their_own(placement: Placement) -> None:
    """The port of the mirror leads to the one that the server takes for copies, and no other."""
    for service in placement.of_kind("Service"):
        ports = {port["port"]: port["targetPort"] for port in service["spec"]["ports"]}
        assert {80: "http", 82: "mirror"} == ports
    for deployment in placement.of_kind("Deployment"):
        (container,) = deployment["spec"]["template"]["spec"]["containers"]
        settings_ = {item["name"]: item["value"] for item in container["env"]}
        ports = {port["name"]: str(port["containerPort"]) for port in container["ports"]}
        assert ports == {
            "http": settings_["MODELSERVER_PORT"],
            "mirror": settings_["MODELSERVER_MIRROR_PORT"],
        }


@EXAMPLES
@given(placement=PLACEMENTS)
def test_traffic_changes_only_the_routes(placement: Placement) -> None:
    """Other weights, another stable release or another shadow share restart no pod."""
    serving = placement.serving
    weights = dict(zip(serving.weights, reversed([*serving.weights.values()]), strict=True))
    shadow = serving.shadow and Shadow(serving.shadow.release, serving.shadow.percent % 100 + 1)
    moved = replace(serving, weights=weights, stable=next(reversed(weights)), shadow=shadow)

    before, after = placement.objects(), replace(placement, serving=moved).objects()

    assert before[:-2] == after[:-2]
    assert ["HTTPRoute"] * 2 == [value["kind"] for value in after[-2:]]


@EXAMPLES
@given(placement=PLACEMENTS)
def test_a_new_release_changes_no_pod_that_runs(placement: Placement) -> None:
    """Introducing and retiring leave the Deployment of every other release as it is."""
    first = next(iter(placement.serving.weights))
    alone = replace(placement.serving, weights={first: 100}, shadow=None)
    (own,) = replace(placement, serving=alone).of_kind("Deployment")

    assert own in placement.of_kind("Deployment")


@EXAMPLES
@given(placement=PLACEMENTS)
def test_as_much_at_once_as_all_replicas_may_take(placement: Placement) -> None:
    """All four limits of a circuit breaker are written, from what is deployed."""
    releases = [placement.releases[release] for release in placement.serving.deployed]
    most = sum(each.runtime.max_inflight for each in releases) * (placement.serving.scale.max + 1)

    found = policies(read_back(placement), Objects())[placement.model.name]

    assert CircuitBreaker(most, most, most, 64) == found.circuit_breaker


@settings(EXAMPLES, max_examples=20)
@given(placement=PLACEMENTS, with_shadow=st.booleans())
def test_fourteen_releases_fit(placement: Placement, *, with_shadow: bool) -> None:
    """The Gateway API takes 16 rules in a route, 64 matches in a rule and 128 in a route."""
    release = next(iter(placement.releases.values()))
    names = [f"r{number}" for number in range(1, 15)]
    weighted = names[: 13 if with_shadow else 14]
    serving = replace(
        placement.serving,
        stable="r1",
        weights={**dict.fromkeys(weighted, 0), "r1": 100},
        shadow=Shadow("r14", 1) if with_shadow else None,
    )
    releases = {name: replace(release, id=name) for name in names}

    for route in routes(replace(placement, serving=serving, releases=releases)):
        counts = [len(rule["matches"]) for rule in route["spec"]["rules"]]
        assert 16 == len(counts)
        assert max(counts) <= 64
        assert sum(counts) <= 128
