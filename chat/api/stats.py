"""What the HTTP side counts. Labels come from fixed sets: route templates, methods, statuses."""

import logging
from collections import Counter

from chat.ops.stats import Histogram

log = logging.getLogger(__name__)

#: Route of what matches none.
NO_ROUTE = "none"
#: Why an event stream ends.
STREAM_ENDS = ("client", "drain", "slow_consumer", "token_expired")
METHODS = frozenset({"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"})


class ApiStats:
    """Plain counters, written by whoever answers, read at each scrape."""

    def __init__(self) -> None:
        self.requests: Counter[tuple[str, str, int]] = Counter()  # by route, method, status
        self.seconds: dict[str, Histogram] = {}  # by route
        self.in_flight = 0
        self.rate_limited = 0
        self.key_rate_limited = 0
        self.messages_published = 0
        self.publish_uncertain = 0
        self.messages_reported = 0
        self.uploads: Counter[str] = Counter({"stored": 0})  # by result: stored, or a code
        self.uploads_in_flight = 0
        self.upload_bytes = 0
        self.files_removed = 0
        self.storage_errors = 0
        self.streams = 0
        self.streams_ended = Counter(dict.fromkeys(STREAM_ENDS, 0))  # by reason

    def storage_failed(self, error: Exception) -> None:
        """Count and log that the place where files are kept did not do what it should."""
        self.storage_errors += 1
        log.warning("storage_failed", extra={"error": str(error)})

    def answered(self, route: str, method: str, status: int, seconds: float) -> None:
        """Count one request; for a stream the seconds are those to its beginning."""
        self.requests[route, method if method in METHODS else "other", status] += 1
        histogram = self.seconds.get(route)
        if histogram is None:
            histogram = self.seconds[route] = Histogram()
        histogram.observe(seconds)
