"""`chat api`: requests, event streams, files and what it shares with workers."""

from deploy.grafana.panels import (
    BAD_AT_ONE,
    BAD_AT_ZERO,
    Dashboard,
    Panel,
    quantile_by,
    quantiles,
    rate,
    recent,
    stat,
)

_NOW = [
    stat(
        "Processes ready",
        "None ready: no page, no history, no files: ChatNoApiReady.",
        "short",
        "sum(chat_api_ready) or vector(0)",
        *BAD_AT_ZERO,
    ),
    stat(
        "Without Redis",
        "Requests are answered 503 until it is back.",
        "short",
        "count(chat_api_redis_up == 0) or vector(0)",
        *BAD_AT_ONE,
    ),
    stat(
        "Deaf",
        "Event streams of these come late: ChatPubsubDeaf.",
        "short",
        "count(chat_api_pubsub_deaf == 1) or vector(0)",
        *BAD_AT_ONE,
    ),
    stat(
        "Old keys",
        "Processes whose file of API keys cannot be used: ChatApiKeysNotRead.",
        "short",
        "count(chat_api_keys_current == 0) or vector(0)",
        *BAD_AT_ONE,
    ),
    stat(
        "API keys",
        "Least of all processes: they should all have the same.",
        "short",
        "min(chat_api_keys)",
    ),
    stat(
        "Reports open",
        "For moderators. Nobody resolves them for a day: ChatReportsWait.",
        "short",
        "max(chat_api_reports_open)",
        (None, "green"),
        (1.0, "orange"),
    ),
]
_REQUESTS = [
    Panel(
        "Requests, by status",
        "5xx for minutes: ChatApiFails. 429: limits. 401 in masses: a key that is gone.",
        "reqps",
        [("{{status}}", rate("chat_api_requests_total", "status"))],
    ),
    Panel(
        "Requests, by route",
        "`none` is what no route matches: a scanner, or a client that is wrong.",
        "reqps",
        [("{{method}} {{route}}", rate("chat_api_requests_total", "method, route"))],
    ),
    Panel(
        "Fail, by route",
        "Answers 500 to 504 without 501, which says that something is not configured.",
        "reqps",
        [("{{route}}", rate("chat_api_requests_total", "route", '{status=~"50[0234]"}'))],
    ),
    Panel(
        "Time to the answer",
        "All slow: Redis, or a process that has more to do than time: ChatApiSlow.",
        "s",
        quantiles("chat_api_request_seconds"),
    ),
    Panel(
        "Time to the answer, p99 by route",
        "Uploads take as long as their senders need.",
        "s",
        [("{{route}}", quantile_by("chat_api_request_seconds", "route"))],
    ),
    Panel(
        "Open",
        "Requests rise without end: answers do not get out, or Redis does not answer.",
        "short",
        [
            ("requests", "sum(chat_api_requests_in_flight)"),
            ("connections", "sum(chat_api_connections)"),
        ],
    ),
    Panel(
        "Rate limits",
        "Of keys alone: a back end that does too much, or a limit too low.",
        "cps",
        [
            ("users", rate("chat_api_rate_limited_total")),
            ("API keys", rate("chat_api_key_rate_limited_total")),
        ],
    ),
]
_ACTS = [
    Panel(
        "Rosters and reports",
        "What is done without a connection. Raced: several change one roster at once, all but the "
        "first look again. Repaired: lists of rooms that a cut had left behind their rosters.",
        "short",
        [
            ("rosters changed in five minutes", recent("chat_api_roster_changes_total")),
            ("raced in five minutes", recent("chat_api_roster_changes_raced_total")),
            ("lists repaired in five minutes", recent("chat_api_listings_repaired_total")),
            ("messages reported in five minutes", recent("chat_api_messages_reported_total")),
        ],
    ),
]
_STREAMS = [
    Panel(
        "Event streams",
        "A cliff: a process died or drained; readers come back by themselves.",
        "short",
        [("streams", "sum(chat_api_streams)"), ("rooms", "sum(chat_api_stream_rooms)")],
    ),
    Panel(
        "Streams that ended, by reason",
        "slow_consumer: readers or proxies that do not take what comes.",
        "cps",
        [("{{reason}}", rate("chat_api_streams_ended_total", "reason"))],
    ),
    Panel(
        "Messages and holes",
        "Announced: readers were told of lost messages, as members of rooms were.",
        "mps",
        [
            ("messages", rate("chat_api_stream_messages_total")),
            ("holes filled", rate("chat_api_gaps_filled_total")),
            ("holes announced", rate("chat_api_gaps_announced_total")),
        ],
    ),
]
_FILES = [
    Panel(
        "Uploads, by result",
        "`busy`: CHAT_UPLOAD_CONCURRENCY. `unavailable` and `internal`: ChatUploadsFail.",
        "cps",
        [("{{result}}", rate("chat_api_uploads_total", "result"))],
    ),
    Panel(
        "Bytes stored",
        "What the disk or the bucket grows by, until files are removed.",
        "Bps",
        [("stored", rate("chat_api_upload_bytes_total"))],
    ),
    Panel(
        "In flight, removed, failed",
        "Failed: the folder or the bucket did not do what it should: ChatStorageErrors. Nothing is "
        "removed for a day although files end: see there.",
        "short",
        [
            ("being received", "sum(chat_api_uploads_in_flight)"),
            ("removed in five minutes", recent("chat_api_files_removed_total")),
            ("storage failed in five minutes", recent("chat_api_storage_errors_total")),
        ],
    ),
]
_PROCESSES = [
    Panel(
        "Ready",
        "0: draining, or without Redis.",
        "short",
        [("{{instance}}", "chat_api_ready")],
    ),
    Panel(
        "Resident memory",
        "Rises with streams and files on their way, and falls again.",
        "bytes",
        [("{{instance}}", "chat_api_resident_memory_bytes")],
    ),
    Panel(
        "Redis commands in flight",
        "Rises: Redis is slower than what is asked of it.",
        "short",
        [("{{instance}}", "chat_api_redis_in_flight")],
    ),
    Panel(
        "Towards Redis",
        "Errors and reconnects together: it was away.",
        "cps",
        [
            ("commands", rate("chat_api_redis_commands_total")),
            ("errors", rate("chat_api_redis_errors_total")),
            ("reconnects", rate("chat_api_redis_reconnects_total")),
        ],
    ),
]

HTTP = Dashboard(
    "chat-http",
    "Chat: HTTP side",
    [
        ("Now", _NOW),
        ("Requests", _REQUESTS),
        ("Acts", _ACTS),
        ("Event streams", _STREAMS),
        ("Files", _FILES),
        ("Each process", _PROCESSES),
    ],
)
