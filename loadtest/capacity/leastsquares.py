"""Non-negative least squares for a handful of unknowns, and how well they can be told apart.

A cost cannot be negative, and the best answer without that rule often is, as soon as two causes
grew together in all runs. With so few unknowns the exact answer is found by trying every set of
causes: the constrained optimum is the unconstrained one of the causes that are not zero in it.
"""

import itertools
import math
from collections.abc import Iterator, Sequence

#: Of a column's length, what must be left when the others are taken out of it.
_SINGULAR = 1e-9
MOST_UNKNOWNS = 6

Vector = Sequence[float]


class SingularError(ArithmeticError):
    """Columns depend on each other: there is no single answer."""


def nonnegative(columns: Sequence[Vector], target: Vector) -> list[float]:
    """Return the factors, none below 0, with which the columns come closest to the target.

    Where several do equally well, those with the fewest causes, then the first ones.
    Cost: 2 to the number of columns.

    Raises:
        ValueError: there are more than `MOST_UNKNOWNS` columns.
    """
    if len(columns) > MOST_UNKNOWNS:
        raise ValueError(f"{len(columns)} unknowns are too many to try all sets of")
    best = [0.0] * len(columns)
    least = _squares(target)
    for chosen in _sets(len(columns)):
        try:
            factors = solve([columns[n] for n in chosen], target)
        except SingularError:
            continue
        if min(factors) < 0:
            continue
        rest = _squares(_rest([columns[n] for n in chosen], factors, target))
        if rest < least * (1 - 1e-9) - 1e-30:
            least = rest
            best = [0.0] * len(columns)
            for n, factor in zip(chosen, factors, strict=True):
                best[n] = factor
    return best


def solve(columns: Sequence[Vector], target: Vector) -> list[float]:
    """Return the least squares solution without any rule, by modified Gram-Schmidt.

    Raises:
        SingularError: the columns depend on each other.
    """
    ortho: list[list[float]] = []
    upper: list[list[float]] = []  # column by column, of the triangular matrix
    for column in columns:
        rest = list(column)
        above = []
        for base in ortho:
            part = _dot(base, rest)
            above.append(part)
            rest = [a - part * b for a, b in zip(rest, base, strict=True)]
        length = math.sqrt(_squares(rest))
        if length <= _SINGULAR * math.sqrt(_squares(column)):
            raise SingularError("columns depend on each other")
        ortho.append([a / length for a in rest])
        upper.append([*above, length])
    rest = list(target)
    parts = []
    for base in ortho:
        part = _dot(base, rest)
        parts.append(part)
        rest = [a - part * b for a, b in zip(rest, base, strict=True)]
    factors = [0.0] * len(columns)
    for n in reversed(range(len(columns))):
        known = sum(upper[m][n] * factors[m] for m in range(n + 1, len(columns)))
        factors[n] = (parts[n] - known) / upper[n][n]
    return factors


def independence(columns: Sequence[Vector]) -> list[float]:
    """Return for each column what share of it the others do not explain: 0 none, 1 all of it."""
    found = []
    for n, column in enumerate(columns):
        rest = list(column)
        length = math.sqrt(_squares(rest))
        for base in _basis([other for m, other in enumerate(columns) if m != n]):
            part = _dot(base, rest)
            rest = [a - part * b for a, b in zip(rest, base, strict=True)]
        found.append(math.sqrt(_squares(rest)) / length if length else 0.0)
    return found


def _basis(columns: Sequence[Vector]) -> list[list[float]]:
    basis: list[list[float]] = []
    for column in columns:
        rest = list(column)
        for base in basis:
            part = _dot(base, rest)
            rest = [a - part * b for a, b in zip(rest, base, strict=True)]
        length = math.sqrt(_squares(rest))
        if length > _SINGULAR * math.sqrt(_squares(column)):
            basis.append([a / length for a in rest])
    return basis


def _sets(size: int) -> Iterator[tuple[int, ...]]:
    for count in range(1, size + 1):
        yield from itertools.combinations(range(size), count)


def _dot(one: Vector, other: Vector) -> float:
    return sum(a * b for a, b in zip(one, other, strict=True))


def _squares(values: Vector) -> float:
    return sum(value * value for value in values)


def _rest(columns: Sequence[Vector], factors: Vector, target: Vector) -> list[float]:
    return [
        wanted - sum(factor * column[row] for factor, column in zip(factors, columns, strict=True))
        for row, wanted in enumerate(target)
    ]
