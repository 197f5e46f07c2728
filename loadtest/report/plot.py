"""One plot: what it shows, and the SVG of it.

The plot stretches to the width it gets. Lines are in a nested picture that is scaled, with strokes
that are not; all text is outside of it at positions in percent, so it keeps its size on a phone.
"""

import math
from collections.abc import Sequence
from html import escape

from msgspec import Struct, field

from loadtest.report.axes import Axis
from loadtest.report.thinning import Point, Span, thin, thin_spans

HEIGHT = 190
_WIDTH = 1000  # of the nested picture; its unit is a thousandth of the width
_LABEL_LEAST_WIDTH = 0.11  # a phase narrower than this has no room for its name


class Line(Struct, frozen=True, kw_only=True):
    """One line; `tone` is the number of its colour, from 1 to 6, 0 for grey."""

    name: str
    points: Sequence[Point]
    tone: int
    note: str = ""
    dashed: bool = False
    filled: bool = False


class Band(Struct, frozen=True, kw_only=True):
    """The space between the lowest and the highest of many."""

    name: str
    spans: Sequence[Span]
    tone: int


class Phase(Struct, frozen=True, kw_only=True):
    """A stretch of the x axis; what is not judged is shaded."""

    name: str
    start: float
    end: float
    shaded: bool


class Moment(Struct, frozen=True, kw_only=True):
    """When something was done to the system."""

    name: str
    at: float


class Limit(Struct, frozen=True, kw_only=True):
    """A horizontal line that should not be passed."""

    name: str
    value: float


class Plot(Struct, frozen=True, kw_only=True):
    """All there is to draw."""

    key: str  # unique on the page
    title: str
    description: str
    x: Axis
    y: Axis
    lines: Sequence[Line] = field(default_factory=list)
    bands: Sequence[Band] = field(default_factory=list)
    phases: Sequence[Phase] = field(default_factory=list)
    moments: Sequence[Moment] = field(default_factory=list)
    limits: Sequence[Limit] = field(default_factory=list)


def draw(plot: Plot) -> str:
    """Return the SVG."""
    parts = [
        f'<svg class="plot" role="img" width="100%" height="{HEIGHT}" '
        f'aria-labelledby="{plot.key}-title {plot.key}-about">',
        f'<title id="{plot.key}-title">{escape(plot.title)}</title>',
        f'<desc id="{plot.key}-about">{escape(plot.description)}</desc>',
        *(_phase(plot, phase) for phase in plot.phases),
        *(_row(tick.at, tick.label) for tick in plot.y.ticks),
        *(_column(tick.at, tick.label) for tick in plot.x.ticks),
        f'<text class="axis" x="100%" y="{HEIGHT + 38}">{escape(plot.x.label)}</text>',
        f'<svg class="data" width="100%" height="{HEIGHT}" viewBox="0 0 {_WIDTH} {HEIGHT}" '
        'preserveAspectRatio="none">',
        *(_band(plot, band) for band in plot.bands),
        *(_line(plot, line) for line in plot.lines),
        "</svg>",
        *(_moment(plot, moment) for moment in plot.moments),
        *(_limit(plot, limit) for limit in plot.limits),
        "</svg>",
    ]
    return "".join(parts)


def legend(plot: Plot) -> str:
    """Return the legend as HTML; empty where there is one line without a note."""
    items = [
        _legend_item(f"tone-{line.tone}{' dashed' if line.dashed else ''}", line.name, line.note)
        for line in plot.lines
    ]
    items += [_legend_item(f"band tone-{band.tone}", band.name, "") for band in plot.bands]
    items += [_legend_item("limit", limit.name, "") for limit in plot.limits]
    if len(items) == 1 and not (plot.lines and plot.lines[0].note):
        return ""
    return f'<ul class="legend">{"".join(items)}</ul>'


