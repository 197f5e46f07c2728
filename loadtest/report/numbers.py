"""Numbers for people: few digits, with units."""

import math
from datetime import datetime, timedelta

_SHORT = ((1e9, "G"), (1e6, "M"), (1e3, "k"))
_MEMORY = ((1024.0**2, "GiB"), (1024.0, "MiB"), (1.0, "KiB"))


def count(value: float) -> str:
    """Return a whole number with separators: 1,234,567."""
    return f"{value:,.0f}"


def digits(value: float, significant: int = 3) -> str:
    """Return a number with that many significant digits and no exponent: 0.0123, 4.56, 1,230."""
    if value == 0 or not math.isfinite(value):
        return f"{value:.0f}"
    decimals = max(0, significant - 1 - math.floor(math.log10(abs(value))))
    return f"{value:,.{decimals}f}"


def short(value: float) -> str:
    """Return a number in at most about five characters: 950, 1.5k, 50k, 1.2M."""
    for factor, letter in _SHORT:
        if abs(value) >= factor:
            return f"{value / factor:.3g}{letter}"
    return f"{value:.3g}"


def milliseconds(value: float) -> str:
    """Return a latency given in milliseconds: 0.42 ms, 4.12 ms, 132 ms, 1.32 s."""
    if abs(value) >= 1000:
        return f"{digits(value / 1000)} s"
    return f"{digits(value) if abs(value) >= 0.1 else f'{value:.2f}'} ms"


def seconds(value: float) -> str:
    """Return a duration given in seconds: 12 s, 2 min 40 s, 3 h 5 min."""
    if value < 10:
        return f"{digits(value, 2)} s"
    whole = round(value)
    if whole < 120:
        return f"{whole} s"
    if whole < 7200:
        return f"{whole // 60} min {whole % 60} s" if whole % 60 else f"{whole // 60} min"
    minutes = whole // 60
    return f"{minutes // 60} h {minutes % 60} min" if minutes % 60 else f"{minutes // 60} h"


def memory(kib: float) -> str:
    """Return an amount of memory given in KiB: 812 KiB, 61.3 MiB, 12.4 GiB."""
    for factor, unit in _MEMORY:
        if abs(kib) >= factor:
            return f"{digits(kib / factor)} {unit}"
    return f"{digits(kib)} KiB"


def moment(iso: str) -> str:
    """Return a moment of ISO 8601 as people write it; as it is if it is none."""
    try:
        found = datetime.fromisoformat(iso)
    except ValueError:
        return iso
    zone = " UTC" if found.utcoffset() == timedelta(0) else found.strftime(" %z").rstrip()
    return f"{found:%Y-%m-%d %H:%M:%S}{zone}"
