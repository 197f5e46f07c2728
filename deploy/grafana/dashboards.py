"""The dashboards, one line a panel: `python deploy/grafana/dashboards.py` writes their JSON.

`make docs` runs it and a test compares. Each dashboard answers questions from the top down: is it
up, are people served, how fast, what fails, and which part of it is to blame.
"""

import json
import sys
from pathlib import Path
from typing import Any, NamedTuple

FOLDER = Path(__file__).parent / "dashboards"
_SOURCE = {"type": "prometheus", "uid": "prometheus"}
_COLUMNS = 24


class Panel(NamedTuple):
    """One panel.

    Args:
        title: a noun.
        about: what it means if it is not as usual.
        unit: of Grafana.
        queries: pairs of legend and PromQL.
        kind: `timeseries` or `stat`.
        steps: from which value on a `stat` has which colour.
        width: of 24 columns.
    """

    title: str
    about: str
    unit: str
    queries: list[tuple[str, str]]
    kind: str = "timeseries"
    steps: tuple[tuple[float | None, str], ...] = ((None, "green"),)
    width: int = 8


class Dashboard(NamedTuple):
    """One page: rows of panels."""

    uid: str
    title: str
    rows: list[tuple[str, list[Panel]]]


def _rate(metric: str, by: str = "", where: str = "") -> str:
    grouped = f" by ({by})" if by else ""
    return f"sum{grouped} (rate({metric}{where}[$__rate_interval]))"


def _quantiles(metric: str) -> list[tuple[str, str]]:
    buckets = f"sum by (le) (rate({metric}_bucket[$__rate_interval]))"
    return [
        (f"p{quantile * 100:g}", f"histogram_quantile({quantile}, {buckets})")
        for quantile in (0.5, 0.99, 0.999)
    ]


_BAD_AT_ZERO = ((None, "red"), (1.0, "green"))
_BAD_AT_ONE = ((None, "green"), (1.0, "red"))


def _stat(title: str, about: str, unit: str, query: str, *steps: tuple[float | None, str]) -> Panel:
    return Panel(title, about, unit, [("", query)], "stat", steps or ((None, "green"),), 4)


OVERVIEW = Dashboard(
    "chat-overview",
    "Chat: overview",
    [
        (
            "Now",
            [
                _stat(
                    "Workers ready",
                    "None ready: nobody can connect.",
                    "short",
                    "sum(chat_worker_ready) or vector(0)",
                    *_BAD_AT_ZERO,
                ),
                _stat(
                    "Workers not ready",
                    "Draining ones count too; for minutes it is an alert.",
                    "short",
                    "count(chat_worker_ready == 0) or vector(0)",
                    (None, "green"),
                    (1.0, "orange"),
                ),
                _stat(
                    "Workers without Redis",
                    "Connections stay open; publishes fail until it is back.",
                    "short",
                    "count(chat_redis_up == 0) or vector(0)",
                    *_BAD_AT_ONE,
                ),
                _stat("Connections", "Open WebSockets.", "short", "sum(chat_connections)"),
                _stat(
                    "Messages/s",
                    "Stored and acknowledged.",
                    "short",
                    _rate("chat_published_messages_total"),
                ),
                _stat(
                    "Alerts firing",
                    "Each has a section of its name in docs/operations.md.",
                    "short",
                    'count(ALERTS{alertstate="firing"}) or vector(0)',
                    *_BAD_AT_ONE,
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
                        ("opened", _rate("chat_connections_opened_total")),
                        ("closed", _rate("chat_connections_closed_total")),
                    ],
                ),
                Panel(
                    "Messages and deliveries",
                    "Their ratio is the size of the busy rooms.",
                    "wps",
                    [
                        ("published", _rate("chat_published_messages_total")),
                        ("delivered", _rate("chat_deliveries_total")),
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
                    _quantiles("chat_publish_seconds"),
                ),
                Panel(
                    "Delivery: from storing to the members",
                    "Slow alone, publish is fast: pub/sub, or a worker that does too much.",
                    "s",
                    _quantiles("chat_delivery_seconds"),
                ),
                Panel(
                    "Handshake",
                    "Slow: a storm of connects, or a JWKS that does not answer.",
                    "s",
                    _quantiles("chat_handshake_seconds"),
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
                    [("{{code}}", _rate("chat_errors_total", "code"))],
                ),
                Panel(
                    "Closes, by code",
                    "1012 drain, 4001 token, 42xx resumes at once, 41xx backs off.",
                    "cps",
                    [("{{code}}", _rate("chat_closes_total", "code"))],
                ),
                Panel(
                    "Connections refused, by reason",
                    "`full`: more workers, or more descriptors.",
                    "cps",
                    [("{{reason}}", _rate("chat_connections_refused_total", "reason"))],
                ),
                Panel(
                    "Gaps",
                    "Filled: nothing is lost. Announced: clients were told of lost messages.",
                    "cps",
                    [
                        ("filled", _rate("chat_gaps_filled_total")),
                        ("announced", _rate("chat_gaps_announced_total")),
                    ],
                ),
                Panel(
                    "Slow and silent clients",
                    "Networks of clients, or rooms too busy for them.",
                    "cps",
                    [
                        ("too slow, closed", _rate("chat_slow_consumer_closes_total")),
                        ("no answer to ping", _rate("chat_ping_timeouts_total")),
                        ("events left out", _rate("chat_ephemeral_dropped_total")),
                    ],
                ),
                Panel(
                    "Rate limits, by scope",
                    "One scope alone: one client, or a limit too low.",
                    "cps",
                    [("{{scope}}", _rate("chat_rate_limited_total", "scope"))],
                ),
            ],
        ),
    ],
)

