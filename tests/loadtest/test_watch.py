"""What a person sees meanwhile, and at the end."""

import asyncio
import io

import pytest
from msgspec import structs
from rich.console import Console

from loadtest.control import Counts
from loadtest.results import Second, WorkerSample
from loadtest.watch import View, Watch, line, render
from tests.loadtest.test_verdict import second
from tests.support.waiting import until

VIEW = View(
    title="A test",
    phase="hold",
    phase_s=12.4,
    lasts_s=60.0,
    wanted=10_000,
    agents=2,
    agents_wanted=2,
    totals=Counts(connected=9_999, refused=3, errors={"busy": 2}),
    second=structs.replace(second(20, 9_999), deliveries_per_s=12_345.6),
    workers=[WorkerSample(t_s=1, worker=f"{n}", connections=1234, rss_kib=2048) for n in range(54)],
)


def shown(view: View) -> str:
    console = Console(file=io.StringIO(), width=100, record=True)
    console.print(render(view))
    return console.export_text()


def test_a_line_says_where_the_test_is() -> None:
    assert line(VIEW) == (
        "hold 12/60 s, 9,999 of 10,000 connected, 0 connects/s, 0 messages/s, "
        "12,346 deliveries/s, 3 refused, 2 errors"
    )
    joining = structs.replace(VIEW, phase="joining", agents=1)
    assert line(joining) == "waiting for agents: 1 of 2"


def test_latencies_are_shown_where_they_were_measured() -> None:
    measured: Second = structs.replace(
        second(20, 1), delivery_p50_ms=3.21, delivery_p99_ms=14.0, delivery_max_ms=30.0
    )

    assert "3.2, 14.0 ms p50, p99" in line(structs.replace(VIEW, second=measured))


def test_the_live_view_fits_a_terminal_with_54_workers() -> None:
    text = shown(VIEW)

    assert any(text_line.startswith("connected") for text_line in text.splitlines())
    assert "9,999 of 10,000" in text
    assert "and 38 more" in text
    assert len(text.splitlines()) < 40


@pytest.mark.parametrize("phase", ["joining", "connect", "warm_up", "hold", "drain"])
def test_every_phase_can_be_shown(phase: str) -> None:
    assert shown(structs.replace(VIEW, phase=phase, second=None, workers=[]))


async def test_without_a_terminal_there_are_plain_lines() -> None:
    out = io.StringIO()
    watching = asyncio.create_task(
        Watch(Console(file=out, width=20), lambda: VIEW, plain=False).run()
    )
    await until(out.getvalue, 30.0, what="a line")
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)

    assert out.getvalue().startswith(line(VIEW) + "\n")
