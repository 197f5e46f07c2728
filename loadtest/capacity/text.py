"""Models, checks and plans as text for a terminal."""

from collections.abc import Sequence

from loadtest.capacity.fitting import Fit
from loadtest.capacity.model import Model, Prediction
from loadtest.capacity.plan import Plan
from loadtest.capacity.scalability import Scaling
from loadtest.capacity.wish import Wish, amount

NOT_SEEN = "not seen in any run"
_US = 1e6


def model_text(model: Model) -> str:
    """Return all coefficients with their errors, and what is missing."""
    lines = [f"Fitted on {len(model.runs)} runs:"]
    lines += [f"  {run.started_at}  {run.title}" for run in model.runs]
    for title, fit, unit, factor in (
        ("Memory of a worker process (resident)", model.memory, "KiB", 1.0),
        ("Worker CPU", model.worker_cpu, "µs", _US),
        ("Redis CPU", model.redis_cpu, "µs", _US),
        ("Bytes to clients", model.network, "B", 1.0),
    ):
        if fit is not None:
            lines += ["", *_fit(title, fit, unit, factor)]
    if model.scaling is not None:
        lines += ["", *_scaling(model.scaling)]
    if model.ranges:
        lines += ["", "Measured from … to …"]
        lines += [
            f"  {name:<24} {amount(span.low):>12} … {amount(span.high)}"
            for name, span in model.ranges.items()
        ]
    lines += [f"missing: {name}: {reason}" for name, reason in model.missing.items()]
    lines += [f"doubt: {doubt}" for doubt in model.doubts]
    return "\n".join(lines)


def _fit(title: str, fit: Fit, unit: str, factor: float) -> list[str]:
    lines = [f"{title}: {fit.observations} observations, worst error {fit.worst_error:.1%}"]
    for name, value in fit.terms.items():
        shown = NOT_SEEN if value is None else f"{amount(value * factor)} {unit}"
        lines.append(f"  per {name:<22} {shown}")
    return [*lines, *(f"  doubt: {doubt}" for doubt in fit.doubts)]


def _scaling(scaling: Scaling) -> list[str]:
    best = scaling.best_workers
    return [
        "Scalability law",
        f"  one worker alone         {scaling.single_per_s:,.0f} deliveries/s",
        f"  contention               {scaling.contention:.4g}",
        f"  coherence                {scaling.coherence:.4g}",
        "  most useful workers      "
        + ("no limit seen" if best == float("inf") else f"{best:,.0f}"),
        *(
            f"  {point.workers:>4} workers: {point.per_s:>12,.0f}/s measured, "
            f"{point.fitted_per_s:>12,.0f}/s by the law, {point.error:+.1%}"
            for point in scaling.points
        ),
    ]


def check_text(predictions: Sequence[Prediction]) -> str:
    """Return a table of what was predicted and what was measured."""
    lines = [f"{'':<24}{'predicted':>16}{'measured':>16}{'error':>10}"]
    for found in predictions:
        error = "" if found.error is None else f"{found.error:+.1%}"
        lines.append(
            f"{found.name:<24}{_amount(found.predicted, found.unit):>16}"
            f"{_amount(found.measured, found.unit):>16}{error:>10}"
        )
    return "\n".join(lines)


def _amount(value: float | None, unit: str) -> str:
    if value is None:
        return "unknown"
    if unit == "KiB":
        return f"{value / 1024:,.1f} MiB"
    if unit == "B/s":
        return f"{value / 1e6:,.2f} MB/s"
    return f"{value:.3f} {unit}"


def plan_text(wish: Wish, found: Plan) -> str:
    """Return the plan with its arithmetic and its warnings."""
    lines = [
        f"{wish.connections:,} connections, {wish.messages_per_s:,.0f} messages/s to rooms of "
        f"{wish.room_size:g}, {wish.reconnects_per_s:,.0f} connections opened/s, cores busy at "
        f"{wish.utilisation:.0%} at most",
    ]
    for entry in found.entries:
        lines += ["", f"{entry.name}: {entry.amount}"]
        lines += [f"    {line}" for line in entry.arithmetic]
    if found.warnings:
        lines += ["", *(f"! {warning}" for warning in found.warnings)]
    return "\n".join(lines)