WORKERS = Dashboard(
    "chat-workers",
    "Chat: workers",
    [
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
                            "histogram_quantile(0.9, sum by (le, instance, worker) "
                            "(rate(chat_loop_lag_seconds_bucket[$__rate_interval])))",
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
                    "wps",
                    [("{{instance}}", _rate("chat_deliveries_total", "instance"))],
                ),
                Panel(
                    "Messages received",
                    "",
                    "wps",
                    [("{{instance}}", _rate("chat_received_messages_total", "instance"))],
                ),
                Panel(
                    "Bytes",
                    "",
                    "Bps",
                    [
                        ("{{instance}} in", _rate("chat_received_bytes_total", "instance")),
                        ("{{instance}} out", _rate("chat_sent_bytes_total", "instance")),
                    ],
                ),
                Panel(
                    "Rooms",
                    "The sum over workers, divided by the rooms there are, is how many "
                    "workers hold a room: what sticky rooms make small.",
                    "short",
                    [("{{instance}}", "chat_rooms")],
                ),
                Panel(
                    "Memberships",
                    "",
                    "short",
                    [("{{instance}}", "chat_memberships")],
                ),
            ],
        ),
        (
            "Towards Redis",
            [
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
                        ("errors", _rate("chat_redis_errors_total")),
                        ("reconnects {{link}}", _rate("chat_redis_reconnects_total", "link")),
                        ("uncertain publishes", _rate("chat_publish_uncertain_total")),
                    ],
                ),
            ],
        ),
    ],
)

