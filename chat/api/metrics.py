"""/metrics of the HTTP side: a scrape turns its counters into families."""

import os
from collections.abc import Callable, Iterator, Mapping

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from chat.api.stats import ApiStats
from chat.ops.families import API_FAMILIES, Family
from chat.ops.metrics import cumulative, empty, labels_of, resident_bytes
from chat.ops.stats import LABELLED, Stats


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
            elif family.field == "streams_ended":
                yield _by_label(family, self._stats.streams_ended)
            elif family.field == "uploads":
                yield _by_label(family, self._stats.uploads)
            elif family.label is not None and family.field in LABELLED:
                yield _by_label(family, getattr(self._redis, family.field).snapshot())
            elif (value := values[family.field]) is not None:
                metric = empty(family)
                metric.add_metric([], value)
                yield metric

    def _values(self) -> dict[str, int | None]:
        state, redis = self._state(), self._redis  # in this order: asked, it observes Redis
        return {
            "redis_up": redis.redis_up,
            "in_flight": self._stats.in_flight,
            "rate_limited": self._stats.rate_limited,
            "key_rate_limited": self._stats.key_rate_limited,
            "messages_published": self._stats.messages_published,
            "publish_uncertain": self._stats.publish_uncertain,
            "messages_reported": self._stats.messages_reported,
            "roster_changes_raced": redis.roster_changes_raced,
            "listings_repaired": redis.listings_repaired,
            "uploads_in_flight": self._stats.uploads_in_flight,
            "upload_bytes": self._stats.upload_bytes,
            "files_removed": self._stats.files_removed,
            "storage_errors": self._stats.storage_errors,
            "streams": self._stats.streams,
            "stream_rooms": redis.rooms,
            "stream_messages": redis.deliveries,
            "gaps_filled": redis.gaps_filled,
            "gaps_announced": redis.gaps_announced,
            "pubsub_deaf": redis.pubsub_deaf,
            "redis_in_flight": redis.redis_in_flight,
            "redis_commands": redis.redis_commands,
            "redis_errors": redis.redis_errors,
            "redis_reconnects": sum(redis.redis_reconnects.values()),
            "publish_hook_open": redis.publish_hook_open,
            "word_filter_stale": redis.word_filter_stale,
            "rss": resident_bytes(os.getpid()),
            **state,
        }

    def _requests(self, family: Family) -> Metric:
        metric = empty(family)
        for (route, method, status), count in sorted(self._stats.requests.items()):
            metric.add_metric([route, method, str(status)], count)
        return metric

    def _histogram(self, family: Family) -> Metric:
        metric = HistogramMetricFamily(family.name, family.help, labels=labels_of(family))
        for route, observed in sorted(self._stats.seconds.items()):
            metric.add_metric([route], cumulative(observed.buckets), observed.sum)
        return metric


def _by_label(family: Family, counts: Mapping[str, int]) -> Metric:
    metric = empty(family)
    for label, count in sorted(counts.items()):
        metric.add_metric([label], count)
    return metric
