"""What deploy/prometheus and deploy/grafana say, as tests read it."""

import json
from typing import Any

import yaml

from tests.support.worker import REPOSITORY

DEPLOY = REPOSITORY / "deploy"

#: Metrics of others that we rely on. tests/containers asks a real HAProxy and a real exporter.
HAPROXY = {
    "haproxy_backend_active_servers",
    "haproxy_backend_connection_errors_total",
    "haproxy_backend_current_queue",
    "haproxy_backend_retry_warnings_total",
    "haproxy_backend_status",
    "haproxy_frontend_connections_total",
    "haproxy_frontend_denied_connections_total",
    "haproxy_frontend_http_responses_total",
    "haproxy_frontend_requests_denied_total",
    "haproxy_process_current_connections",
    "haproxy_process_failed_resolutions",
    "haproxy_process_idle_time_percent",
    "haproxy_process_max_connections",
    "haproxy_process_ssl_connections_total",
    "haproxy_server_current_sessions",
}
REDIS = {
    "redis_aof_enabled",
    "redis_aof_last_bgrewrite_status",
    "redis_aof_last_write_status",
    "redis_commands_duration_seconds_total",
    "redis_commands_processed_total",
    "redis_connected_clients",
    "redis_connected_slaves",
    "redis_cpu_sys_seconds_total",
    "redis_cpu_user_seconds_total",
    "redis_db_keys",
    "redis_evicted_keys_total",
    "redis_latest_fork_seconds",
    "redis_memory_max_bytes",
    "redis_memory_used_bytes",
    "redis_memory_used_rss_bytes",
    "redis_net_input_bytes_total",
    "redis_net_output_bytes_total",
    "redis_pubsub_channels",
    "redis_rejected_connections_total",
    "redis_up",
    "redis_uptime_in_seconds",
}
PROMETHEUS = {"up", "ALERTS"}


def alerts() -> list[dict[str, Any]]:
    """Return all alert rules."""
    document = yaml.safe_load((DEPLOY / "prometheus" / "alerts.yml").read_text())
    return [rule for group in document["groups"] for rule in group["rules"]]


def dashboard_queries() -> list[str]:
    """Return every expression of every dashboard, with an interval in place of Grafana's."""
    found = []
    for path in sorted((DEPLOY / "grafana" / "dashboards").glob("*.json")):
        for panel in json.loads(path.read_text())["panels"]:
            found += [target["expr"] for target in panel.get("targets", [])]
    return [expression.replace("$__rate_interval", "1m") for expression in found]