BELOW = Dashboard(
    "chat-redis-haproxy",
    "Chat: Redis and HAProxy",
    [
        (
            "Redis",
            [
                _stat(
                    "Redis", "0: the exporter cannot reach it.", "short", "redis_up", *_BAD_AT_ZERO
                ),
                _stat(
                    "Of maxmemory",
                    "At 1 every publish fails.",
                    "percentunit",
                    "redis_memory_used_bytes / (redis_memory_max_bytes > 0)",
                    (None, "green"),
                    (0.8, "red"),
                ),
                _stat(
                    "Of its core",
                    "Above 0.8 everything waits.",
                    "percentunit",
                    "rate(redis_cpu_user_seconds_total[$__rate_interval]) "
                    "+ rate(redis_cpu_sys_seconds_total[$__rate_interval])",
                    (None, "green"),
                    (0.8, "red"),
                ),
                _stat("Uptime", "", "s", "redis_uptime_in_seconds"),
                _stat(
                    "Last write of the file",
                    "0: a restart would lose messages.",
                    "short",
                    "redis_aof_last_write_status",
                    *_BAD_AT_ZERO,
                ),
                _stat("Clients", "Two a worker and some.", "short", "redis_connected_clients"),
                Panel(
                    "Commands",
                    "",
                    "ops",
                    [("all", "rate(redis_commands_processed_total[$__rate_interval])")],
                ),
                Panel(
                    "Memory",
                    "",
                    "bytes",
                    [("used", "redis_memory_used_bytes"), ("max", "redis_memory_max_bytes")],
                ),
                Panel(
                    "Network",
                    "",
                    "Bps",
                    [
                        ("in", "rate(redis_net_input_bytes_total[$__rate_interval])"),
                        ("out", "rate(redis_net_output_bytes_total[$__rate_interval])"),
                    ],
                ),
                Panel(
                    "Channels",
                    "Rooms with members.",
                    "short",
                    [("channels", "redis_pubsub_channels")],
                ),
                Panel("Keys", "", "short", [("{{db}}", "redis_db_keys")]),
                Panel(
                    "Evicted and refused",
                    "Anything but 0 is wrong.",
                    "cps",
                    [
                        ("evicted", "rate(redis_evicted_keys_total[$__rate_interval])"),
                        ("refused", "rate(redis_rejected_connections_total[$__rate_interval])"),
                    ],
                ),
            ],
        ),
        (
            "HAProxy",
            [
                _stat(
                    "Of its connections",
                    "At 1 new ones wait.",
                    "percentunit",
                    "haproxy_process_current_connections / haproxy_process_max_connections",
                    (None, "green"),
                    (0.8, "red"),
                ),
                Panel(
                    "Servers up",
                    "A worker that is not ready is not up.",
                    "short",
                    [("{{proxy}}", 'haproxy_backend_active_servers{proxy!="grafana"}')],
                    width=10,
                ),
                Panel(
                    "Sessions of each server",
                    "",
                    "short",
                    [("{{proxy}} {{server}}", "haproxy_server_current_sessions > 0")],
                    width=10,
                ),
                Panel(
                    "New connections",
                    "",
                    "cps",
                    [("{{proxy}}", _rate("haproxy_frontend_connections_total", "proxy"))],
                ),
                Panel(
                    "Answers, by code",
                    "101 counts as 1xx: an upgrade.",
                    "cps",
                    [("{{code}}", _rate("haproxy_frontend_http_responses_total", "code"))],
                ),
                Panel(
                    "Denied, failed, tried again",
                    "Failed: no worker took the connection.",
                    "cps",
                    [
                        ("denied", _rate("haproxy_frontend_requests_denied_total")),
                        (
                            "failed {{proxy}}",
                            _rate("haproxy_backend_connection_errors_total", "proxy"),
                        ),
                        ("again {{proxy}}", _rate("haproxy_backend_retry_warnings_total", "proxy")),
                    ],
                ),
            ],
        ),
    ],
)

HOOKS = Dashboard(
    "chat-webhooks",
    "Chat: webhooks",
    [
        (
            "Endpoints",
            [
                _stat(
                    "Endpoints that fail",
                    "The attempts by status say why.",
                    "short",
                    "count(max by (endpoint) (chat_hooks_circuit_open) == 1) or vector(0)",
                    *_BAD_AT_ONE,
                ),
                _stat(
                    "Processes ready",
                    "None ready: what happens waits in Redis.",
                    "short",
                    "sum(chat_hooks_ready) or vector(0)",
                    *_BAD_AT_ZERO,
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
                            _rate("chat_hooks_attempts_total", "endpoint, status"),
                        )
                    ],
                ),
                Panel(
                    "Time of a delivery",
                    "The next delivery of a room waits for it.",
                    "s",
                    _quantiles("chat_hooks_post_seconds"),
                ),
                Panel(
                    "Events",
                    "Refused and gaps: the endpoint was not told of them.",
                    "cps",
                    [
                        (
                            "taken {{endpoint}}",
                            _rate("chat_hooks_events_delivered_total", "endpoint"),
                        ),
                        (
                            "refused {{endpoint}}",
                            _rate("chat_hooks_events_refused_total", "endpoint"),
                        ),
                        ("gaps {{endpoint}}", _rate("chat_hooks_gaps_total", "endpoint")),
                    ],
                ),
            ],
        ),
    ],
)

