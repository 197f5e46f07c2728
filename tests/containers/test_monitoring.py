"""A real Prometheus on the real stack: it finds everything, and every question has an answer."""

import json
from typing import Any

import pytest

from tests.containers.stack import Stack
from tests.deploy.monitoring import HAPROXY, REDIS, alerts, dashboard_queries
from tests.support.waiting import until

pytestmark = [pytest.mark.containers, pytest.mark.slow, pytest.mark.timeout(900)]

#: Prometheus publishes no port, so it is asked from inside a worker.
_ASK = """
import json, sys
from urllib.parse import urlencode
from urllib.request import urlopen

def ask(path, **query):
    return json.load(urlopen(f"http://prometheus:9090/api/v1/{path}?{urlencode(query)}"))

print(json.dumps([ask(path, **query) for path, query in json.load(sys.stdin)]))
"""


class Prometheus:
    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        [self.container] = stack.containers("prometheus")

    def ask(self, *questions: tuple[str, dict[str, str]]) -> list[Any]:
        [worker, *_] = self.stack.containers("worker")
        said = self.stack.execute(worker, "python", "-c", _ASK, stdin=json.dumps(questions))
        answers = json.loads(said)
        assert {answer["status"] for answer in answers} == {"success"}
        return [answer["data"] for answer in answers]

    def targets(self) -> dict[str, list[str]]:
        [found] = self.ask(("targets", {"state": "active"}))
        health: dict[str, list[str]] = {}
        for target in found["activeTargets"]:
            health.setdefault(target["labels"]["job"], []).append(target["health"])
        return health


@pytest.fixture(scope="module")
def prometheus(stack: Stack) -> Prometheus:
    stack.up("--no-recreate", "prometheus", "redis-exporter")
    return Prometheus(stack)


async def test_prometheus_finds_every_worker_and_the_rest(prometheus: Prometheus) -> None:
    def is_complete() -> bool:
        found = prometheus.targets()
        return found == {
            "chat-worker": ["up"] * len(prometheus.stack.containers("worker")),
            "chat-api": ["up"],
            "haproxy": ["up"],
            "redis": ["up"],
            "prometheus": ["up"],
        }

    await until(is_complete, 90.0, what="all targets", interval_s=1.0)


async def test_every_panel_and_every_alert_is_understood(prometheus: Prometheus) -> None:
    expressions = dashboard_queries() + [rule["expr"] for rule in alerts()]
    answers = prometheus.ask(*(("query", {"query": each}) for each in expressions))
    assert len(answers) == len(expressions) > 60

    def rules() -> list[dict[str, Any]]:
        [found] = prometheus.ask(("rules", {}))
        return [rule for group in found["groups"] for rule in group["rules"]]

    await until(
        lambda: {rule["health"] for rule in rules()} == {"ok"},
        90.0,
        what="all rules evaluated",
        interval_s=1.0,
    )
    assert len(rules()) == len(alerts())


async def test_haproxy_and_redis_have_the_metrics_that_we_rely_on(prometheus: Prometheus) -> None:
    def missing() -> set[str]:
        [names] = prometheus.ask(("label/__name__/values", {}))
        return (HAPROXY | REDIS) - set(names)

    await until(lambda: not missing(), 90.0, what="metrics of HAProxy and Redis", interval_s=1.0)


def test_alerts_fire_when_they_should(prometheus: Prometheus) -> None:
    run = ("env", "TMPDIR=/prometheus", "promtool")
    execute, container = prometheus.stack.execute, prometheus.container
    assert "SUCCESS" in execute(
        container, *run, "check", "config", "/etc/prometheus/prometheus.yml"
    )
    assert "SUCCESS" in execute(container, *run, "test", "rules", "/etc/prometheus/alerts_test.yml")
