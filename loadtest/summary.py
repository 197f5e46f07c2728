"""What is printed when a test is over. Pure."""

from collections.abc import Iterable

from loadtest.canaries import words
from loadtest.results import Percentiles, Results

_MARKS = {True: "passed", False: "FAILED"}


def summarize(results: Results) -> str:
    """Return the summary, some 30 lines."""
    return "\n".join(
        [
            f"{results.title}: {_ending(results)}",
            "",
            *_figures(results),
            "",
            *_latencies(results.latency),
            "",
            *_canaries(results),
            *(f"  {_MARKS[check.passed]}  {check.sentence}" for check in results.checks),
            *_doubts(results.doubts),
            "",
            f"The test {'passed' if results.passed else 'FAILED'}.",
        ]
    )


def _ending(results: Results) -> str:
    if results.ended_by == "schedule":
        return f"held for {results.hold_s:.0f} s."
    return f"ended early, {results.ended_by}" + ("." if results.ended_by == "interrupted" else "")


def _figures(results: Results) -> Iterable[str]:
    totals = results.totals
    holding = [second for second in results.timeline if second.phase == "hold"]
    count = max(1, len(holding))
    peak = max((second.connected for second in results.timeline), default=0)
    asked = results.scenario.connections.count
    yield f"  connected       {peak:,} of {asked:,}, by {len(results.agents)} agents"
    yield f"  messages/s      {sum(s.sent_per_s for s in holding) / count:,.0f} while holding"
    yield f"  deliveries/s    {sum(s.deliveries_per_s for s in holding) / count:,.0f} while holding"
    yield f"  messages        {totals.messages_sent:,} sent, {totals.messages_acked:,} acknowledged"
    yield (
        f"  deliveries      {totals.deliveries:,}: {totals.lost} lost, "
        f"{totals.duplicated} duplicated, {totals.out_of_order} out of order, {totals.gaps} gaps"
    )
    yield (
        f"  connections     {totals.opened:,} opened, {totals.refused:,} refused, "
        f"{totals.failed:,} gave up, {totals.lost_connections:,} lost"
    )
    also = {
        "typing events": totals.typing_sent,
        "left and joined again": totals.churns,
        "tokens renewed": totals.tokens_refreshed,
    }
    if any(also.values()):
        words = ", ".join(f"{count:,} {name}" for name, count in also.items() if count)
        yield f"  also            {words}"
    for name, table in (("errors", totals.errors), ("closes", totals.closes)):
        if table:
            words = ", ".join(f"{count:,} {key}" for key, count in sorted(table.items()))
            yield f"  {name:<15} {words}"
    if results.recovery_s is not None:
        yield f"  recovery        {results.recovery_s:.1f} s until the last client was back"


def _canaries(results: Results) -> Iterable[str]:
    """Return what the SDK's clients saw, apart from the others."""
    if results.canaries is not None:
        yield from words.lines(results.canaries)
        yield from _latencies(results.canaries.latency)
        yield ""


def _latencies(latency: dict[str, Percentiles]) -> Iterable[str]:
    names = "".join(f"{name:>10}" for name in ("p50", "p90", "p99", "p99.9", "highest"))
    yield f"  {'ms':<15}{names}{'samples':>14}"
    for kind, found in latency.items():
        cells = (found.p50, found.p90, found.p99, found.p999, found.highest)
        row = "".join(f"{value:>10.1f}" for value in cells)
        yield f"  {kind.replace('_', ' '):<15}{row}{found.samples:>14,}"


def _doubts(doubts: list[str]) -> Iterable[str]:
    if doubts:
        yield ""
        yield "  Read the figures with care:"
        yield from (f"  - {doubt}" for doubt in doubts)
