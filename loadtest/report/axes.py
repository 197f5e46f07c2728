"""Axes: where values are between 0 and 1, and where readable ticks go."""

import math
from typing import Literal

from msgspec import Struct

from loadtest.report import numbers

Unit = Literal["count", "per_s", "kib", "kib_per_s", "cores", "ms"]

_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)
TIME_STEPS_S = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 28800, 86400)
_NOTHING = 1e-9
_MOST_DECADES_WITH_125 = 1.7
_NAMES: dict[Unit, str] = {
    "count": "",
    "per_s": "per second",
    "kib": "KiB",
    "kib_per_s": "KiB/s",
    "cores": "cores",
    "ms": "logarithmic",
}


class Tick(Struct, frozen=True):
    """One mark on an axis."""

    at: float  # 0 to 1
    label: str


class Axis(Struct, frozen=True, kw_only=True):
    """From `low` to `high`; a logarithmic one has a low above 0."""

    low: float
    high: float
    ticks: list[Tick]
    label: str
    logarithmic: bool = False

    def position(self, value: float) -> float:
        """Return where a value is, 0 at the low end, 1 at the high; clamped."""
        if self.logarithmic:
            value = max(value, self.low)
            part = math.log(value / self.low) / math.log(self.high / self.low)
        else:
            part = (value - self.low) / (self.high - self.low)
        return min(1.0, max(0.0, part))


def from_zero(highest: float, unit: Unit, ticks: int = 4) -> Axis:
    """Return a linear axis from 0 to a round number above `highest`."""
    divisor, label = _scaled(highest, unit)
    top = highest / divisor if highest > _NOTHING else 1.0
    step = _nice_step(top / ticks)
    if unit == "count":
        step = max(1.0, step)
    marks = math.ceil(top / step - 1e-9)
    values = [step * n for n in range(marks + 1)]
    return Axis(
        low=0.0,
        high=values[-1] * divisor,
        ticks=[Tick(value / values[-1], numbers.short(value)) for value in values],
        label=label,
    )


def logarithmic(lowest: float, highest: float) -> Axis:
    """Return an axis of milliseconds, between powers of ten or their 1-2-5 steps."""
    lowest = max(lowest, 1e-3)
    highest = max(highest, lowest * 2)
    fine = math.log10(highest / lowest) < _MOST_DECADES_WITH_125
    factors = (1, 2, 5) if fine else (1,)
    powers = range(math.floor(math.log10(lowest)) - 1, math.ceil(math.log10(highest)) + 2)
    marks = sorted(factor * 10.0**power for power in powers for factor in factors)
    low = max(mark for mark in marks if mark <= lowest * 1.000001)
    high = min(mark for mark in marks if mark >= highest * 0.999999)
    span = math.log(high / low)
    return Axis(
        low=low,
        high=high,
        ticks=[
            Tick(math.log(mark / low) / span, _round_ms(mark))
            for mark in marks
            if low * 0.99 <= mark <= high * 1.01
        ],
        label=_NAMES["ms"],
        logarithmic=True,
    )


def timeline(end_s: float, ticks: int = 7) -> Axis:
    """Return an axis of time since the start of the ramp."""
    end_s = max(end_s, 1.0)
    step = next((step for step in TIME_STEPS_S if end_s / step <= ticks), TIME_STEPS_S[-1])
    marks = range(0, math.floor(end_s) + 1, step)
    return Axis(
        low=0.0,
        high=end_s,
        ticks=[Tick(mark / end_s, _clock(mark, end_s)) for mark in marks],
        label=f"time, {_clock_unit(end_s)}",
    )


def _scaled(highest: float, unit: Unit) -> tuple[float, str]:
    """Return what to divide by and the name of what is left, so that labels stay short."""
    suffix = "/s" if unit == "kib_per_s" else ""
    if unit in ("kib", "kib_per_s"):
        if highest >= 2 * 1024**2:
            return 1024.0**2, f"GiB{suffix}"
        if highest >= 2 * 1024:
            return 1024.0, f"MiB{suffix}"
    return 1.0, _NAMES[unit]


def _nice_step(rough: float) -> float:
    power = 10.0 ** math.floor(math.log10(rough))
    return power * next(step for step in _STEPS if step * power >= rough * 0.999999)


def _round_ms(value: float) -> str:
    return f"{value / 1000:g} s" if value >= 1000 else f"{value:g} ms"


def _clock(at_s: int, end_s: float) -> str:
    unit = _clock_unit(end_s)
    if unit == "s":
        return f"{at_s}"
    if unit == "min:s":
        return f"{at_s // 60}:{at_s % 60:02}"
    return f"{at_s // 3600}:{at_s // 60 % 60:02}"


def _clock_unit(end_s: float) -> str:
    if end_s < 120:
        return "s"
    return "min:s" if end_s < 7200 else "h:min"
