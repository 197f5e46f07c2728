"""/metrics of `chat hooks`: a scrape turns its counters into families."""

import os
import time
from collections.abc import Iterator, Mapping

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from chat.ops.families import HOOK_FAMILIES, Family
from chat.ops.metrics import cumulative, empty, labels_of, resident_bytes
from chat.webhooks.courier import Courier
from chat.webhooks.dispatcher import Dispatcher


class HookMetrics(Collector):
    """Renders what this process has counted.

    Args:
        dispatcher: whose counters.
    """

    def __init__(self, dispatcher: Dispatcher) -> None:
        self._dispatcher = dispatcher
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(self)

    def render(self) -> tuple[str, bytes]:
        """Return content type and text."""
        return CONTENT_TYPE_LATEST, generate_latest(self._registry)

    def collect(self) -> Iterator[Metric]:
        """Yield every family."""
        own = self._own()
        couriers = {courier.endpoint.name: courier for courier in self._dispatcher.couriers}
        states = {name: _state(courier) for name, courier in couriers.items()}
        for family in HOOK_FAMILIES:
            if family.kind == "histogram":
                yield _histogram(family, couriers)
            elif family.field == "attempts":
                yield _attempts(family, couriers)
            elif family.label:
                metric = empty(family)
                for name, state in states.items():
                    metric.add_metric([name], state[family.field])
                yield metric
            elif (value := own[family.field]) is not None:
                metric = empty(family)
                metric.add_metric([], value)
                yield metric

    def _own(self) -> Mapping[str, int | None]:
        dispatcher = self._dispatcher
        dispatcher.observe()
        return {
            "groups": len(dispatcher.shares.groups),
            "ready": int(dispatcher.readiness().ready),
            "redis_up": dispatcher.redis.redis_up,
            "redis_errors": dispatcher.redis.redis_errors,
            "rss": resident_bytes(os.getpid()),
        }


def _state(courier: Courier) -> Mapping[str, float]:
    turns = courier.turns.in_hand()
    now_ms = time.time() * 1000
    oldest_ms = min((turn.oldest_ms for turn in turns), default=now_ms)
    return {
        "rooms_due": len(turns),
        "events_due": sum(turn.behind for turn in turns),
        "oldest_s": max(0.0, (now_ms - oldest_ms) / 1000),
        "is_open": int(courier.circuit.is_open),
        "events_delivered": courier.stats.events_delivered,
        "events_refused": courier.stats.events_refused,
        "gaps": courier.stats.gaps,
    }


def _attempts(family: Family, couriers: Mapping[str, Courier]) -> Metric:
    metric = empty(family)
    for name, courier in couriers.items():
        for status, count in sorted(courier.stats.attempts.items()):
            metric.add_metric([name, status], count)
    return metric


def _histogram(family: Family, couriers: Mapping[str, Courier]) -> Metric:
    metric = HistogramMetricFamily(family.name, family.help, labels=labels_of(family))
    for name, courier in couriers.items():
        seconds = courier.stats.seconds
        metric.add_metric([name], cumulative(seconds.buckets), seconds.sum)
    return metric
