"""What a benchmark prints: a small table for a person and one line of JSON for a program."""

import json
from collections.abc import Sequence

Cell = str | int | float | None


def print_table(headers: Sequence[str], rows: Sequence[Sequence[Cell]]) -> None:
    """Print a Markdown table; numbers are right-aligned."""
    texts = [[_text(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(headers, *texts, strict=True)]
    numeric = [not isinstance(cell, str) for cell in rows[-1]]
    rule = [
        "-" * (width - 1) + ("-", ":")[number]
        for width, number in zip(widths, numeric, strict=True)
    ]
    for line in (headers, rule, *texts):
        cells = [
            cell.rjust(width) if number else cell.ljust(width)
            for cell, width, number in zip(line, widths, numeric, strict=True)
        ]
        print(f"| {' | '.join(cells)} |")


def print_target(what: str, value: float, target: float, *, at_most: bool = False) -> None:
    """Say whether a target is met."""
    met = value <= target if at_most else value >= target
    sign = "≤" if at_most else "≥"
    print(f"{what}: {_text(value)}, target {sign} {_text(target)}: {'met' if met else 'MISSED'}")


def print_json(benchmark: str, values: dict[str, object]) -> None:
    """Print everything measured, and on what, in one line."""
    line = {"benchmark": benchmark, **values}
    print(json.dumps(_rounded(line), separators=(",", ":")), flush=True)


def _rounded(value: object) -> object:
    """Cut floats to five digits: more would be noise."""
    if isinstance(value, float):
        return float(f"{value:.5g}")
    if isinstance(value, dict):
        return {name: _rounded(item) for name, item in value.items()}
    return [_rounded(item) for item in value] if isinstance(value, list) else value


def _text(cell: Cell) -> str:
    if cell is None:
        return "-"
    if isinstance(cell, float):
        return f"{cell:,.0f}" if abs(cell) >= 1000 else f"{cell:.3g}"
    return f"{cell:,}" if isinstance(cell, int) else cell
