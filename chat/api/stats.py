"""What the HTTP side counts. Labels come from fixed sets: route templates, methods, statuses."""

from collections import Counter

from chat.ops.stats import Histogram

#: Route of what matches none.
NO_ROUTE = "none"
METHODS = frozenset({"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"})


class ApiStats:
    """Plain counters, written by the edge and the guard, read at each scrape."""

    def __init__(self) -> None:
        self.requests: Counter[tuple[str, str, int]] = Counter()  # by route, method, status
        self.seconds: dict[str, Histogram] = {}  # by route
        self.in_flight = 0
        self.rate_limited = 0

    def answered(self, route: str, method: str, status: int, seconds: float) -> None:
        """Count one request."""
        self.requests[route, method if method in METHODS else "other", status] += 1
        histogram = self.seconds.get(route)
        if histogram is None:
            histogram = self.seconds[route] = Histogram()
        histogram.observe(seconds)
