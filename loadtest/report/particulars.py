"""Tables of a report: workers, agents, counters, and what the figures depend on."""

from collections.abc import Callable, Sequence
from statistics import median

from msgspec import to_builtins

from loadtest.report import numbers, series
from loadtest.report.series import mean
from loadtest.report.tables import NOTHING, Table
from loadtest.results import Results, WorkerSample

#: Up to so many workers or agents have a row each.
MOST_ROWS = 8
#: Up to so many source addresses are named.
MOST_ADDRESSES = 4


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
        name: mean(series.within(series.rates(points), hold))
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


def _addresses(addresses: Sequence[str]) -> str:
    if len(addresses) <= MOST_ADDRESSES:
        return ", ".join(addresses) or "one address"
    return f"{len(addresses)} addresses, {addresses[0]} to {addresses[-1]}"


def environment(results: Results) -> dict[str, dict[str, str]]:
    """What the figures depend on, in groups."""
    found = results.environment
    target = results.target
    return {
        "Target": {
            "address": target.url,
            "connected from": _addresses(target.source_addresses),
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
