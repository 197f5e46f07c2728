"""The dashboards as Grafana reads them: `python -m deploy.grafana.dashboards` writes their JSON.

`make docs` runs it and a test compares. Each dashboard is a module beside this one; its rows go the
way that a message goes.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from deploy.grafana.below import BELOW
from deploy.grafana.http import HTTP
from deploy.grafana.messages import MESSAGES
from deploy.grafana.overview import OVERVIEW
from deploy.grafana.panels import Dashboard, Panel
from deploy.grafana.webhooks import WEBHOOKS
from deploy.grafana.workers import WORKERS

FOLDER = Path(__file__).parent / "dashboards"
DASHBOARDS = (OVERVIEW, MESSAGES, WORKERS, HTTP, WEBHOOKS, BELOW)
_SOURCE = {"type": "prometheus", "uid": "prometheus"}
_COLUMNS = 24
_HEIGHTS = {"stat": 4, "timeseries": 8}
#: What fires is drawn into every graph.
_ALERTS = {
    "name": "Alerts",
    "datasource": _SOURCE,
    "enable": True,
    "iconColor": "red",
    "target": {"refId": "Anno", "expr": 'ALERTS{alertstate="firing"}'},
    "titleFormat": "{{alertname}}",
    "textFormat": "{{instance}}",
    "tagKeys": "severity",
}
#: From each dashboard to the others.
_OTHERS = {
    "type": "dashboards",
    "tags": ["chat"],
    "title": "Chat",
    "tooltip": "",
    "icon": "external link",
    "asDropdown": False,
    "includeVars": False,
    "keepTime": True,
    "targetBlank": False,
}


def _panel(panel: Panel, place: dict[str, int]) -> dict[str, Any]:
    defaults: dict[str, Any] = {"unit": panel.unit}
    options: dict[str, Any]
    if panel.kind == "stat":
        steps = [{"value": value, "color": colour} for value, colour in panel.steps]
        defaults["thresholds"] = {"mode": "absolute", "steps": steps}
        options = {
            "colorMode": "background",
            "graphMode": "area",
            "justifyMode": "auto",
            "orientation": "auto",
            "percentChangeColorMode": "standard",
            "reduceOptions": {"calcs": ["lastNotNull"]},
            "showPercentChange": False,
            "textMode": "auto",
            "wideLayout": True,
        }
    else:
        defaults |= {"min": 0, "custom": {"fillOpacity": 10, "showPoints": "never"}}
        options = {
            "legend": {
                "showLegend": True,
                "displayMode": "table",
                "placement": "bottom",
                "calcs": ["max", "lastNotNull"],
            },
            "tooltip": {"mode": "multi", "sort": "desc"},
        }
    return {
        "type": panel.kind,
        "title": panel.title,
        "description": panel.about,
        "datasource": _SOURCE,
        "gridPos": place,
        "fieldConfig": {"defaults": defaults, "overrides": []},
        "options": options,
        "targets": [
            {
                "refId": chr(ord("A") + index),
                "datasource": _SOURCE,
                "expr": expression,
                "legendFormat": legend or "__auto",
            }
            for index, (legend, expression) in enumerate(panel.queries)
        ],
    }


def _lines(row: list[Panel]) -> Iterator[list[Panel]]:
    """Figures first and beside each other, then graphs, as even as they can be."""
    for kind, most in (("stat", 6), ("timeseries", 3)):
        panels = [panel for panel in row if panel.kind == kind]
        lines = -(-len(panels) // most)
        for index in range(lines):
            yield panels[len(panels) * index // lines : len(panels) * (index + 1) // lines]


def _row(title: str, row: list[Panel], y: int) -> list[dict[str, Any]]:
    """Return a heading and its panels from `y` on; each line of them is as wide as the page."""
    heading = {"h": 1, "w": _COLUMNS, "x": 0, "y": y}
    shown: list[dict[str, Any]] = [
        {"type": "row", "title": title, "gridPos": heading, "collapsed": False, "panels": []}
    ]
    y += 1
    for line in _lines(row):
        height = _HEIGHTS[line[0].kind]
        edges = [_COLUMNS * index // len(line) for index in range(len(line) + 1)]
        for panel, x, end in zip(line, edges, edges[1:], strict=False):
            shown.append(_panel(panel, {"h": height, "w": end - x, "x": x, "y": y}))
        y += height
    return shown


def render(dashboard: Dashboard) -> str:
    """Return the JSON of a dashboard."""
    panels: list[dict[str, Any]] = []
    for title, row in dashboard.rows:
        bottom = panels[-1]["gridPos"] if panels else {"y": 0, "h": 0}
        panels += _row(title, row, bottom["y"] + bottom["h"])
    page = {
        "uid": dashboard.uid,
        "title": dashboard.title,
        "tags": ["chat"],
        "schemaVersion": 39,
        "editable": False,
        "refresh": "10s",
        "time": {"from": "now-1h", "to": "now"},
        "timezone": "",
        "annotations": {"list": [_ALERTS]},
        "links": [_OTHERS],
        "panels": [{"id": number, **panel} for number, panel in enumerate(panels, 1)],
    }
    return json.dumps(page, indent=1) + "\n"


def pages() -> dict[str, str]:
    """Return the files of the folder: name and content."""
    return {f"{board.uid.removeprefix('chat-')}.json": render(board) for board in DASHBOARDS}


def write(folder: Path) -> None:
    """Write all dashboards into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in pages().items():
        (folder / name).write_text(text)


if __name__ == "__main__":
    write(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER)
