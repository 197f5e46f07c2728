"""What is wished for, and what a plan is made of."""

from collections.abc import Mapping, Sequence

from msgspec import Struct

from loadtest.capacity.fitting import Fit
from loadtest.capacity.model import Model


class Wish(Struct, frozen=True, kw_only=True):
    """What a deployment shall carry.

    Args:
        connections: at a time.
        messages_per_s: published, of all rooms together.
        room_size: members of the room of a message, the sender too.
        reconnects_per_s: connections that open, at the worst moment that shall be borne well.
        descriptors: limit of each worker and of each HAProxy.
        utilisation: how busy a core may be; the rest is for peaks and for a lost machine.
    """

    connections: int
    messages_per_s: float
    room_size: float
    reconnects_per_s: float = 0.0
    descriptors: int = 20_000
    utilisation: float = 0.6

    @property
    def deliveries_per_s(self) -> float:
        """Deliveries that the messages cause."""
        return self.messages_per_s * self.room_size


class Entry(Struct, frozen=True, kw_only=True):
    """One line of a plan: so much of it, because of that."""

    name: str
    amount: str
    arithmetic: Sequence[str]


class Draft:
    """A plan that is being made."""

    def __init__(self, model: Model, wish: Wish) -> None:
        self.model = model
        self.wish = wish
        self.entries: list[Entry] = []
        self.warnings: list[str] = []

    def add(self, name: str, amount: str, arithmetic: Sequence[str]) -> None:
        """Write one line."""
        self.entries.append(Entry(name=name, amount=amount, arithmetic=arithmetic))

    def unknown(self, what: str, key: str, fit: Fit | None, amounts: Mapping[str, float]) -> None:
        """Say that, and why, something is not known."""
        if fit is None:
            why = self.model.missing.get(key, "it was not measured.")
        else:
            causes = [name for name, cost in fit.terms.items() if cost is None and amounts[name]]
            why = f"no run had any {' or '.join(causes)}."
        self.warnings.append(f"{what} is unknown: {why}")


def sum_text(terms: Mapping[str, float | None], amounts: Mapping[str, float]) -> str:
    """Return the sum of a CPU cost as text, such as `2,000 x 9.1 µs (delivery)`."""
    return " + ".join(
        f"{amounts[name]:,.0f} x {amount(factor * 1e6)} µs ({name})"
        for name, factor in terms.items()
        if factor and amounts[name]
    )


def amount(value: float) -> str:
    """Return a number with few digits and no exponent."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
