"""What a report says in numbers and words, out of the results: no HTML here."""

from collections.abc import Sequence

from msgspec import Struct

from loadtest.report import numbers, series
from loadtest.report.series import mean
from loadtest.report.tables import NOTHING
from loadtest.results import Results, WorkerSample

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
        mean(series.within(series.rates(points), series.hold(results)))
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
        mean(series.within(series.rates(points), hold)) or 0.0,
        mean(series.within(sent, hold)) or 0.0,
    )


def _per(cores: float, per_s: float) -> str | None:
    return f"{numbers.digits(cores * _US / per_s)} µs" if per_s > 0 and cores > 0 else None
