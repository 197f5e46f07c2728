"""What `chat hooks` counts. Labels are names of endpoints, and statuses of HTTP."""

from collections import Counter

from chat.ops.stats import Histogram


class EndpointStats:
    """Of one endpoint."""

    def __init__(self) -> None:
        self.attempts: Counter[str] = Counter()  # by status, `timeout`, `unreachable`
        self.seconds = Histogram()
        self.events_delivered = 0
        self.events_refused = 0
        self.gaps = 0
