"""Each worker, the supervisors over them, and what lies between workers and Redis."""

from deploy.grafana.panels import (
    BAD_AT_ONE,
    ODD_AT_ONE,
    Dashboard,
    Panel,
    quantile_by,
    rate,
    recent,
    stat,
)

WORKERS = Dashboard(
    "chat-workers",
    "Chat: workers",
    [
        (
            "Supervisors and versions",
            [
                stat(
                    "Workers missing",
                    "Wanted and not ready, on machines with a supervisor: ChatWorkersMissing.",
                    "short",
                    "(sum(chat_workers_wanted) - sum(chat_workers_ready)) or vector(0)",
                    *ODD_AT_ONE,
                ),
                stat(
                    "In a crash loop",
                    "They die again and again: ChatCrashLoop.",
                    "short",
                    "sum(chat_workers_crash_looping) or vector(0)",
                    *BAD_AT_ONE,
                ),
                stat(
                    "Versions",
                    "Two for longer than a deploy takes: ChatTwoVersions.",
                    "short",
                    "count(count by (version) (chat_build_info))",
                    (None, "green"),
                    (2.0, "orange"),
                ),
                Panel(
                    "Restarts in five minutes",
                    "Workers: started anew after they died, or (containers) their counters began "
                    "anew. Redis: the embedded one of a single machine.",
                    "short",
                    [
                        ("{{instance}}", recent("chat_worker_restarts_total", "instance")),
                        ("{{instance}} anew", "resets(chat_received_messages_total[5m])"),
                        (
                            "{{instance}} Redis",
                            recent("chat_embedded_redis_restarts_total", "instance"),
                        ),
                        (
                            "{{instance}} reports dropped",
                            recent("chat_reports_dropped_total", "instance"),
                        ),
                    ],
                ),
            ],
        ),
        (
            "Each worker",
            [
                Panel(
                    "Connections",
                    "Uneven: new workers get new connections only.",
                    "short",
                    [("{{instance}} {{worker}}", "chat_worker_connections")],
                ),
                Panel(
                    "Loop lag, p90",
                    "Above 0.1 s it has more to do than time.",
                    "s",
                    [
                        (
                            "{{instance}} {{worker}}",
                            quantile_by("chat_loop_lag_seconds", "instance, worker", 0.9),
                        )
                    ],
                ),
                Panel(
                    "Resident memory",
                    "32 MB and about 2.4 KiB a connection.",
                    "bytes",
                    [("{{instance}} {{worker}}", "chat_worker_resident_memory_bytes")],
                ),
                Panel(
                    "Ready",
                    "0: draining, or docs/operations.md, ChatWorkerNotReady.",
                    "short",
                    [("{{instance}} {{worker}}", "chat_worker_ready")],
                ),
                Panel(
                    "Deliveries",
                    "What costs a worker most of its time.",
                    "mps",
                    [("{{instance}}", rate("chat_deliveries_total", "instance"))],
                ),
                Panel(
                    "Messages received",
                    "One far above the others: a busy room, or a client that floods it.",
                    "mps",
                    [("{{instance}}", rate("chat_received_messages_total", "instance"))],
                ),
                Panel(
                    "Bytes",
                    "Out is deliveries. Near what the network card can do: more hosts.",
                    "Bps",
                    [
                        ("{{instance}} in", rate("chat_received_bytes_total", "instance")),
                        ("{{instance}} out", rate("chat_sent_bytes_total", "instance")),
                    ],
                ),
                Panel(
                    "Rooms",
                    "The sum over workers, divided by the rooms there are, is how many "
                    "workers hold a room: what sticky rooms make small.",
                    "short",
                    [("{{instance}} {{worker}}", "chat_worker_rooms")],
                ),
                Panel(
                    "Memberships",
                    "Many per connection: clients that join more rooms than they show.",
                    "short",
                    [("{{instance}}", "chat_memberships")],
                ),
            ],
        ),
        (
            "Towards Redis",
            [
                stat(
                    "Without Redis",
                    "Workers whose command connections do not work: ChatRedisUnreachable.",
                    "short",
                    "count(chat_redis_up == 0) or vector(0)",
                    *BAD_AT_ONE,
                ),
                stat(
                    "Deaf",
                    "Workers that do not hear their own probe: ChatPubsubDeaf.",
                    "short",
                    "count(chat_pubsub_deaf == 1) or vector(0)",
                    *BAD_AT_ONE,
                ),
                stat(
                    "Masters known",
                    "Least of all workers: of a Cluster they should all know the same.",
                    "short",
                    "min(chat_redis_shards)",
                ),
                stat(
                    "Masters away",
                    "Most of a worker: rooms of these are unavailable: ChatShardAway.",
                    "short",
                    "max(chat_redis_shards_away)",
                    *BAD_AT_ONE,
                ),
                Panel(
                    "Commands",
                    "What workers ask of Redis.",
                    "ops",
                    [("{{instance}}", rate("chat_redis_commands_total", "instance"))],
                ),
                Panel(
                    "Commands in flight",
                    "Rising: Redis is slower than what is asked of it.",
                    "short",
                    [("{{instance}} {{worker}}", "chat_redis_in_flight")],
                ),
                Panel(
                    "Pub/sub round trip",
                    "What a message needs through Redis.",
                    "s",
                    [("{{instance}} {{worker}}", "chat_pubsub_probe_seconds")],
                ),
                Panel(
                    "Errors, reconnects and doubt",
                    "Uncertain: Redis did not answer; the client asks again with its id.",
                    "cps",
                    [
                        ("errors", rate("chat_redis_errors_total")),
                        ("reconnects {{link}}", rate("chat_redis_reconnects_total", "link")),
                        ("uncertain publishes", rate("chat_publish_uncertain_total")),
                    ],
                ),
            ],
        ),
    ],
)
