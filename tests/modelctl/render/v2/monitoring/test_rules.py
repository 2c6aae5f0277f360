"""Rules and scrapes of any model: Prometheus reads them, and they name what there is."""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

import promtool
from modelctl.render.v2.monitoring import buckets, burn
from modelserver.observe import exposition
from modelserver.observe.metrics import DURATION_BOUNDS_S, Metrics
from scratch import PROJECT
from tests.modelctl.render.v2.conftest import Placement, placements

PLACEMENTS = placements().map(
    lambda placement: replace(placement, environment=replace(placement.environment, template="v2"))
)
FEW = settings(
    max_examples=10,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
_METRIC = re.compile(r"\b(?:modelserver|process)_[a-z0-9_]+")


def _groups(values: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [group for value in values for group in value["spec"]["groups"]]


def _rules(placement: Placement) -> Iterator[dict[str, Any]]:
    for group in _groups(placement.of_kind("PrometheusRule")):
        yield from group["rules"]


def exported() -> set[str]:
    """The name of every series that a server exports."""
    metrics = Metrics(model="m", release="r1")
    metrics.requests["shared", 200] = 1
    metrics.request_s["shared"].observe(1)
    metrics.limits, metrics.memory = {"requests": 1}, {"limit": 1}
    metrics.load_s = 1
    text = exposition.of(metrics)().decode()
    return {re.split("[{ ]", line)[0] for line in text.splitlines() if not line.startswith("#")}


@promtool.needed
def test_prometheus_reads_the_rules_of_this_repository(tmp_path: Path) -> None:
    """Every rendered rule of the sample models is one that Prometheus takes."""
    files = sorted(PROJECT.glob("apps/*/rendered/*/prometheusrule-*.yaml"))
    groups = _groups([yaml.safe_load(file.read_text("utf-8")) for file in files])

    assert len(groups) >= 2
    assert "" == promtool.check_rules(tmp_path, _renamed(groups))


def _renamed(groups: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Groups of several environments in one file."""
    return [group | {"name": str(at)} for at, group in enumerate(groups)]


@promtool.needed
@FEW
@given(placement=PLACEMENTS)
def test_prometheus_reads_the_rules_of_any_model(tmp_path: Path, placement: Placement) -> None:
    """Whatever a model promises and is called, its rules are some that Prometheus takes."""
    groups = _groups(placement.of_kind("PrometheusRule"))

    assert "" == promtool.check_rules(tmp_path, groups)


@FEW
@given(placement=PLACEMENTS)
def test_rules_read_what_servers_export(placement: Placement) -> None:
    """No rule names a series that no server has."""
    named = {name for rule in _rules(placement) for name in _METRIC.findall(rule["expr"])}

    assert set() == named - exported()


@FEW
@given(placement=PLACEMENTS)
def test_rules_read_what_rules_before_them_record(placement: Placement) -> None:
    """In the order of a group every recorded series is there before it is read."""
    recorded: set[str] = {"modelctl_release_weight"}
    for rule in _groups(placement.of_kind("PrometheusRule"))[0]["rules"]:
        read = set(re.findall(r"\bmodelctl[:_][a-z0-9_:]+", rule["expr"]))
        assert set() == read - recorded
        recorded |= {rule["record"]} if "record" in rule else set()


@FEW
@given(placement=PLACEMENTS)
def test_every_alert_is_complete(placement: Placement) -> None:
    """Each has a severity, words, a heading of the runbook that is there, and its dashboard."""
    page = (PROJECT / "docs/explanation/monitoring.md").read_text("utf-8")
    anchors = {heading.lower() for heading in re.findall(r"^#+ (\w+)$", page, re.MULTILINE)}
    alerts = [rule for rule in _rules(placement) if "alert" in rule]

    assert len(alerts) >= 11
    for alert in alerts:
        told = alert["annotations"]
        assert alert["labels"]["severity"] in {"critical", "warning"}
        assert all(told[name] for name in ("summary", "description", "dashboard_url"))
        assert told["runbook_url"].rpartition("#")[2] in anchors


@FEW
@given(placement=PLACEMENTS)
def test_weights_are_series(placement: Placement) -> None:
    """Every deployed release has its percent in git as one series, with what it is."""
    serving = placement.serving
    (weights,) = [
        value["spec"]["groups"][0]["rules"]
        for value in placement.of_kind("PrometheusRule")
        if value["metadata"]["name"] == f"{placement.model.name}.weights"
    ]

    told = {rule["labels"]["release"]: rule["expr"] for rule in weights}
    roles = {rule["labels"]["release"]: rule["labels"]["role"] for rule in weights}

    assert {r: f"vector({serving.weights.get(r, 0)})" for r in serving.deployed} == told
    assert "stable" == roles[serving.stable]
    assert (
        {serving.shadow.release}
        if serving.shadow
        else set() == {release for release, role in roles.items() if role == "shadow"}
    )


@FEW
@given(placement=PLACEMENTS)
def test_every_pod_of_the_model_is_read(placement: Placement) -> None:
    """The monitor's labels and port are those of the pods of every release."""
    (monitor,) = placement.of_kind("PodMonitor")
    (endpoint,) = monitor["spec"]["podMetricsEndpoints"]
    for deployment in placement.of_kind("Deployment"):
        pod = deployment["spec"]["template"]
        (container,) = pod["spec"]["containers"]
        wanted = monitor["spec"]["selector"]["matchLabels"].items()
        assert wanted <= pod["metadata"]["labels"].items()
        assert endpoint["port"] in {port["name"] for port in container["ports"]}


def test_promises_are_held_to_buckets_that_servers_have() -> None:
    """The bounds that rules count by are those of the server's histogram."""
    assert DURATION_BOUNDS_S == buckets.BOUNDS_S


@given(promise=st.floats(0.001, 600_000))
@example(20.0)
@example(600_000.0)
def test_only_what_broke_the_promise_counts_as_slow(promise: float) -> None:
    """The bound is not below the promise, and no other lies between the two."""
    bound_ms = buckets.slow_from_s(promise) * 1000

    assert promise <= bound_ms
    assert not [each for each in buckets.BOUNDS_S if promise <= each * 1000 < bound_ms]


@pytest.mark.parametrize("promise", [20, 30, 50, 100, 200, 250, 500, 1000, 5000])
def test_a_usual_promise_is_held_to_itself(promise: float) -> None:
    """Round promises are bounds of the histogram, so that nothing is given away."""
    assert promise == buckets.slow_from_s(promise) * 1000


@given(share=st.floats(0, 0.999), factor=st.sampled_from([1, 6, 14.4]))
def test_a_threshold_can_be_reached(share: float, factor: float) -> None:
    """It is not below the promise and below all requests."""
    assert share <= burn.threshold(share, factor) < 1
