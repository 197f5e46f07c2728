"""Workers: how many, how many cores, how much memory."""

import math

from loadtest.capacity.model import CONNECTION, DELIVERY, HANDSHAKE, PUBLISH, WORKER, Model
from loadtest.capacity.reach import FAR
from loadtest.capacity.scalability import Scaling
from loadtest.capacity.wish import Draft, Wish, sum_text
from loadtest.preflight.demand import SOCKET_BYTES, WORKER_RESERVED_DESCRIPTORS

_KIB = 1024
_MOST_ROUNDS = 100


def size_workers(draft: Draft) -> tuple[int, float | None]:
    """Return how many workers there must be, and the cores that they use.

    A worker costs a little itself, so their number is sought in rounds.
    """
    model, wish = draft.model, draft.wish
    workers = by_descriptors = math.ceil(
        wish.connections / (wish.descriptors - WORKER_RESERVED_DESCRIPTORS)
    )
    used = None
    for _ in range(_MOST_ROUNDS):
        used = model.worker_cpu.cost(_amounts(wish, workers)) if model.worker_cpu else None
        needed = _by_cpu(used / wish.utilisation, model.scaling) if used is not None else workers
        if needed <= workers:
            break
        workers = needed
    arithmetic = [
        f"by descriptors: {wish.connections:,} / ({wish.descriptors:,} - "
        f"{WORKER_RESERVED_DESCRIPTORS} kept back) = {by_descriptors:,}"
    ]
    if used is not None:
        arithmetic.append(
            f"by CPU: {used:.2f} cores / {wish.utilisation:.0%} of a core each = "
            f"{math.ceil(used / wish.utilisation):,}"
        )
        arithmetic += _by_law(draft, used / wish.utilisation, workers)
    draft.add("Workers", f"{workers:,}", arithmetic)
    _cores(draft, workers, used)
    return workers, used


def _amounts(wish: Wish, workers: int) -> dict[str, float]:
    return {
        WORKER: float(workers),
        CONNECTION: float(wish.connections),
        DELIVERY: wish.deliveries_per_s,
        PUBLISH: wish.messages_per_s,
        HANDSHAKE: wish.reconnects_per_s,
    }


def _by_cpu(cores: float, scaling: Scaling | None) -> int:
    """Return how many workers do the work of so many that would not hinder each other."""
    alone = max(1, math.ceil(cores))
    if scaling is None:
        return alone
    workers = alone
    while workers <= scaling.best_workers and workers * scaling.efficiency(workers) < cores:
        if workers > alone / scaling.efficiency(workers) + 1:
            break  # without coherence the law has a ceiling that it never reaches
        workers += 1
    return workers if workers * scaling.efficiency(workers) >= cores else alone


def _by_law(draft: Draft, cores: float, workers: int) -> list[str]:
    scaling = draft.model.scaling
    if scaling is None:
        return []
    efficiency = scaling.efficiency(workers)
    if workers * efficiency < cores:
        draft.warnings.append(
            "By the scalability law no number of workers of one system carries this: "
            "split it, or find what they queue for."
        )
    reached = max(point.workers for point in scaling.points)
    if workers > FAR * reached:
        draft.warnings.append(
            f"The scalability law was measured up to {reached} workers, the plan has {workers:,}."
        )
    return [f"by the scalability law each of {workers:,} does {efficiency:.0%} of one alone"]


def _cores(draft: Draft, workers: int, used: float | None) -> None:
    model, wish = draft.model, draft.wish
    amounts = _amounts(wish, workers)
    if used is None or model.worker_cpu is None:
        draft.unknown("Worker CPU", "worker_cpu", model.worker_cpu, amounts)
        return
    draft.add(
        "Cores for workers",
        f"{used / wish.utilisation:.1f}",
        [
            f"{sum_text(model.worker_cpu.terms, amounts)} = {used:.2f} cores in use",
            f"{used:.2f} / {wish.utilisation:.0%} = {used / wish.utilisation:.1f}",
        ],
    )


def size_memory(draft: Draft, workers: int) -> float | None:
    """Return bytes of all workers, the kernel's part included."""
    model, wish = draft.model, draft.wish
    amounts = {WORKER: float(workers), CONNECTION: float(wish.connections)}
    kib = _kib(model, amounts)
    if kib is None or model.memory is None:
        draft.unknown("Worker memory", "memory", model.memory, amounts)
        return None
    kernel = float(wish.connections * SOCKET_BYTES)
    base, each = model.memory.terms[WORKER] or 0.0, model.memory.terms[CONNECTION] or 0.0
    total = kib * _KIB + kernel
    draft.add(
        "Memory for workers",
        f"{total / 1e9:.1f} GB",
        [
            f"user: {workers:,} x {base * _KIB / 1e6:.1f} MB + {wish.connections:,} x "
            f"{each:.2f} KiB = {kib * _KIB / 1e9:.2f} GB",
            f"kernel: {wish.connections:,} x {SOCKET_BYTES / 1000:.1f} KB per idle socket = "
            f"{kernel / 1e9:.2f} GB, more while data is on its way",
        ],
    )
    return total


def _kib(model: Model, amounts: dict[str, float]) -> float | None:
    return model.memory.cost(amounts) if model.memory else None
