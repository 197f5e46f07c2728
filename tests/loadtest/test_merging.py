"""Adding up what agents report."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loadtest.control import Counts, Histograms, Progress
from loadtest.merging import KEPT_OPEN, Merger, add_counts, missing_ends
from tests.loadtest.scripted_agent import encoded

SECOND_NS = 1_000_000_000


def report(t_s: float, *, phase: str = "hold", us: int | None = None, **counts: int) -> Progress:
    return Progress(
        at_ns=int(t_s * SECOND_NS),
        phase=phase,
        counts=Counts(**counts),  # type: ignore[arg-type]
        histograms=Histograms(delivery=encoded(us) if us else None),
        cpu_s=t_s / 2,
        rss_kib=100,
        loop_lag_ms=t_s,
    )


def test_counts_and_their_tables_are_summed() -> None:
    total = add_counts(
        [
            Counts(connected=2, errors={"busy": 1}, closes={"1006": 3}),
            Counts(connected=3, errors={"busy": 2, "forbidden": 1}),
        ]
    )

    assert total == Counts(connected=5, errors={"busy": 3, "forbidden": 1}, closes={"1006": 3})


def test_a_second_is_the_sum_over_agents() -> None:
    merger = Merger(0)
    for t_s, sent in ((1.0, 10), (2.0, 30)):
        merger.add(0, report(t_s, messages_sent=sent, connected=4))
        merger.add(1, report(t_s + 0.3, messages_sent=2 * sent, connected=5))

    first, second = merger.timeline()

    assert (first.sent_per_s, second.sent_per_s) == (30, 60)
    assert second.connected == merger.connected == 9
    assert second.agents_cpu == pytest.approx(1.0)
    assert second.agents_rss_kib == 200


@settings(deadline=None)
@given(
    times=st.lists(st.floats(0, 40), min_size=1, max_size=60),
    agents=st.integers(1, 3),
)
def test_late_and_missing_reports_change_no_sum(times: list[float], agents: int) -> None:
    merger = Merger(0)
    for sent, t_s in enumerate(sorted(times), start=1):
        for agent in range(agents):
            # Agent 2 is seconds late with what it says.
            merger.add(agent, report(max(0.0, t_s - 2 * agent), messages_sent=sent))
    timeline = merger.timeline()
    moments = [0.0, *(second.t_s for second in timeline)]
    longs = [max(1.0, now - then) for then, now in pairwise(moments)]

    total = sum(second.sent_per_s * long_s for second, long_s in zip(timeline, longs, strict=True))

    assert total == pytest.approx(len(times) * agents)
    assert [second.t_s for second in timeline] == sorted({second.t_s for second in timeline})


def test_a_closed_second_holds_no_histogram_any_more() -> None:
    merger = Merger(0)
    for t_s in range(20):
        merger.add(0, report(t_s, us=4000))

    assert len(merger._open) == KEPT_OPEN
    assert len(merger.timeline()) == 20
    assert all(second.delivery_p50_ms for second in merger.timeline())


def test_only_what_was_due_while_holding_is_judged() -> None:
    merger = Merger(0)
    for t_s, phase, us in ((1, "warm_up", 900_000), (2, "hold", 4_000), (3, "drain", 8_000)):
        merger.add(0, report(t_s, phase=phase, us=us))

    delivery = merger.latency()["delivery"]

    assert delivery.samples == 20
    assert delivery.p50 == pytest.approx(4.0, rel=0.002)
    assert delivery.highest == pytest.approx(8.0, rel=0.002)


def test_what_is_no_histogram_is_refused() -> None:
    broken = report(1)
    merger = Merger(0)

    for text in ("", "no", "AAAA", "HISTFAAAAB", encoded(5)[:-8]):
        broken.histograms.delivery = text
        with pytest.raises(ValueError, match="not a histogram of delivery"):
            merger.add(0, broken)


def test_the_end_of_a_room_that_one_member_lacks_is_lost() -> None:
    sender_only = {"a": (9, 0, 0), "b": (4, 4, 3)}
    members = {"a": (5, 7, 2), "b": (2, 4, 1), "c": (3, 3, 1)}

    assert missing_ends([sender_only, members]) == 2
    assert missing_ends([sender_only]) == 0, "nobody is there to lack it"
