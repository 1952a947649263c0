"""The Grafana dashboard of an operator: are answers good, fast and cheap; who fails, and who spends?

A row per question, a few panels per row. The dashboard of all metrics is written by `gen_chart`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scripts.answers_panels import STORY

if TYPE_CHECKING:
    from scripts.answers_panels import Panel

_WIDTH, _HEIGHT, _COLUMNS = 8, 8, 3
_SOURCE = {"type": "prometheus", "uid": "${datasource}"}


def answers_dashboard() -> dict[str, Any]:
    """Returns the dashboard."""
    panels: list[dict[str, Any]] = []
    y = 0
    for title, members in STORY:
        panels.append({"type": "row", "title": title, "gridPos": {"h": 1, "w": 24, "x": 0, "y": y}})
        for place, panel in enumerate(members):
            position = {"h": _HEIGHT, "w": _WIDTH, "x": place % _COLUMNS * _WIDTH, "y": y + 1}
            panels.append(_panel(panel) | {"gridPos": position})
        y += 1 + _HEIGHT
    return {
        "title": "RouteMoA",
        "uid": "routemoa",
        "schemaVersion": 39,
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "templating": {"list": _variables()},
        "panels": [panel | {"id": number} for number, panel in enumerate(panels, start=1)],
    }


def _panel(panel: Panel) -> dict[str, Any]:
    targets = [
        {"refId": "ABCDEF"[number], "expr": query, "legendFormat": legend, "exemplar": True}
        for number, (legend, query) in enumerate(panel.queries)
    ]
    return {
        "type": "timeseries",
        "title": panel.title,
        "description": panel.description,
        "datasource": _SOURCE,
        "targets": targets,
        "fieldConfig": {"defaults": {"unit": panel.unit}, "overrides": []},
    }


def _variables() -> list[dict[str, Any]]:
    query = "label_values(routemoa_calls_in_flight_count, namespace)"
    return [
        {"name": "datasource", "type": "datasource", "query": "prometheus"},
        {
            "name": "namespace",
            "type": "query",
            "datasource": _SOURCE,
            "refresh": 2,
            "query": query,
        },
    ]
