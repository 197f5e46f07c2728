"""Entries of the registry for tests that need no worker."""

from typing import Any

from chat.broker.registry import Node


def node(**fields: Any) -> Node:
    usual: dict[str, Any] = {
        "worker_id": "a1",
        "host": "alpha",
        "address": "10.0.0.5:8080",
        "slot": 0,
        "pid": 7,
        "version": "1.2.3",
        "started_at_ms": 0,
        "state": "ready",
    }
    return Node(**usual | fields)
