"""What the clients of the SDK saw, in numbers and words: no HTML here."""

from loadtest.report import numbers
from loadtest.report.facts import Tile
from loadtest.report.tables import Table
from loadtest.results import CanaryFacts


def tiles(found: CanaryFacts) -> list[Tile]:
    """Return what the clients of the SDK saw."""
    faults = found.lost + found.duplicated + found.out_of_order
    unanswered = found.published - found.acknowledged
    shown = [
        Tile(
            name="Faults seen",
            value=numbers.count(faults),
            note=f"lost, doubled or out of order, of {numbers.short(found.received)} messages",
            bad=faults > 0,
        ),
        Tile(
            name="Published",
            value=numbers.count(found.published),
            note="all of them stored" if not unanswered else f"{unanswered} of them not stored",
            bad=unanswered > 0,
        ),
        Tile(
            name="Reconnects",
            value=numbers.count(found.reconnects),
            note="all connected at the end" if not found.away else f"{found.away} not back",
            bad=found.away > 0,
        ),
    ]
    for name, kind, note in (
        ("Ack p99", "ack", "due until stored"),
        ("Delivery p99", "delivery", "due until an application has it"),
    ):
        if kind in found.latency:
            value = numbers.milliseconds(found.latency[kind].p99)
            shown.append(Tile(name=name, value=value, note=note))
    if "offline" in found.latency:
        longest = numbers.milliseconds(found.latency["offline"].highest)
        shown.append(Tile(name="Longest offline", value=longest, note="until connected again"))
    return shown


def table(found: CanaryFacts) -> Table:
    """A row per kind of latency that the SDK's clients measured."""
    return Table(
        head=["from, to", "samples", "p50", "p90", "p99", "highest"],
        rows=[
            [
                _KINDS.get(kind, kind),
                numbers.count(measured.samples),
                *map(
                    numbers.milliseconds,
                    (measured.p50, measured.p90, measured.p99, measured.highest),
                ),
            ]
            for kind, measured in found.latency.items()
        ],
        note=_endings(found),
    )


_KINDS = {
    "connect": "opened, in the room",
    "ack": "due, stored",
    "delivery": "due, received",
    "storm_ack": "due since the storm, stored",
    "storm_delivery": "due since the storm, received",
    "offline": "cut off, connected again",
}


def _endings(found: CanaryFacts) -> str:
    """Return why connections ended, in the SDK's words."""
    ended = [f"{reason} ({n})" for reason, n in sorted(found.endings.items())]
    ended += [f"stopped for good: {reason} ({n})" for reason, n in sorted(found.stopped.items())]
    return f"Connections that ended: {'; '.join(ended)}." if ended else ""
