"""Is it up, are people served, how fast, what fails: from the top down."""

from deploy.grafana.panels import (
    BAD_AT_ONE,
    BAD_AT_ZERO,
    ODD_AT_ONE,
    Dashboard,
    Panel,
    quantiles,
    rate,
    stat,
)

OVERVIEW = Dashboard(
    "chat-overview",
    "Chat: overview",
    [
        (
            "Now",
            [
                stat(
                    "Workers ready",
                    "None ready: nobody can connect.",
                    "short",
                    "sum(chat_worker_ready) or vector(0)",
                    *BAD_AT_ZERO,
                ),
                stat(
                    "Workers not ready",
                    "Draining ones count too; for minutes it is an alert.",
                    "short",
                    "count(chat_worker_ready == 0) or vector(0)",
                    *ODD_AT_ONE,
                ),
                stat(
                    "Workers without Redis",
                    "Connections stay open; publishes fail until it is back.",
                    "short",
                    "count(chat_redis_up == 0) or vector(0)",
                    *BAD_AT_ONE,
                ),
                stat("Connections", "Open WebSockets.", "short", "sum(chat_connections)"),
                stat(
                    "Messages/s",
                    "Stored and acknowledged.",
                    "short",
                    rate("chat_published_messages_total"),
                ),
                stat(
                    "Alerts firing",
                    "Each has a section of its name in docs/operations.md.",
                    "short",
                    'count(ALERTS{alertstate="firing"}) or vector(0)',
                    *BAD_AT_ONE,
                ),
            ],
        ),
        (
            "Traffic",
            [
                Panel(
                    "Connections",
                    "A cliff: a worker died or drained; they come back elsewhere.",
                    "short",
                    [
                        ("open", "sum(chat_connections)"),
                        ("not authenticated", "sum(chat_pending_connections)"),
                    ],
                ),
                Panel(
                    "Connections opened and closed",
                    "Both high: clients reconnect in a loop.",
                    "cps",
                    [
                        ("opened", rate("chat_connections_opened_total")),
                        ("closed", rate("chat_connections_closed_total")),
                    ],
                ),
                Panel(
                    "Messages and deliveries",
                    "Their ratio is the size of the busy rooms.",
                    "mps",
                    [
                        ("published", rate("chat_published_messages_total")),
                        ("delivered", rate("chat_deliveries_total")),
                    ],
                ),
            ],
        ),
        (
            "Latency",
            [
                Panel(
                    "Publish: from receiving to the ack",
                    "Slow: Redis, or a worker whose loop lags.",
                    "s",
                    quantiles("chat_publish_seconds"),
                ),
                Panel(
                    "Delivery: from storing to the members",
                    "Slow alone, publish is fast: pub/sub, or a worker that does too much.",
                    "s",
                    quantiles("chat_delivery_seconds"),
                ),
                Panel(
                    "Handshake",
                    "Slow: a storm of connects, or a JWKS that does not answer.",
                    "s",
                    quantiles("chat_handshake_seconds"),
                ),
            ],
        ),
        (
            "What goes wrong",
            [
                Panel(
                    "Commands refused, by code",
                    "`unavailable`, `busy` and `internal` are our fault, the others the client's.",
                    "cps",
                    [("{{code}}", rate("chat_errors_total", "code"))],
                ),
                Panel(
                    "Closes, by code",
                    "1012 drain, 4001 token, 42xx resumes at once, 41xx backs off.",
                    "cps",
                    [("{{code}}", rate("chat_closes_total", "code"))],
                ),
                Panel(
                    "Connections refused, by reason",
                    "`full`: more workers, or more descriptors.",
                    "cps",
                    [("{{reason}}", rate("chat_connections_refused_total", "reason"))],
                ),
                Panel(
                    "Gaps",
                    "Filled: nothing is lost. Announced: clients were told of lost messages.",
                    "cps",
                    [
                        ("filled", rate("chat_gaps_filled_total")),
                        ("announced", rate("chat_gaps_announced_total")),
                    ],
                ),
                Panel(
                    "Slow and silent clients",
                    "Networks of clients, or rooms too busy for them.",
                    "cps",
                    [
                        ("too slow, closed", rate("chat_slow_consumer_closes_total")),
                        ("no answer to ping", rate("chat_ping_timeouts_total")),
                        ("events left out", rate("chat_ephemeral_dropped_total")),
                    ],
                ),
                Panel(
                    "Rate limits, by scope",
                    "One scope alone: one client, or a limit too low.",
                    "cps",
                    [("{{scope}}", rate("chat_rate_limited_total", "scope"))],
                ),
            ],
        ),
    ],
)
