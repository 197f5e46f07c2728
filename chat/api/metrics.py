"""/metrics of the HTTP side: a scrape turns its counters into families."""

import os
from collections.abc import Callable, Iterator, Mapping

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from chat.api.stats import ApiStats
from chat.ops.families import API_FAMILIES, Family
from chat.ops.metrics import resident_bytes
from chat.ops.stats import LATENCY_BUCKETS_S, Stats

_BOUNDS = (*map(str, LATENCY_BUCKETS_S), "+Inf")


class ApiMetrics(Collector):
    """Renders what this process has counted.

    Args:
        stats: requests.
        redis: what the Redis connection counts.
        state: further gauges by field, asked at each scrape.
    """

    def __init__(
        self, stats: ApiStats, redis: Stats, state: Callable[[], Mapping[str, int]]
    ) -> None:
        self._stats = stats
        self._redis = redis
        self._state = state
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(self)

    def render(self) -> tuple[str, bytes]:
        """Return content type and text."""
        return CONTENT_TYPE_LATEST, generate_latest(self._registry)

    def collect(self) -> Iterator[Metric]:
        """Yield every family that has a value."""
        values = self._values()
        for family in API_FAMILIES:
            if family.kind == "histogram":
                yield self._histogram(family)
            elif family.field == "requests":
                yield self._requests(family)
            elif (value := values[family.field]) is not None:
                metric = _empty(family)
                metric.add_metric([], value)
                yield metric

    def _values(self) -> dict[str, int | None]:
        state, redis = self._state(), self._redis
        return {
            "redis_up": redis.redis_up,
            "in_flight": self._stats.in_flight,
            "rate_limited": self._stats.rate_limited,
            "redis_in_flight": redis.redis_in_flight,
            "redis_commands": redis.redis_commands,
            "redis_errors": redis.redis_errors,
            "redis_reconnects": sum(redis.redis_reconnects.values()),
            "rss": resident_bytes(os.getpid()),
            **state,
        }

    def _requests(self, family: Family) -> Metric:
        metric = _empty(family)
        for (route, method, status), count in sorted(self._stats.requests.items()):
            metric.add_metric([route, method, str(status)], count)
        return metric

    def _histogram(self, family: Family) -> Metric:
        metric = HistogramMetricFamily(family.name, family.help, labels=_labels(family))
        for route, observed in sorted(self._stats.seconds.items()):
            buckets = []
            running = 0
            for bound, count in zip(_BOUNDS, observed.buckets, strict=True):
                running += count
                buckets.append((bound, running))
            metric.add_metric([route], buckets, observed.sum)
        return metric


def _empty(family: Family) -> CounterMetricFamily | GaugeMetricFamily:
    kind = CounterMetricFamily if family.kind == "counter" else GaugeMetricFamily
    return kind(family.name, family.help, labels=_labels(family))


def _labels(family: Family) -> list[str]:
    return family.label.split(",") if family.label else []