def _legend_item(style: str, name: str, note: str) -> str:
    swatch = (
        f'<svg class="swatch {style}" width="18" height="10" aria-hidden="true">'
        '<rect width="18" height="10"/><line x2="18" y1="5" y2="5"/></svg>'
    )
    note = f" <b>{escape(note)}</b>" if note else ""
    return f"<li>{swatch}{escape(name)}{note}</li>"


def _percent(part: float) -> str:
    return f"{part * 100:.2f}%"


def _phase(plot: Plot, phase: Phase) -> str:
    start, end = plot.x.position(phase.start), plot.x.position(phase.end)
    if end <= start:
        return ""
    shade = (
        f'<rect class="phase" x="{_percent(start)}" width="{_percent(end - start)}" '
        f'height="{HEIGHT}"/>'
        if phase.shaded
        else ""
    )
    if end - start < _LABEL_LEAST_WIDTH:
        return shade
    middle = _percent((start + end) / 2)
    return f'{shade}<text class="phase" x="{middle}" y="-6">{escape(phase.name)}</text>'


def _row(at: float, label: str) -> str:
    y = f"{HEIGHT * (1 - at):.1f}"
    style = ' class="floor"' if at == 0 else ""
    return (
        f'<line{style} x2="100%" y1="{y}" y2="{y}"/>'
        f'<text class="y" x="-8" y="{y}" dy="0.35em">{escape(label)}</text>'
    )


def _column(at: float, label: str) -> str:
    x = _percent(at)
    return (
        f'<line class="mark" x1="{x}" x2="{x}" y1="{HEIGHT}" y2="{HEIGHT + 5}"/>'
        f'<text class="x" x="{x}" y="{HEIGHT + 18}">{escape(label)}</text>'
    )


def _moment(plot: Plot, moment: Moment) -> str:
    x = _percent(plot.x.position(moment.at))
    return (
        f'<line class="moment" x1="{x}" x2="{x}" y2="{HEIGHT}"/>'
        f'<text class="moment" x="{x}" dx="5" y="{HEIGHT - 8}">{escape(moment.name)}</text>'
    )


def _limit(plot: Plot, limit: Limit) -> str:
    y = f"{HEIGHT * (1 - plot.y.position(limit.value)):.1f}"
    return f'<line class="limit" x2="100%" y1="{y}" y2="{y}"/>'


def _xy(plot: Plot, x: float, y: float) -> str:
    return f"{plot.x.position(x) * _WIDTH:.1f} {HEIGHT * (1 - plot.y.position(y)):.1f}"


def _runs(points: Sequence[Point]) -> list[list[tuple[float, float]]]:
    """Split where nothing was measured."""
    runs: list[list[tuple[float, float]]] = [[]]
    for x, y in points:
        if y is None or not math.isfinite(y):
            runs.append([])
        else:
            runs[-1].append((x, y))
    return [run for run in runs if run]


def _line(plot: Plot, line: Line) -> str:
    parts = []
    for run in _runs(thin(line.points)):
        path = "L".join(_xy(plot, x, y) for x, y in run)
        if len(run) == 1:
            path += f"L{path}"  # a dot, by the round cap
        if line.filled:
            first, last = (f"{plot.x.position(run[n][0]) * _WIDTH:.1f}" for n in (0, -1))
            parts.append(
                f'<path class="area tone-{line.tone}" '
                f'd="M{first} {HEIGHT}L{path}L{last} {HEIGHT}Z"/>'
            )
        style = f"line tone-{line.tone}{' dashed' if line.dashed else ''}"
        parts.append(f'<path class="{style}" d="M{path}"/>')
    return "".join(parts)


def _band(plot: Plot, band: Band) -> str:
    spans = [(x, low, high) for x, low, high in thin_spans(band.spans) if None not in (low, high)]
    if not spans:
        return ""
    upper = [_xy(plot, x, high) for x, _, high in spans if high is not None]
    lower = [_xy(plot, x, low) for x, low, _ in spans if low is not None]
    return f'<path class="area tone-{band.tone}" d="M{"L".join([*upper, *reversed(lower)])}Z"/>'
