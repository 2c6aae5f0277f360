"""Dashboards: Grafana's own SDK reads them, and Prometheus every query of theirs."""

import json
import re
import warnings
from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from grafana_foundation_sdk.cog.encoder import JSONEncoder

import promtool
from modelctl.render.platform import dashboards
from modelctl.repo.kinds import Environment
from tests.modelctl.render.v2.monitoring.test_rules import exported

with (
    warnings.catch_warnings()
):  # the SDK prefers a newer form, which Grafana's sidecar does not read
    warnings.simplefilter("ignore", DeprecationWarning)
    from grafana_foundation_sdk.models.dashboard import Dashboard

_VARIABLES = {"$__rate_interval": "5m", "$model": "linear", "$release": "r1|r2", "$namespace": ".+"}


@pytest.fixture(params=["modelctl-fleet", "modelctl-model"])
def told(request: pytest.FixtureRequest, environment: Environment) -> dict[str, Any]:
    """One dashboard, as Grafana would find it."""
    maps = {value["metadata"]["name"]: value for value in dashboards.objects(environment)}
    (text,) = maps[f"dashboard-{request.param}"]["data"].values()
    loaded: dict[str, Any] = json.loads(text)
    return loaded


def _queries(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        yield from ([value["expr"]] if "expr" in value else [])
        value = list(value.values())
    if isinstance(value, list):
        for each in value:
            yield from _queries(each)


def _filled(query: str) -> str:
    for name, value in _VARIABLES.items():
        query = query.replace(name, value)
    return query


def _missing(ours: object, theirs: object, at: str = "") -> Iterator[str]:
    """Where ours says what theirs has not understood."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        for key, value in ours.items():
            yield from _missing(value, theirs.get(key), f"{at}.{key}")
    elif isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        for index, (mine, other) in enumerate(zip(ours, theirs, strict=True)):
            yield from _missing(mine, other, f"{at}[{index}]")
    elif ours != theirs:
        yield f"{at}: {ours!r}, read as {theirs!r}"


def test_sidecars_find_them(environment: Environment) -> None:
    """Each is a ConfigMap with the label that Grafana's sidecar looks for, where that runs."""
    maps = dashboards.objects(environment)

    assert {"ConfigMap"} == {value["kind"] for value in maps}
    assert {"monitoring"} == {value["metadata"]["namespace"] for value in maps}
    assert {"1"} == {value["metadata"]["labels"]["grafana_dashboard"] for value in maps}


def test_a_laptop_has_none(environment: Environment) -> None:
    """Without a cluster there is no Grafana that would look for them."""
    assert () == dashboards.objects(replace(environment, engine="local"))


def test_grafana_understands_every_field(told: dict[str, Any]) -> None:
    """What Grafana's own types read of it is all that it says."""
    read = json.loads(json.dumps(Dashboard.from_json(told), cls=JSONEncoder))

    assert [] == list(_missing(told, read))


@promtool.needed
def test_prometheus_reads_every_query(told: dict[str, Any], tmp_path: Path) -> None:
    """With its variables filled in, each is a query that Prometheus takes."""
    queries = list(map(_filled, _queries(told)))

    assert not [query for query in queries if "$" in query.replace('"$1"', "")]
    assert "" == promtool.check_queries(tmp_path, queries)


def test_servers_export_what_is_drawn(told: dict[str, Any]) -> None:
    """No query names a series of a server that none has."""
    named = set(re.findall(r"\b(?:modelserver|process)_[a-z0-9_]+", " ".join(_queries(told))))

    assert set() == named - exported()


def test_panels_have_their_own_place_and_id(told: dict[str, Any]) -> None:
    """No two share an id, a title or a spot of the grid, and none is outside of it."""
    panels = told["panels"]
    for key in ("id", "title"):
        assert len(panels) == len({panel[key] for panel in panels})
    spots = [panel["gridPos"] for panel in panels]
    assert all(0 <= spot["x"] <= 24 - spot["w"] for spot in spots)
    for one, other in combinations(spots, 2):
        assert (
            one["x"] + one["w"] <= other["x"]
            or other["x"] + other["w"] <= one["x"]
            or one["y"] + one["h"] <= other["y"]
            or other["y"] + other["h"] <= one["y"]
        )
