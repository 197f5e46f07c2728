"""Alerts and dashboards: they ask for what exists, and somebody is told what to do."""

import json
import re
from typing import Any

import pytest
import yaml

from chat.ops.families import API_FAMILIES, FAMILIES, HOOK_FAMILIES
from deploy.grafana import dashboards
from tests.deploy.monitoring import (
    DEPLOY,
    HAPROXY,
    PROMETHEUS,
    REDIS,
    alerts,
    dashboard_queries,
)
from tests.deploy.promql import metrics_of
from tests.support.worker import REPOSITORY

OURS = {family.name for family in (*FAMILIES, *API_FAMILIES, *HOOK_FAMILIES)}
KNOWN = OURS | HAPROXY | REDIS | PROMETHEUS
#: Families that no panel asks for, each with the reason why nobody would miss it.
NOT_SHOWN = {
    "chat_control_frames_total": "pings and pongs follow the connections, which are shown",
}
OPERATIONS = (REPOSITORY / "docs" / "operations.md").read_text()


@pytest.mark.parametrize(
    ("expression", "names"),
    [
        ('sum by (le) (rate(a_bucket{code="x y"}[5m])) > 0.5 * b', {"a", "b"}),
        ("(sum(up) or vector(0)) == 0 and c > 800e6", {"up", "c"}),
        ("histogram_quantile(0.9, sum by (le, d) (rate(e_bucket[1m])))", {"e"}),
    ],
)
def test_metrics_are_found_in_an_expression(expression: str, names: set[str]) -> None:
    assert metrics_of(expression) == names


def test_dashboards_ask_for_metrics_that_exist() -> None:
    asked = {expression: metrics_of(expression) for expression in dashboard_queries()}
    assert [expression for expression, names in asked.items() if not names] == []
    assert {expression: names - KNOWN for expression, names in asked.items() if names - KNOWN} == {}


def test_every_metric_is_on_a_panel_or_there_is_a_reason_why_not() -> None:
    shown = {name for expression in dashboard_queries() for name in metrics_of(expression)}
    assert (OURS | HAPROXY | REDIS) - shown == NOT_SHOWN.keys()


@pytest.mark.parametrize("rule", alerts(), ids=lambda rule: rule["alert"])
def test_an_alert_is_about_metrics_that_exist_and_says_what_to_do(rule: dict[str, Any]) -> None:
    name = rule["alert"]
    annotations = rule["annotations"]

    assert metrics_of(rule["expr"])
    assert metrics_of(rule["expr"]) <= KNOWN
    assert rule["labels"]["severity"] in {"page", "ticket"}
    assert rule["for"], "what lasts for a moment wakes nobody"
    assert re.search(r": [a-z].*\.$", annotations["summary"]), "and then what?"
    assert annotations["runbook"] == f"docs/operations.md#{name.lower()}"


def test_each_alert_is_tried_where_it_fires_and_where_it_must_not() -> None:
    tests = yaml.safe_load((DEPLOY / "prometheus" / "alerts_test.yml").read_text())["tests"]
    tried = [each for test in tests for each in test["alert_rule_test"]]
    names = {rule["alert"] for rule in alerts()}
    assert {each["alertname"] for each in tried if "exp_alerts" in each} == names
    assert {each["alertname"] for each in tried if "exp_alerts" not in each} == names


def test_each_alert_has_a_section_that_says_enough_and_no_section_is_left_over() -> None:
    page = OPERATIONS.partition("## What to do at each alert")[2].partition("\n## ")[0]
    sections = dict(re.findall(r"^### (\w+)\n+(.+?)(?=^#|\Z)", page, re.MULTILINE | re.DOTALL))
    assert sections.keys() == {rule["alert"] for rule in alerts()}
    assert [name for name, text in sections.items() if len(text.split()) <= 20] == []


@pytest.mark.parametrize("name", dashboards.pages())
def test_a_dashboard_is_what_its_table_says(name: str) -> None:
    written = (DEPLOY / "grafana" / "dashboards" / name).read_text()
    assert written == dashboards.pages()[name], "run `make docs`"


def test_panels_lie_beside_each_other_and_not_on_each_other() -> None:
    for text in dashboards.pages().values():
        taken: set[tuple[int, int]] = set()
        for panel in json.loads(text)["panels"]:
            at = panel["gridPos"]
            cells = {
                (x, y)
                for x in range(at["x"], at["x"] + at["w"])
                for y in range(at["y"], at["y"] + at["h"])
            }
            assert at["x"] + at["w"] <= 24
            assert not cells & taken, panel["title"]
            taken |= cells
