"""What one worker counts: plain integers on the hot path, no library call, no lock.

A worker adds to the attributes (`stats.messages_in += 1`) and observes into the histograms; once
a second `snapshot` turns all of it into a plain dict that travels to the supervisor, where
`chat.ops.metrics` sums the workers. Nothing here grows with the traffic: labels come from fixed
sets (error codes, close codes, command types) and histograms have fixed buckets.
"""

from bisect import bisect_left
from typing import Any

#: Upper bounds in seconds; the last bucket, +Inf, is implied.
LATENCY_BUCKETS_S = (
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
)  # fmt: skip


class Histogram:
    """Counts per fixed bucket, with count and sum."""

    __slots__ = ("bounds", "buckets", "count", "sum")

    def __init__(self, bounds: tuple[float, ...] = LATENCY_BUCKETS_S) -> None:
        self.bounds = bounds
        self.buckets = [0] * (len(bounds) + 1)
        self.count = 0
        self.sum = 0.0

    def observe(self, value: float) -> None:
        """Count one value; a negative one (two clocks) counts as zero."""
        if value < 0.0:
            value = 0.0
        self.buckets[bisect_left(self.bounds, value)] += 1
        self.count += 1
        self.sum += value

    def snapshot(self) -> dict[str, Any]:
        """Return bounds, counts per bucket (not cumulative) and sum."""
        return {"bounds": list(self.bounds), "buckets": list(self.buckets), "sum": self.sum}


class Labelled(dict[str | int, int]):
    """Counts by one label: `counts.add("full")`. Keys come from fixed sets of the program."""

    __slots__ = ()

    def add(self, label: str | int, amount: int = 1) -> None:
        """Add to one label's count; enum members count under their value."""
        self[label] = self.get(label, 0) + amount

    def snapshot(self) -> dict[str, int]:
        """Return the counts with labels as text."""
        return {str(label): count for label, count in self.items()}


#: Values that can fall as well as rise.
GAUGES = (
    "connections",
    "pending_connections",
    "rooms",
    "memberships",
    "presence_in_grace",
    "redis_up",
    "redis_in_flight",
    "redis_shards",
    "redis_shards_away",
    "pubsub_deaf",
    "probe_seconds",
    "revocations",
    "read_markers_waiting",
    "publish_hook_waiting",
    "publish_hook_open",
    "word_filter_rules",
    "word_filter_stale",
    "delivered_markers_waiting",
    "user_states",
)
#: Values that only rise.
COUNTERS = (
    "connections_opened",
    "connections_closed",
    "handshakes_failed",
    "messages_in",
    "bytes_in",
    "messages_published",
    "messages_changed",
    "rooms_changed",
    "changes_raced",
    "deliveries",
    "bytes_out",
    "slow_consumer_closes",
    "ephemeral_dropped",
    "gaps_filled",
    "gap_messages_filled",
    "gaps_announced",
    "publish_uncertain",
    "redis_commands",
    "redis_errors",
    "presence_swept_workers",
    "frames_control",
    "token_refreshes",
    "tokens_expired",
    "ping_timeouts",
    "resyncs",
    "typing_events",
    "reports_dropped",
    "budgets_forgotten",
    "put_out",
    "acts_caught_up",
    "read_markers_written",
    "read_markers_forgotten",
    "hook_events_lost",
    "messages_reported",
    "delivered_markers_written",
    "user_states_set",
    "user_states_told",
    "roster_changes_raced",
    "listings_repaired",
)
#: Values that only rise, by one label.
LABELLED = (
    "connections_refused",
    "commands",
    "errors",
    "closes",
    "redis_reconnects",
    "rate_limited",
    "moderation_acts",
    "publish_hook_answers",
    "word_filter_hits",
    "roster_changes",
)
HISTOGRAMS = (
    "publish_seconds",
    "delivery_seconds",
    "replication_seconds",
    "loop_lag_seconds",
    "handshake_seconds",
    "publish_hook_seconds",
)


class Stats:
    """All counters of one worker. Attributes are public and written from anywhere in it."""

    __slots__ = (*GAUGES, *COUNTERS, *LABELLED, *HISTOGRAMS)

    # gauges
    connections: int
    pending_connections: int
    rooms: int
    memberships: int
    presence_in_grace: int
    redis_up: int
    redis_in_flight: int
    redis_shards: int
    redis_shards_away: int
    pubsub_deaf: int
    probe_seconds: float
    revocations: int
    read_markers_waiting: int
    publish_hook_waiting: int
    publish_hook_open: int
    word_filter_rules: int
    word_filter_stale: int
    delivered_markers_waiting: int
    user_states: int
    # counters
    connections_opened: int
    connections_closed: int
    handshakes_failed: int
    messages_in: int
    bytes_in: int
    messages_published: int
    messages_changed: int
    rooms_changed: int
    changes_raced: int
    deliveries: int
    bytes_out: int
    slow_consumer_closes: int
    ephemeral_dropped: int
    gaps_filled: int
    gap_messages_filled: int
    gaps_announced: int
    publish_uncertain: int
    redis_commands: int
    redis_errors: int
    presence_swept_workers: int
    frames_control: int
    token_refreshes: int
    tokens_expired: int
    ping_timeouts: int
    resyncs: int
    typing_events: int
    reports_dropped: int
    budgets_forgotten: int
    put_out: int
    acts_caught_up: int
    read_markers_written: int
    read_markers_forgotten: int
    hook_events_lost: int
    messages_reported: int
    delivered_markers_written: int
    user_states_set: int
    user_states_told: int
    roster_changes_raced: int
    listings_repaired: int
    # counters by one label: see Labelled.add
    # full, pending, overload, address_rate, origin, token, handshake, draining
    connections_refused: Labelled
    commands: Labelled  # command type
    errors: Labelled  # ErrorCode
    closes: Labelled  # close code
    redis_reconnects: Labelled  # command, pubsub
    rate_limited: Labelled  # connection, user, address, slow_mode
    moderation_acts: Labelled  # Kind of an act
    publish_hook_answers: Labelled  # allowed, refused, replaced, failed, away, busy
    word_filter_hits: Labelled  # blocked, masked
    roster_changes: Labelled  # create, open_direct, invite, answer, set_role, remove
    # histograms, see Histogram.observe
    publish_seconds: Histogram  # command received -> ack
    delivery_seconds: Histogram  # stored timestamp -> fan-out
    replication_seconds: Histogram  # stored -> confirmed by replicas, with WAIT
    loop_lag_seconds: Histogram
    handshake_seconds: Histogram  # accept -> answer of the handshake
    publish_hook_seconds: Histogram  # asked -> verdict, or none

    def __init__(self) -> None:
        for name in (*GAUGES, *COUNTERS):
            setattr(self, name, 0)
        for name in LABELLED:
            setattr(self, name, Labelled())
        for name in HISTOGRAMS:
            setattr(self, name, Histogram())

    def snapshot(self) -> dict[str, Any]:
        """Return everything as JSON-able values, copied."""
        values: dict[str, Any] = {name: getattr(self, name) for name in (*GAUGES, *COUNTERS)}
        values.update({name: getattr(self, name).snapshot() for name in (*LABELLED, *HISTOGRAMS)})
        return values
