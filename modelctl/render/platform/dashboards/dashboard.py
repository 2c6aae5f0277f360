"""A whole dashboard: its variables, its grid, its address."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from modelctl.render.platform.dashboards import panel
from modelctl.render.platform.dashboards.panel import DATASOURCE, Row

_ACROSS, _HEIGHT, _WIDTH = 3, 8, 24  # panels in a line; the grid is 24 wide
_SCHEMA = 39  # of Grafana 10.3; every later one brings it up to date when it is opened


@dataclass(frozen=True, slots=True)
class Variable:
    """A choice at the head of a dashboard, from the values of a label."""

    name: str
    query: str
    is_several: bool = False


@dataclass(frozen=True, slots=True)
class Dashboard:
    """What is seen on one page; `uid` is its address, which links name."""

    uid: str
    title: str
    words: str
    variables: tuple[Variable, ...]
    rows: tuple[Row, ...]


def json_of(dashboard: Dashboard) -> dict[str, Any]:
    """The dashboard as Grafana reads it."""
    return {
        "uid": dashboard.uid,
        "title": dashboard.title,
        "description": dashboard.words,
        "tags": ["models"],
        "editable": False,
        "schemaVersion": _SCHEMA,
        "timezone": "browser",
        "refresh": "1m",
        "time": {"from": "now-3h", "to": "now"},
        "templating": {"list": [_DATASOURCE, *map(_variable, dashboard.variables)]},
        "panels": list(_panels(dashboard.rows)),
    }


_DATASOURCE = {"name": "datasource", "type": "datasource", "query": "prometheus"}


def _variable(variable: Variable) -> dict[str, Any]:
    every = {"multi": True, "includeAll": True} if variable.is_several else {}
    return {
        "name": variable.name,
        "type": "query",
        "datasource": DATASOURCE,
        "query": variable.query,
        "refresh": 2,  # when the range of time changes
        "sort": 1,
        **every,
    }


def _panels(rows: Iterable[Row]) -> Iterator[dict[str, Any]]:
    """Line by line, three beside each other."""
    width, top = _WIDTH // _ACROSS, 0
    for row in rows:
        yield panel.heading(row, top)
        top += 1
        for at, each in enumerate(row.panels):
            down, across = divmod(at, _ACROSS)
            place = {"h": _HEIGHT, "w": width, "x": across * width, "y": top + down * _HEIGHT}
            yield panel.json_of(each, place)
        top += -(-len(row.panels) // _ACROSS) * _HEIGHT
