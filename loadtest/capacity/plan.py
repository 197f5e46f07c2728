"""From a wish to a deployment: how much of everything, with the arithmetic shown. Pure."""

from msgspec import Struct

from loadtest.capacity.model import Model
from loadtest.capacity.observations import spread
from loadtest.capacity.reach import far, fit_doubts
from loadtest.capacity.surroundings import size_network, size_proxies, size_redis
from loadtest.capacity.wish import Draft, Entry, Wish
from loadtest.capacity.workers import size_memory, size_workers


class Plan(Struct, frozen=True, kw_only=True):
    """What is needed, and what to doubt about it. None: the model does not know."""

    entries: list[Entry]
    warnings: list[str]
    workers: int
    worker_cores: float | None
    memory_bytes: float | None
    redis_shards: int | None
    proxies: int


def plan(model: Model, wish: Wish) -> Plan:
    """Return the plan; what the model does not know is left out, with a warning that says so."""
    draft = Draft(model, wish)
    workers, used = size_workers(draft)
    memory_bytes = size_memory(draft, workers)
    size_network(draft)
    subscribers = spread(wish.room_size, workers)
    shards = size_redis(draft, subscribers)
    proxies = size_proxies(draft)
    return Plan(
        entries=draft.entries,
        warnings=[
            *draft.warnings,
            *far(model, wish, workers, subscribers),
            *model.doubts,
            *fit_doubts(model),
        ],
        workers=workers,
        worker_cores=None if used is None else used / wish.utilisation,
        memory_bytes=memory_bytes,
        redis_shards=shards,
        proxies=proxies,
    )
