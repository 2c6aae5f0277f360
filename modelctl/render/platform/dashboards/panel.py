"""Panels of a dashboard, as values, and what Grafana calls them.

Source: Grafana's dashboard schema, as its Foundation SDK gives it; a test reads every dashboard
with that SDK.
"""

from dataclasses import dataclass
from typing import Any, Literal
from zlib import crc32

DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}
_MOST_ID = 0x7FFFFFFF  # ids are whole numbers of 32 bits with a sign

Unit = Literal["short", "percentunit", "s", "reqps", "bytes", "percent", "dtdurations"]


@dataclass(frozen=True, slots=True)
class Query:
    """One line or more of a panel; `legend` is Grafana's template of a line's name."""

    expr: str
    legend: str = "{{release}}"


@dataclass(frozen=True, slots=True)
class Panel:
    """A chart over time, one number or a table, with what it shows in words.

    A line whose name ends in one of `dashed` is drawn so: what is wanted, beside what is.
    """

    title: str
    words: str
    queries: tuple[Query, ...]
    unit: Unit = "short"
    kind: Literal["timeseries", "stat", "table"] = "timeseries"
    dashed: str = ""
    most: float | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """A heading with the panels below it."""

    title: str
    panels: tuple[Panel, ...]


def number(title: str) -> int:
    """The id of a panel: it follows from the title, so that a new panel moves no other's."""
    return crc32(title.encode()) & _MOST_ID or 1


def json_of(panel: Panel, place: dict[str, int]) -> dict[str, Any]:
    """A panel as Grafana reads it, at its place in the grid."""
    return {
        "id": number(panel.title),
        "type": panel.kind,
        "title": panel.title,
        "description": panel.words,
        "datasource": DATASOURCE,
        "gridPos": place,
        "targets": [_target(panel, at, query) for at, query in enumerate(panel.queries)],
        "fieldConfig": {"defaults": _defaults(panel), "overrides": _overrides(panel)},
        "options": _OPTIONS[panel.kind],
        **({"transformations": _MERGED} if panel.kind == "table" else {}),
    }


def heading(row: Row, top: int) -> dict[str, Any]:
    """The heading of a row."""
    return {
        "id": number(row.title),
        "type": "row",
        "title": row.title,
        "collapsed": False,
        "gridPos": {"h": 1, "w": 24, "x": 0, "y": top},
        "panels": [],
    }


_OPTIONS: dict[str, dict[str, Any]] = {
    "timeseries": {
        "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True},
        "tooltip": {"mode": "multi", "sort": "desc"},
    },
    "stat": {
        "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
        "colorMode": "value",
        "graphMode": "area",
    },
    "table": {"showHeader": True},
}
_MERGED = [{"id": "merge", "options": {}}]  # one line a model, one column a query


def _target(panel: Panel, at: int, query: Query) -> dict[str, Any]:
    shape = {"instant": True, "format": "table"} if panel.kind == "table" else {"range": True}
    return {
        "refId": chr(ord("A") + at),
        "datasource": DATASOURCE,
        "expr": query.expr,
        "legendFormat": query.legend,
        **shape,
    }


def _defaults(panel: Panel) -> dict[str, Any]:
    drawn = {"drawStyle": "line", "lineWidth": 1, "fillOpacity": 0, "showPoints": "never"}
    return {
        "unit": panel.unit,
        "min": 0,
        **({} if panel.most is None else {"max": panel.most}),
        **({"custom": drawn} if panel.kind == "timeseries" else {}),
    }


def _overrides(panel: Panel) -> list[dict[str, Any]]:
    if not panel.dashed:
        return []
    dash = {"id": "custom.lineStyle", "value": {"fill": "dash", "dash": [8, 8]}}
    matched = {"id": "byRegexp", "options": f"/{panel.dashed}$/"}
    return [{"matcher": matched, "properties": [dash]}]
