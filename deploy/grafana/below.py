"""What workers stand on: HAProxy before them, Redis behind them."""

from deploy.grafana.panels import BAD_AT_ONE, BAD_AT_ZERO, Dashboard, Panel, rate, recent, stat

_NEARLY_FULL = ((None, "green"), (0.8, "red"))

_HAPROXY = [
    stat(
        "HAProxies",
        "Those that answer Prometheus. None: nobody gets in: HAProxyGone.",
        "short",
        'sum(up{job="haproxy"}) or vector(0)',
        *BAD_AT_ZERO,
    ),
    stat(
        "Backends down",
        "One of them has no server: HAProxyNoServer.",
        "short",
        'sum(haproxy_backend_status{state="DOWN", proxy!="grafana"})',
        *BAD_AT_ONE,
    ),
    stat(
        "Of its connections",
        "The fullest one. At 1 new ones wait: HAProxyNearlyFull.",
        "percentunit",
        "max(haproxy_process_current_connections / haproxy_process_max_connections)",
        *_NEARLY_FULL,
    ),
    stat(
        "Idle",
        "The busiest one, of its threads' time. Below 20 % TLS handshakes wait.",
        "percent",
        "min(haproxy_process_idle_time_percent)",
        (None, "red"),
        (20.0, "green"),
    ),
    stat(
        "Waiting for a server",
        "Nothing should: workers take what comes, or refuse it.",
        "short",
        "sum(haproxy_backend_current_queue)",
        *BAD_AT_ONE,
    ),
    Panel(
        "Servers up",
        "A worker that is not ready is not up.",
        "short",
        [("{{proxy}}", 'haproxy_backend_active_servers{proxy!="grafana"}')],
    ),
    Panel(
        "Sessions of each server",
        "Uneven after a deploy; evens out as people come and go.",
        "short",
        [("{{proxy}} {{server}}", "haproxy_server_current_sessions > 0")],
    ),
    Panel(
        "New connections",
        "A wall: a storm of reconnects, or an attack. Its TLS handshakes are what costs HAProxy.",
        "cps",
        [
            ("{{proxy}}", rate("haproxy_frontend_connections_total", "proxy")),
            ("TLS", rate("haproxy_process_ssl_connections_total")),
        ],
    ),
    Panel(
        "Answers, by code",
        "101 counts as 1xx: an upgrade.",
        "cps",
        [("{{code}}", rate("haproxy_frontend_http_responses_total", "code"))],
    ),
    Panel(
        "Denied, failed, tried again",
        "Failed: no worker took the connection. Names not resolved: DNS of the network inside.",
        "cps",
        [
            ("denied", rate("haproxy_frontend_requests_denied_total")),
            ("denied before a request", rate("haproxy_frontend_denied_connections_total")),
            ("failed {{proxy}}", rate("haproxy_backend_connection_errors_total", "proxy")),
            ("again {{proxy}}", rate("haproxy_backend_retry_warnings_total", "proxy")),
            ("names not resolved", rate("haproxy_process_failed_resolutions")),
        ],
    ),
]
_REDIS = [
    stat(
        "Redis",
        "0: the exporter cannot reach one of them: RedisDown.",
        "short",
        "min(redis_up)",
        *BAD_AT_ZERO,
    ),
    stat(
        "Of maxmemory",
        "The fullest one. At 1 every publish fails: RedisMemoryNearlyFull.",
        "percentunit",
        "max(redis_memory_used_bytes / (redis_memory_max_bytes > 0))",
        *_NEARLY_FULL,
    ),
    stat(
        "Of its core",
        "The busiest one. Above 0.8 everything waits: RedisBusy.",
        "percentunit",
        "max(rate(redis_cpu_user_seconds_total[$__rate_interval]) "
        "+ rate(redis_cpu_sys_seconds_total[$__rate_interval]))",
        *_NEARLY_FULL,
    ),
    stat(
        "Uptime",
        "Of the youngest: it began anew, and what it lost was told.",
        "s",
        "min(redis_uptime_in_seconds)",
    ),
    stat(
        "Writes its file",
        "0: a restart would lose messages: RedisDoesNotPersist.",
        "short",
        "min(redis_aof_enabled * redis_aof_last_write_status * redis_aof_last_bgrewrite_status)",
        *BAD_AT_ZERO,
    ),
    stat(
        "Replicas",
        "Of all masters together. One fewer than there were: a failover would lose more.",
        "short",
        "sum(redis_connected_slaves)",
    ),
    Panel(
        "Commands",
        "Publishes grow it most, and rooms spread over many workers.",
        "ops",
        [("{{instance}}", rate("redis_commands_processed_total", "instance"))],
    ),
    Panel(
        "Time, by command",
        "evalsha is publishing and joining. Of one core: 1 is all of it.",
        "percentunit",
        [("{{cmd}}", f"topk(8, {rate('redis_commands_duration_seconds_total', 'cmd')})")],
    ),
    Panel(
        "Memory",
        "What grows: history, times rooms. Resident far above used: fragments, or a rewrite.",
        "bytes",
        [
            ("{{instance}} used", "redis_memory_used_bytes"),
            ("{{instance}} resident", "redis_memory_used_rss_bytes"),
            ("{{instance}} max", "redis_memory_max_bytes > 0"),
        ],
    ),
    Panel(
        "Network",
        "Out far above in: rooms that are on many workers.",
        "Bps",
        [
            ("{{instance}} in", rate("redis_net_input_bytes_total", "instance")),
            ("{{instance}} out", rate("redis_net_output_bytes_total", "instance")),
        ],
    ),
    Panel(
        "Channels and clients",
        "Channels: rooms with members. Clients: two a worker and master, and some.",
        "short",
        [
            ("{{instance}} channels", "redis_pubsub_channels"),
            ("{{instance}} clients", "redis_connected_clients"),
        ],
    ),
    Panel(
        "Keys",
        "Follows the rooms that have history. Without an end: CHAT_HISTORY_TTL.",
        "short",
        [("{{instance}} {{db}}", "redis_db_keys > 0")],
    ),
    Panel(
        "Evicted and refused",
        "Anything but 0 is wrong: RedisEvicts, RedisRefusesConnections.",
        "short",
        [
            ("evicted, in five minutes", recent("redis_evicted_keys_total")),
            ("connections refused", recent("redis_rejected_connections_total")),
        ],
    ),
    Panel(
        "Stands still",
        "Everything waits that long while it forks for a rewrite of its file.",
        "s",
        [("{{instance}} last fork", "redis_latest_fork_seconds")],
    ),
]

BELOW = Dashboard(
    "chat-redis-haproxy",
    "Chat: Redis and HAProxy",
    [("HAProxy", _HAPROXY), ("Redis", _REDIS)],
)
