"""How far a plan goes beyond what was measured."""

from loadtest.capacity.model import Model
from loadtest.capacity.wish import Wish, amount

#: Beyond this many times of what was measured, a figure is an extrapolation and is called one.
FAR = 2.0
#: A model that misses its own runs by more than this share is doubted.
CLOSE = 0.15


def far(model: Model, wish: Wish, workers: int, subscribers: float) -> list[str]:
    """Return a sentence for each quantity that is far beyond the runs."""
    wanted = {
        "connections": float(wish.connections),
        "connections per worker": wish.connections / workers,
        "messages/s": wish.messages_per_s,
        "deliveries/s": wish.deliveries_per_s,
        "deliveries per message": wish.room_size if wish.messages_per_s else 0.0,
        "workers": float(workers),
        "workers per message": subscribers if wish.messages_per_s else 0.0,
        "connections opened/s": wish.reconnects_per_s,
    }
    found = []
    for name, value in wanted.items():
        reached = model.ranges.get(name)
        if reached is not None and value > FAR * reached.high:
            found.append(
                f"Extrapolated: {amount(value)} {name}, {value / reached.high:,.1f} times the most "
                f"that was measured ({amount(reached.high)})."
            )
    return found


def fit_doubts(model: Model) -> list[str]:
    """Return what the fits themselves doubt."""
    named = {
        "Worker memory": model.memory,
        "Worker CPU": model.worker_cpu,
        "Redis CPU": model.redis_cpu,
        "Network": model.network,
    }
    found = [
        f"{name}: the model misses the runs that it is from by up to {fit.worst_error:.0%}."
        for name, fit in named.items()
        if fit and fit.worst_error > CLOSE
    ]
    return found + [
        f"{name}: {doubt}" for name, fit in named.items() if fit for doubt in fit.doubts
    ]
