"""Tables: the numbers behind a figure, for who reads rather than looks."""

from collections.abc import Callable, Sequence
from html import escape

from msgspec import Struct, field

from loadtest.report import numbers
from loadtest.report.axes import TIME_STEPS_S
from loadtest.report.thinning import Point

#: A table over time has at most so many rows; each is the mean of its stretch.
MOST_ROWS = 20
NOTHING = "\N{EN DASH}"


class Table(Struct, frozen=True, kw_only=True):
    """Cells are text, not HTML; all columns but the first are numbers."""

    head: Sequence[str]
    rows: Sequence[Sequence[str]] = field(default_factory=list)
    note: str = ""


def over_time(
    columns: Sequence[tuple[str, Sequence[Point]]], show: Callable[[float], str], end_s: float
) -> Table:
    """Return the means of equal stretches of time."""
    stretch_s = next((step for step in TIME_STEPS_S if end_s / step <= MOST_ROWS), TIME_STEPS_S[-1])
    means = [_means(points, stretch_s) for _, points in columns]
    stretches = sorted({number for column in means for number in column})
    return Table(
        head=["from", *(name for name, _ in columns)],
        rows=[
            [
                numbers.seconds(number * stretch_s),
                *(show(column[number]) if number in column else NOTHING for column in means),
            ]
            for number in stretches
        ],
        note=f"Means over {numbers.seconds(stretch_s)}." if stretch_s > 1 else "",
    )


def _means(points: Sequence[Point], stretch_s: int) -> dict[int, float]:
    found: dict[int, list[float]] = {}
    for t, value in points:
        if value is not None:
            found.setdefault(int(t) // stretch_s, []).append(value)
    return {number: sum(values) / len(values) for number, values in found.items()}


def html(table: Table, caption: str = "") -> str:
    """Return the table; it scrolls sideways where it is too wide."""
    head = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in table.head)
    rows = "".join(
        "<tr>"
        + f'<th scope="row">{escape(row[0])}</th>'
        + "".join(f"<td>{escape(cell)}</td>" for cell in row[1:])
        + "</tr>"
        for row in table.rows
    )
    said = f"<caption>{escape(caption)}</caption>" if caption else ""
    note = f'<p class="note">{escape(table.note)}</p>' if table.note else ""
    return (
        f'<div class="scroll" tabindex="0"><table>{said}<thead><tr>{head}</tr></thead>'
        f"<tbody>{rows}</tbody></table></div>{note}"
    )
