"""What canaries saw, in words for the summary. Pure."""

from collections.abc import Iterable, Mapping

from loadtest.results import CanaryFacts


def lines(found: CanaryFacts) -> Iterable[str]:
    """Return the part of the summary that is about them, without their latencies."""
    yield (
        f"  Canaries (Python SDK): {found.clients} in {found.rooms} rooms, "
        f"{found.reconnects} reconnects, {found.rejoined} left and joined again"
    )
    yield (
        f"  messages        {found.published:,} published, {found.acknowledged:,} acknowledged, "
        f"{found.received:,} received"
    )
    yield (
        f"  faults          {found.lost} lost, {found.duplicated} duplicated, "
        f"{found.out_of_order} out of order, {found.gaps} gaps, {found.away} not connected at the "
        f"end"
    )
    tables: tuple[tuple[str, Mapping[str, int]], ...] = (
        ("failed", found.failed),
        ("endings", found.endings),
        ("stopped", found.stopped),
    )
    for name, table in tables:
        if table:
            words = ", ".join(f"{count:,} {key}" for key, count in sorted(table.items()))
            yield f"  {name:<15} {words}"