DASHBOARDS = (OVERVIEW, WORKERS, BELOW, HOOKS)


def _panel(panel: Panel, number: int, x: int, y: int, height: int) -> dict[str, Any]:
    defaults: dict[str, Any] = {"unit": panel.unit}
    options: dict[str, Any]
    if panel.kind == "stat":
        steps = [{"value": value, "color": colour} for value, colour in panel.steps]
        defaults["thresholds"] = {"mode": "absolute", "steps": steps}
        options = {"colorMode": "background", "reduceOptions": {"calcs": ["lastNotNull"]}}
    else:
        defaults |= {"min": 0, "custom": {"fillOpacity": 10, "showPoints": "never"}}
        options = {
            "legend": {"displayMode": "table", "placement": "bottom", "calcs": ["max", "last"]},
            "tooltip": {"mode": "multi", "sort": "desc"},
        }
    return {
        "id": number,
        "type": panel.kind,
        "title": panel.title,
        "description": panel.about,
        "datasource": _SOURCE,
        "gridPos": {"h": height, "w": panel.width, "x": x, "y": y},
        "fieldConfig": {"defaults": defaults, "overrides": []},
        "options": options,
        "targets": [
            {
                "refId": chr(ord("A") + index),
                "datasource": _SOURCE,
                "expr": expression,
                "legendFormat": legend or "__auto",
            }
            for index, (legend, expression) in enumerate(panel.queries)
        ],
    }


def render(dashboard: Dashboard) -> str:
    """Return the JSON of a dashboard."""
    panels: list[dict[str, Any]] = []
    y = 0
    for title, row in dashboard.rows:
        position = {"h": 1, "w": _COLUMNS, "x": 0, "y": y}
        panels.append({"id": len(panels) + 1, "type": "row", "title": title, "gridPos": position})
        y += 1
        x = tallest = 0
        for panel in row:
            height = 4 if panel.kind == "stat" else 8
            if x + panel.width > _COLUMNS:
                x, y, tallest = 0, y + tallest, 0
            panels.append(_panel(panel, len(panels) + 1, x, y, height))
            x += panel.width
            tallest = max(tallest, height)
        y += tallest
    page = {
        "uid": dashboard.uid,
        "title": dashboard.title,
        "tags": ["chat"],
        "schemaVersion": 39,
        "editable": False,
        "refresh": "10s",
        "time": {"from": "now-1h", "to": "now"},
        "timezone": "",
        "annotations": {
            "list": [
                {
                    "name": "Alerts",
                    "datasource": _SOURCE,
                    "enable": True,
                    "iconColor": "red",
                    "expr": 'ALERTS{alertstate="firing"}',
                    "titleFormat": "{{alertname}}",
                }
            ]
        },
        "links": [{"type": "dashboards", "tags": ["chat"], "title": "Chat", "keepTime": True}],
        "panels": panels,
    }
    return json.dumps(page, indent=1) + "\n"


def pages() -> dict[str, str]:
    """Return the files of the folder: name and content."""
    names = ("overview.json", "workers.json", "redis-haproxy.json", "webhooks.json")
    return {name: render(board) for name, board in zip(names, DASHBOARDS, strict=True)}


def write(folder: Path) -> None:
    """Write all dashboards into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in pages().items():
        (folder / name).write_text(text)


if __name__ == "__main__":
    write(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER)
