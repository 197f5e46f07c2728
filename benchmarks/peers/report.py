"""The tables: what each peer did, and how many times better ours is."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from benchmarks.peers.cases import Values
from benchmarks.table import Cell, print_table

OURS = "ours"
#: What all cases found, by case and then by peer; a text says why there is nothing.
Found = Mapping[str, Mapping[str, Values | str]]


class Measure(NamedTuple):
    """One row of the table of ratios."""

    case: str
    key: str
    title: str
    less_is_better: bool = False


MEASURES = (
    Measure("memory", "kib_per_connection", "memory per idle connection, KiB", less_is_better=True),
    Measure("handshakes", "per_cpu_s", "connects and joins per server CPU second"),
    Measure("handshakes", "per_s", "connects and joins per second"),
    Measure("room1000", "deliveries_per_s", "room of 1000: deliveries/s, p99 < 100 ms"),
    Measure("room1000", "saturation_per_s", "room of 1000: deliveries/s, saturated"),
    Measure("rooms200x5", "messages_per_s", "200 rooms of 5: messages/s, p99 < 50 ms"),
    Measure("room10000", "deliveries_per_s", "room of 10,000: deliveries/s, p99 < 500 ms"),
    Measure("room10000", "saturation_per_s", "room of 10,000: deliveries/s, saturated"),
)

_RATE_HEADERS = (
    "",
    "messages/s",
    "deliveries/s",
    "p50 ms",
    "p99 ms",
    "client late ms",
    "cores: server, Redis, client",
)
_MEMORY_HEADERS = ("per connection", "server KiB", "kernel KiB, both ends")
_MEMORY_KEYS = ("kib_per_connection", "kernel_kib_per_connection")
_HANDSHAKE_KEYS = ("per_cpu_s", "per_s", "client_cores", "redis_cores")
_HANDSHAKE_HEADERS = (
    "connect and join",
    "per server CPU s",
    "per s",
    "client cores",
    "Redis cores",
)


def ratio_rows(found: Found, peers: Sequence[str]) -> list[list[str]]:
    """Return the table's rows: `1,234 (2.1x)` says that ours is 2.1 times better than this."""
    rows = []
    for measure in MEASURES:
        if measure.case in found:
            values = {peer: number(found[measure.case].get(peer), measure.key) for peer in peers}
            cells = [_cell(values[peer], _ratio(measure, values, peer)) for peer in peers]
            rows.append([measure.title, *cells])
    return rows


def number(values: Values | str | None, key: str) -> float | None:
    """Return a measured number; None where there is none."""
    value = values.get(key) if isinstance(values, dict) else None
    return float(value) if isinstance(value, int | float) else None


def _ratio(measure: Measure, values: Mapping[str, float | None], peer: str) -> float | None:
    ours, theirs = values.get(OURS), values[peer]
    if peer == OURS or not ours or not theirs or min(ours, theirs) <= 0:
        return None
    return theirs / ours if measure.less_is_better else ours / theirs


def _cell(value: float | None, ratio: float | None) -> str:
    if value is None:
        return "-"
    return _short(value) if ratio is None else f"{_short(value)} ({_short(ratio)}x)"


def _short(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 else f"{value:.2g}"


def print_ratios(found: Found, peers: Sequence[str]) -> None:
    """Print the table of ratios and why cells are empty."""
    rows = ratio_rows(found, peers)
    if rows:
        print_table(("(Nx): ours is N times better", *peers), rows)
    for case, by_peer in found.items():
        for peer, values in by_peer.items():
            if isinstance(values, str):
                print(f"{peer}, {case}: not measured: {values}")


def print_case(case: str, by_peer: Mapping[str, Values | str]) -> None:
    """Print what is behind the rates of a case, and its costs."""
    measured = {peer: values for peer, values in by_peer.items() if isinstance(values, dict)}
    rates = [
        row
        for peer, values in measured.items()
        for row in (_rate_row(peer, values), _saturation_row(peer, values))
        if row is not None
    ]
    if rates:
        print_table(_RATE_HEADERS, rates)
    elif case == "memory":
        print_table(_MEMORY_HEADERS, _rows(measured, _MEMORY_KEYS))
    elif case == "handshakes":
        print_table(_HANDSHAKE_HEADERS, _rows(measured, _HANDSHAKE_KEYS))
    for key, what in (("by_members", "members"), ("by_idle", "idle connections, room of 100")):
        tables = {peer: values[key] for peer, values in measured.items() if key in values}
        if tables:
            _print_costs(what, tables)


def _rows(measured: Mapping[str, Values], keys: Sequence[str]) -> list[list[Cell]]:
    return [[peer, *(number(values, key) for key in keys)] for peer, values in measured.items()]


def _rate_row(peer: str, values: Values) -> list[Cell] | None:
    if "messages_per_s" not in values:
        return None
    return [peer, number(values, "messages_per_s"), *_trial_cells(values)]


def _saturation_row(peer: str, values: Values) -> list[Cell] | None:
    saturation = values.get("saturation")
    if not isinstance(saturation, dict):
        return None
    return [f"{peer}, saturated", None, *_trial_cells(saturation)]


def _trial_cells(values: Values) -> list[Cell]:
    cores = values.get("cores")
    shares = cores.values() if isinstance(cores, dict) else ()
    keys = ("deliveries_per_s", "p50_ms", "p99_ms", "client_late_ms")
    return [*(number(values, key) for key in keys), " ".join(f"{share:.2f}" for share in shares)]


def _print_costs(what: str, tables: Mapping[str, object]) -> None:
    """Print the cost of a delivery by size, and the part of it that is there without any."""
    columns = {
        f"{peer}{suffix}": {size: number(costs, key) for size, costs in table.items()}
        for peer, table in tables.items()
        if isinstance(table, dict)
        for suffix, key in (("", "cpu_us_per_delivery"), (": idle part", "idle_us_per_delivery"))
        if any(number(costs, key) is not None for costs in table.values())
    }
    sizes = dict.fromkeys(size for column in columns.values() for size in column)
    print_table(
        (f"µs by {what}", *columns),
        [[f"{int(size):,}", *(column.get(size) for column in columns.values())] for size in sizes],
    )
    print()
