"""`chat hooks`: what endpoints take, what waits for them, and the processes that deliver."""

from deploy.grafana.panels import (
    BAD_AT_ONE,
    BAD_AT_ZERO,
    Dashboard,
    Panel,
    quantile_by,
    rate,
    recent,
    stat,
)

WEBHOOKS = Dashboard(
    "chat-webhooks",
    "Chat: webhooks",
    [
        (
            "Endpoints",
            [
                stat(
                    "Endpoints that fail",
                    "The attempts by status say why.",
                    "short",
                    "count(max by (endpoint) (chat_hooks_circuit_open) == 1) or vector(0)",
                    *BAD_AT_ONE,
                ),
                stat(
                    "Far behind",
                    "Endpoints whose oldest event is older than five minutes: ChatHooksBehind.",
                    "short",
                    "count(max by (endpoint) (chat_hooks_oldest_seconds) > 300) or vector(0)",
                    *BAD_AT_ONE,
                ),
                stat(
                    "Not told, in an hour",
                    "Events that endpoints refused, and gaps: ChatHookEventsLost.",
                    "short",
                    "sum(increase(chat_hooks_events_refused_total[1h])) "
                    "+ sum(increase(chat_hooks_gaps_total[1h]))",
                    *BAD_AT_ONE,
                ),
                stat(
                    "Groups served",
                    "Of sixteen. Fewer: a process died; others take over in CHAT_LEASE_TTL.",
                    "short",
                    "sum(chat_hooks_groups)",
                    (None, "orange"),
                    (16.0, "green"),
                ),
                stat(
                    "Without Redis",
                    "Nothing is read nor delivered by these.",
                    "short",
                    "count(chat_hooks_redis_up == 0) or vector(0)",
                    *BAD_AT_ONE,
                ),
                stat(
                    "Processes ready",
                    "None ready: what happens waits in Redis: ChatNoHooksReady.",
                    "short",
                    "sum(chat_hooks_ready) or vector(0)",
                    *BAD_AT_ZERO,
                ),
                Panel(
                    "Age of the oldest event",
                    "Rises with the clock: nothing is taken. Above the life of history it is gone.",
                    "s",
                    [("{{endpoint}}", "max by (endpoint) (chat_hooks_oldest_seconds)")],
                ),
                Panel(
                    "Waiting",
                    "Many rooms: the endpoint is down or too slow.",
                    "short",
                    [
                        ("rooms {{endpoint}}", "sum by (endpoint) (chat_hooks_rooms_due)"),
                        ("events {{endpoint}}", "sum by (endpoint) (chat_hooks_events_due)"),
                    ],
                ),
                Panel(
                    "Attempts, by status",
                    "Anything but 2xx is tried again, or refused.",
                    "cps",
                    [
                        (
                            "{{endpoint}} {{status}}",
                            rate("chat_hooks_attempts_total", "endpoint, status"),
                        )
                    ],
                ),
                Panel(
                    "Time of a delivery, p99",
                    "The next delivery of a room waits for it.",
                    "s",
                    [("{{endpoint}}", quantile_by("chat_hooks_post_seconds", "endpoint"))],
                ),
                Panel(
                    "Events",
                    "Refused and gaps: the endpoint was not told of them.",
                    "cps",
                    [
                        (
                            "taken {{endpoint}}",
                            rate("chat_hooks_events_delivered_total", "endpoint"),
                        ),
                        (
                            "refused {{endpoint}}",
                            rate("chat_hooks_events_refused_total", "endpoint"),
                        ),
                        ("gaps {{endpoint}}", rate("chat_hooks_gaps_total", "endpoint")),
                    ],
                ),
                Panel(
                    "Circuit",
                    "1: it fails, and one delivery at a time tries it.",
                    "short",
                    [("{{endpoint}}", "max by (endpoint) (chat_hooks_circuit_open)")],
                ),
            ],
        ),
        (
            "Each process",
            [
                Panel(
                    "Groups of rooms",
                    "Of sixteen, shared by all: even when nobody comes or goes.",
                    "short",
                    [("{{instance}}", "chat_hooks_groups")],
                ),
                Panel(
                    "Resident memory",
                    "Rises with what waits, and falls again.",
                    "bytes",
                    [("{{instance}}", "chat_hooks_resident_memory_bytes")],
                ),
                Panel(
                    "Redis commands that failed",
                    "With those of workers: Redis. Alone: the network of this process.",
                    "short",
                    [
                        (
                            "{{instance}}, in five minutes",
                            recent("chat_hooks_redis_errors_total", "instance"),
                        )
                    ],
                ),
            ],
        ),
    ],
)
