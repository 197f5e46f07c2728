"""What a report says in numbers and words, out of the results: no HTML here."""

from collections.abc import Callable, Sequence
from statistics import median

from msgspec import Struct, to_builtins

from loadtest.report import numbers, series
from loadtest.report.tables import NOTHING, Table
from loadtest.results import Results, WorkerSample

#: Up to so many workers or agents have a row each.
MOST_ROWS = 8
_US = 1e6


class Tile(Struct, frozen=True, kw_only=True):
    """A headline figure."""

    name: str
    value: str
    note: str = ""
    bad: bool = False


def headline(results: Results) -> list[Tile]:
    """Return size and speed."""
    wanted = results.scenario.connections.count
    held = max((second.connected for second in results.timeline), default=0)
    tiles = [
        Tile(
            name="Connections",
            value=numbers.count(held),
            note=f"all of {numbers.count(wanted)}"
            if held >= wanted
            else f"of {numbers.count(wanted)} asked for",
            bad=held < wanted * results.scenario.thresholds.connected_share,
        )
    ]
    if results.hold_s > 0 and results.totals.deliveries_judged:
        rate = results.totals.deliveries_judged / results.hold_s
        sent = series.within(
            [(second.t_s, second.sent_per_s) for second in results.timeline], series.hold(results)
        )
        tiles.append(
            Tile(
                name="Deliveries/s",
                value=numbers.count(rate),
                note=f"from {numbers.count(sum(sent) / len(sent))} messages/s" if sent else "",
            )
        )
    found = results.latency.get("delivery")
    if found is not None and found.samples:
        tiles += [
            Tile(name=name, value=numbers.milliseconds(value), note=note)
            for name, value, note in (
                ("Delivery p50", found.p50, "half arrived within"),
                ("Delivery p99", found.p99, "99 % arrived within"),
                ("Delivery p99.9", found.p999, f"slowest {numbers.milliseconds(found.highest)}"),
            )
        ]
    if results.scenario.storm is not None:
        back = results.recovery_s
        tiles.append(
            Tile(
                name="Recovery",
                value=NOTHING if back is None else numbers.seconds(back),
                note="not all came back" if back is None else "storm to last client back",
                bad=back is None,
            )
        )
    return tiles


def integrity(results: Results) -> list[Tile]:
    """Return what must be nothing."""
    totals = results.totals
    judged = f"of {numbers.short(totals.deliveries_judged)} judged deliveries"
    return [
        Tile(name="Lost", value=numbers.count(totals.lost), note=judged, bad=totals.lost > 0),
        Tile(
            name="Duplicated",
            value=numbers.count(totals.duplicated),
            note="the same message twice",
            bad=totals.duplicated > 0,
        ),
        Tile(
            name="Out of order",
            value=numbers.count(totals.out_of_order),
            note="within a room",
            bad=totals.out_of_order > 0,
        ),
        Tile(
            name="Gaps announced",
            value=numbers.count(totals.gaps),
            note="by the server",
            bad=results.scenario.thresholds.gaps is not None
            and totals.gaps > results.scenario.thresholds.gaps,
        ),
        Tile(
            name="Connections lost",
            value=numbers.count(totals.lost_connections),
            note="not closed by a client",
        ),
        Tile(
            name="Gave up",
            value=numbers.count(totals.failed),
            note="clients",
            bad=totals.failed > 0,
        ),
    ]


def costs(results: Results) -> list[Tile]:
    """Return what the load cost per unit, as far as it was measured."""
    found = [
        ("Worker memory", _memory_per_connection(results.workers), "per connection"),
        ("Worker CPU", _worker_cpu_per_delivery(results), "per delivery, all work included"),
        ("Redis CPU", _redis_cpu_per_message(results), "per message, all work included"),
    ]
    return [
        Tile(name=name, value=value, note=note) for name, value, note in found if value is not None
    ]


def _memory_per_connection(samples: Sequence[WorkerSample]) -> str | None:
    """The growth from the fewest to the most connections; the same workers at both."""
    moments: dict[float, list[tuple[str, int, int]]] = {}
    for sample in samples:
        if sample.connections is not None and sample.rss_kib is not None:
            row = (sample.worker, sample.connections, sample.rss_kib)
            moments.setdefault(sample.t_s, []).append(row)
    if not moments:
        return None
    sums = [
        (sum(row[1] for row in rows), sum(row[2] for row in rows), {row[0] for row in rows})
        for rows in moments.values()
    ]
    few, many = min(sums, key=lambda s: s[0]), max(sums, key=lambda s: s[0])
    if few[2] != many[2] or many[0] - few[0] < 1000:
        return None
    return f"{numbers.digits((many[1] - few[1]) / (many[0] - few[0]))} KiB"


def _worker_cpu_per_delivery(results: Results) -> str | None:
    cores = [
        _mean(series.within(series.rates(points), series.hold(results)))
        for points in series.by_worker(results.workers, lambda s: s.cpu_s).values()
    ]
    if results.hold_s <= 0:
        return None
    return _per(
        sum(used for used in cores if used is not None),
        results.totals.deliveries_judged / results.hold_s,
    )


def _redis_cpu_per_message(results: Results) -> str | None:
    points = [(sample.t_s, sample.cpu_s) for sample in results.redis]
    sent = [(second.t_s, second.sent_per_s) for second in results.timeline]
    hold = series.hold(results)
    return _per(
        _mean(series.within(series.rates(points), hold)) or 0.0,
        _mean(series.within(sent, hold)) or 0.0,
    )


