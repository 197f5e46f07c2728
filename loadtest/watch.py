"""What a person sees while a test runs: a live view on a terminal, elsewhere lines."""

import asyncio
from collections.abc import Callable, Sequence

from msgspec import Struct
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from loadtest.control import Counts
from loadtest.results import Second, WorkerSample

_VIEW_INTERVAL_S = 0.5
_LINE_INTERVAL_S = 5.0
_MOST_WORKERS = 16  # rows of the live view
_PHASES = {
    "joining": "waiting for agents",
    "connect": "ramp",
    "warm_up": "warm-up",
    "hold": "hold",
    "drain": "drain",
}


class View(Struct, frozen=True, kw_only=True):
    """Everything that is shown at one moment."""

    title: str
    phase: str
    phase_s: float  # since it began
    lasts_s: float  # as planned
    wanted: int  # clients
    agents: int
    agents_wanted: int
    totals: Counts
    second: Second | None = None
    workers: Sequence[WorkerSample] = ()


class Watch:
    """Shows views until it is cancelled.

    Args:
        console: where to.
        look: returns what is to be seen now.
        plain: lines even on a terminal.
    """

    def __init__(self, console: Console, look: Callable[[], View], *, plain: bool) -> None:
        self._console = console
        self._look = look
        self._plain = plain or not console.is_terminal

    async def run(self) -> None:
        """Show until cancelled."""
        await (self._lines() if self._plain else self._live())

    async def _live(self) -> None:
        with Live(render(self._look()), console=self._console, auto_refresh=False) as live:
            while True:
                await asyncio.sleep(_VIEW_INTERVAL_S)
                live.update(render(self._look()), refresh=True)

    async def _lines(self) -> None:
        phase = ""
        waited_s = 0.0
        while True:
            view = self._look()
            if view.phase != phase or waited_s >= _LINE_INTERVAL_S:
                phase, waited_s = view.phase, 0.0
                self._console.print(line(view), soft_wrap=True, highlight=False, markup=False)
            await asyncio.sleep(_VIEW_INTERVAL_S)
            waited_s += _VIEW_INTERVAL_S


def line(view: View) -> str:
    """Return one line for a log."""
    parts = [f"{_phase(view)} {view.phase_s:.0f}/{view.lasts_s:.0f} s"]
    if view.phase == "joining":
        return f"{_phase(view)}: {view.agents} of {view.agents_wanted}"
    parts.append(f"{view.totals.connected:,} of {view.wanted:,} connected")
    if view.second is not None:
        parts += [f"{value} {name}" for name, value in _rates(view.second)]
    parts += [f"{count:,} {name}" for name, count in _troubles(view.totals)]
    return ", ".join(parts)


def render(view: View) -> RenderableType:
    """Return what the terminal shows."""
    head = Text.assemble((view.title, "bold"), "  ", _phase(view))
    if view.phase == "joining":
        return Group(head, Text(f"{view.agents} of {view.agents_wanted} agents"))
    figures = Table.grid(padding=(0, 3))
    figures.add_row("connected", f"{view.totals.connected:,} of {view.wanted:,}")
    if view.second is not None:
        for name, value in _rates(view.second):
            figures.add_row(name, value)
        figures.add_row("agents", f"{view.agents}, {view.second.agents_cpu:.1f} cores")
    for name, count in _troubles(view.totals):
        figures.add_row(Text(name, "red"), f"{count:,}")
    done = min(view.phase_s, view.lasts_s)
    bar = Table.grid()  # a bar by itself does not end its line
    bar.add_row(ProgressBar(total=max(view.lasts_s, 1e-9), completed=done, width=50))
    parts: list[RenderableType] = [head, bar, figures]
    if view.workers:
        parts.append(_workers(view.workers))
    return Group(*parts)


def _phase(view: View) -> str:
    return _PHASES.get(view.phase, view.phase)


def _rates(second: Second) -> list[tuple[str, str]]:
    found = [
        ("connects/s", f"{second.opened_per_s:,.0f}"),
        ("messages/s", f"{second.sent_per_s:,.0f}"),
        ("deliveries/s", f"{second.deliveries_per_s:,.0f}"),
    ]
    if second.delivery_p50_ms is not None and second.delivery_p99_ms is not None:
        found.append(("ms p50, p99", f"{second.delivery_p50_ms:.1f}, {second.delivery_p99_ms:.1f}"))
    return found


def _troubles(totals: Counts) -> list[tuple[str, int]]:
    counts = {
        "refused": totals.refused,
        "gave up": totals.failed,
        "connections lost": totals.lost_connections,
        "errors": sum(totals.errors.values()),
        "gaps": totals.gaps,
        "messages lost": totals.lost,
        "duplicated": totals.duplicated,
        "out of order": totals.out_of_order,
    }
    return [(name, count) for name, count in counts.items() if count]


def _workers(workers: Sequence[WorkerSample]) -> Table:
    table = Table(box=None, padding=(0, 2), header_style="dim")
    for name in ("worker", "connections", "MiB", "CPU s", "loop lag ms"):
        table.add_column(name, justify="right")
    for worker in workers[:_MOST_WORKERS]:
        table.add_row(
            worker.worker,
            "" if worker.connections is None else f"{worker.connections:,}",
            "" if worker.rss_kib is None else f"{worker.rss_kib / 1024:.0f}",
            "" if worker.cpu_s is None else f"{worker.cpu_s:.1f}",
            "" if worker.loop_lag_ms is None else f"{worker.loop_lag_ms:.1f}",
        )
    if len(workers) > _MOST_WORKERS:
        table.add_row(f"and {len(workers) - _MOST_WORKERS} more", "", "", "", "")
    return table
