"""One cost: a sum of causes, each with what one unit of it costs."""

from collections.abc import Mapping, Sequence

from msgspec import Struct, field

from loadtest.capacity.leastsquares import independence, nonnegative

#: Below this share of a cause that the others do not explain, its cost is mostly a guess.
TOLD_APART = 0.1


class FitError(Exception):
    """The runs do not tell; the text says what is missing."""


class Fit(Struct, frozen=True, kw_only=True):
    """What one unit of each cause costs.

    Args:
        terms: by cause; None where no run had any of it.
        observations: how many equations there were.
        worst_error: largest relative error among them.
        doubts: sentences for a person.
    """

    terms: dict[str, float | None]
    observations: int
    worst_error: float
    doubts: list[str] = field(default_factory=list)

    def cost(self, amounts: Mapping[str, float]) -> float | None:
        """Return the cost of so much of each cause; None if one that is there was never seen."""
        total = 0.0
        for name, factor in self.terms.items():
            amount = amounts[name]
            if amount == 0:
                continue
            if factor is None:
                return None
            total += factor * amount
        return total


def fit(amounts: Sequence[Mapping[str, float]], costs: Sequence[float]) -> Fit:
    """Fit by relative error, so that a small run counts as much as a large one.

    Args:
        amounts: of each observation, by cause; all have the same causes.
        costs: of each observation, above 0.

    Raises:
        FitError: there are fewer observations than causes.
    """
    if not amounts:
        raise FitError("no run measured it")
    known = [(row, cost) for row, cost in zip(amounts, costs, strict=True) if cost > 0]
    causes = list(amounts[0])
    seen = [cause for cause in causes if any(row[cause] > 0 for row, _ in known)]
    if len(known) < len(seen) or not seen:
        raise FitError(
            f"{len(known)} observations for {len(seen)} unknowns ({', '.join(seen)}): "
            "more runs are needed, each of another size"
        )
    columns = [[row[cause] / cost for row, cost in known] for cause in seen]
    factors = dict(zip(seen, nonnegative(columns, [1.0] * len(known)), strict=True))
    errors = [
        abs(sum(factors[cause] * row[cause] for cause in seen) / cost - 1) for row, cost in known
    ]
    return Fit(
        terms={cause: factors.get(cause) for cause in causes},
        observations=len(known),
        worst_error=max(errors),
        doubts=_doubts(seen, columns, len(known)),
    )


def _doubts(
    causes: Sequence[str], columns: Sequence[Sequence[float]], observations: int
) -> list[str]:
    doubts = []
    if observations == len(causes):
        doubts.append("As many unknowns as observations: nothing is left to show an error with.")
    tied = [
        cause
        for cause, share in zip(causes, independence(columns), strict=True)
        if share < TOLD_APART
    ]
    if tied:
        names = ", ".join(f"“{cause}”" for cause in tied)
        doubts.append(
            f"What a {names} costs can hardly be told from the rest, which grew with it in all "
            "runs: the sum is right, its parts are right for like proportions only."
        )
    return doubts
