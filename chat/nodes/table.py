"""The workers as a table for people."""

from collections.abc import Sequence

from chat.broker.registry import Node

_HEADS = ("HOST", "SLOT", "STATE", "CONNECTIONS", "ROOMS", "UP", "VERSION", "ADDRESS", "PID", "ID")
_NUMBERS = frozenset({"SLOT", "CONNECTIONS", "ROOMS", "UP", "PID"})  # right-aligned


def table(nodes: Sequence[Node], now_ms: int) -> str:
    """Return the table with its sums; one sentence if there are none."""
    if not nodes:
        return "No worker is registered."
    rows = [_HEADS, *(_row(node, now_ms) for node in nodes)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for row in rows:
        cells = [
            cell.rjust(width) if head in _NUMBERS else cell.ljust(width)
            for head, cell, width in zip(_HEADS, row, widths, strict=True)
        ]
        lines.append("  ".join(cells).rstrip())
    for node in nodes:
        lines += [
            f"{_printable(node.host)} slot {node.slot}: {_printable(reason)}"
            for reason in node.reasons
        ]
    return "\n".join([*lines, "", _sums(nodes)])


def _row(node: Node, now_ms: int) -> tuple[str, ...]:
    return (
        _printable(node.host),
        str(node.slot),
        _printable(node.state).replace("_", " "),
        f"{node.connections:,}",
        f"{node.rooms:,}",
        _duration(max(0, now_ms - node.started_at_ms) // 1000),
        _printable(node.version),
        _printable(node.address),
        str(node.pid),
        _printable(node.worker_id),
    )


def _printable(text: str) -> str:
    """Return it without what a terminal might obey."""
    return "".join(char if char.isprintable() else "?" for char in text)


def _duration(seconds: int) -> str:
    if seconds < 60:
        return f"{seconds} s"
    if seconds < 3600:
        return f"{seconds // 60} min"
    if seconds < 48 * 3600:
        return f"{seconds // 3600} h"
    return f"{seconds // 86400} d"


def _sums(nodes: Sequence[Node]) -> str:
    workers, hosts = len(nodes), len({node.host for node in nodes})
    ready = sum(node.state == "ready" for node in nodes)
    connections = sum(node.connections for node in nodes)
    return (
        f"{_counted(workers, 'worker')} on {_counted(hosts, 'host')}, "
        f"{ready:,} ready, {_counted(connections, 'connection')}"
    )


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
