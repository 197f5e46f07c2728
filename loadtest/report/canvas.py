"""What all plots over time of one report share, and how one of them is made."""

from collections.abc import Sequence
from functools import partial

from msgspec import Struct

from loadtest.report import axes, numbers, series
from loadtest.report.axes import Axis, Unit
from loadtest.report.plot import Band, Limit, Line, Moment, Phase, Plot
from loadtest.report.tables import Table, over_time
from loadtest.report.thinning import Point
from loadtest.results import Results, Second


class Figure(Struct, frozen=True, kw_only=True):
    """A plot, and its numbers as a table."""

    plot: Plot
    table: Table


class Canvas:
    """What all plots over time of one report share."""

    def __init__(self, results: Results) -> None:
        self.results = results
        timeline = results.timeline
        self.end_s = max((second.t_s for second in timeline), default=1.0)
        self.phases: list[Phase] = series.phases(timeline)
        self.hold = series.hold(results)
        self.moments: list[Moment] = series.moments(results)
        self.x: Axis = axes.timeline(self.end_s)

    def seconds(self, value: str) -> list[Point]:
        """Return one field of the timeline over time."""
        return series.of(self.results.timeline, lambda s: s.t_s, partial(_field, name=value))

    def figure(
        self,
        key: str,
        title: str,
        unit: Unit,
        lines: Sequence[Line],
        bands: Sequence[Band] = (),
        *,
        y: Axis | None = None,
        limits: Sequence[Limit] = (),
    ) -> Figure | None:
        """Return a figure over time; None where nothing was measured."""
        values = [v for line in lines for _, v in line.points if v is not None]
        values += [high for band in bands for _, _, high in band.spans if high is not None]
        if not values:
            return None
        plot = Plot(
            key=key,
            title=title,
            description=_describe(lines, bands, unit),
            x=self.x,
            y=y or axes.from_zero(max(values), unit),
            lines=lines,
            bands=bands,
            phases=self.phases,
            moments=self.moments,
            limits=limits,
        )
        columns = [(line.name, line.points) for line in lines]
        columns += [
            (f"{band.name}: {name}", [(span[0], span[index]) for span in band.spans])
            for band in bands
            for index, name in ((1, "lowest"), (2, "highest"))
        ]
        return Figure(plot=plot, table=over_time(columns, partial(show, unit=unit), self.end_s))

    def noted(
        self,
        name: str,
        points: Sequence[Point],
        unit: Unit,
        tone: int,
        *,
        filled: bool = False,
        dashed: bool = False,
    ) -> Line:
        """Return a line whose legend says its mean in the hold."""
        held = series.within(points, self.hold)
        note = f"mean {show(sum(held) / len(held), unit)}" if held else ""
        return Line(name=name, points=points, tone=tone, note=note, filled=filled, dashed=dashed)


def show(value: float, unit: Unit) -> str:
    """Return a value with its unit, for tables and legends."""
    if unit == "ms":
        return numbers.milliseconds(value)
    if unit == "kib":
        return numbers.memory(value)
    if unit == "kib_per_s":
        return f"{numbers.memory(value)}/s"
    if unit == "cores":
        return f"{value:.2f} cores"
    if unit == "count":
        return numbers.count(value)
    return f"{numbers.digits(value) if value < 100 else numbers.count(value)}/s"


def _field(second: Second, *, name: str) -> float | None:
    value: float | None = getattr(second, name)
    return value


def _describe(lines: Sequence[Line], bands: Sequence[Band], unit: Unit) -> str:
    sentences = []
    for line in lines:
        values = [value for _, value in line.points if value is not None]
        if values:
            sentences.append(
                f"{line.name}: {show(min(values), unit)} to {show(max(values), unit)}, "
                f"last {show(values[-1], unit)}."
            )
    sentences += [f"Shaded: {band.name}." for band in bands]
    return " ".join(sentences)