def _per(cores: float, per_s: float) -> str | None:
    return f"{numbers.digits(cores * _US / per_s)} µs" if per_s > 0 and cores > 0 else None


# ---------------------------------------------------------------------- tables


def workers(results: Results) -> Table | None:
    """A row per worker, or the lowest, middle and highest of many."""
    samples = series.by_worker(results.workers, lambda s: s.t_s)
    if not samples:
        return None
    hold = series.hold(results)
    peak = {
        "connections": _peaks(results, lambda s: s.connections),
        "rooms": _peaks(results, lambda s: s.rooms),
        "memory": _peaks(results, lambda s: s.rss_kib),
        "lag": _peaks(results, lambda s: s.loop_lag_ms),
    }
    cpu = {
        name: _mean(series.within(series.rates(points), hold))
        for name, points in series.by_worker(results.workers, lambda s: s.cpu_s).items()
    }
    columns = [
        (peak["connections"], numbers.count),
        (peak["rooms"], numbers.count),
        (peak["memory"], numbers.memory),
        (cpu, lambda value: f"{value:.2f}"),
        (peak["lag"], numbers.milliseconds),
    ]
    head = ["worker", "connections", "rooms", "memory", "cores, mean", "longest loop turn"]
    if len(samples) <= MOST_ROWS:
        rows = [
            [
                name,
                *(
                    NOTHING if (v := column.get(name)) is None else show(v)
                    for column, show in columns
                ),
            ]
            for name in samples
        ]
        return Table(head=head, rows=rows, note="Highest values; cores are the mean of the hold.")
    rows = []
    for name, pick in (("lowest", min), ("middle", median), ("highest", max)):
        row = [f"{name} of {len(samples)}"]
        for column, show in columns:
            known = [value for value in column.values() if value is not None]
            row.append(show(float(pick(known))) if known else NOTHING)
        rows.append(row)
    return Table(
        head=head,
        rows=rows,
        note="Of each worker its highest value; cores are the mean of the hold.",
    )


def _peaks(
    results: Results, value: Callable[[WorkerSample], float | None]
) -> dict[str, float | None]:
    return {
        name: max((v for _, v in points if v is not None), default=None)
        for name, points in series.by_worker(results.workers, value).items()
    }


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None


def agents(results: Results) -> Table:
    """A row per agent, or one per host of many."""
    head = ["agent", "host", "clients", "CPU", "memory", "clock offset", "clock error"]
    if len(results.agents) <= MOST_ROWS:
        return Table(
            head=head,
            rows=[
                [
                    str(agent.agent),
                    agent.host,
                    numbers.count(agent.clients),
                    numbers.seconds(agent.cpu_s),
                    numbers.memory(agent.rss_kib),
                    numbers.milliseconds(agent.clock_offset_ms),
                    f"± {numbers.milliseconds(agent.clock_error_ms)}",
                ]
                for agent in results.agents
            ],
        )
    hosts = sorted({agent.host for agent in results.agents})
    rows = []
    for host in hosts:
        here = [agent for agent in results.agents if agent.host == host]
        rows.append(
            [
                f"{len(here)} agents",
                host,
                numbers.count(sum(agent.clients for agent in here)),
                numbers.seconds(sum(agent.cpu_s for agent in here)),
                numbers.memory(sum(agent.rss_kib for agent in here)),
                numbers.milliseconds(max((a.clock_offset_ms for a in here), key=abs)),
                f"± {numbers.milliseconds(max(agent.clock_error_ms for agent in here))}",
            ]
        )
    return Table(head=head, rows=rows, note="Sums; of the clocks the worst.")


def counts(results: Results) -> Table:
    """All counters."""
    totals = to_builtins(results.totals)
    rows = [
        [name.replace("_", " "), numbers.count(value)]
        for name, value in totals.items()
        if isinstance(value, int)
    ]
    rows += [[f"error {code}", numbers.count(n)] for code, n in sorted(totals["errors"].items())]
    rows += [[f"closed {code}", numbers.count(n)] for code, n in sorted(totals["closes"].items())]
    return Table(head=["what", "in the whole test"], rows=rows)


def environment(results: Results) -> dict[str, dict[str, str]]:
    """What the figures depend on, in groups."""
    found = results.environment
    target = results.target
    return {
        "Target": {
            "address": target.url,
            "connected from": ", ".join(target.source_addresses) or "one address",
            **({"TLS": "certificate not verified"} if not target.verify_tls else {}),
        },
        "Machine": {
            "kernel": found.kernel,
            "cores": str(found.cores),
            "memory": numbers.memory(found.memory_kib),
            "descriptors": f"{numbers.count(found.descriptor_limit)} per process",
            "Python": found.python,
            "revision": found.revision or "unknown",
        },
        "Versions": dict(sorted(found.versions.items())),
        "Kernel settings": dict(sorted(found.sysctls.items())),
    }


def scenario(results: Results) -> dict[str, dict[str, str]]:
    """The scenario, table by table as in its file."""
    own: dict[str, str] = {}
    groups: dict[str, dict[str, str]] = {}
    for name, value in to_builtins(results.scenario).items():
        if isinstance(value, dict):
            groups[name.replace("_", " ").capitalize()] = {
                key: _setting(item) for key, item in value.items() if item is not None
            }
        elif value is not None and name not in ("title", "description"):
            own[name] = _setting(value)
    return {"Phases": own, **groups}


def _setting(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return f"{value:,g}" if abs(value) < 1e6 else f"{value:,.0f}"
    return str(value)
