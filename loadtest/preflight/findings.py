"""What a preflight says, and how it looks in a terminal."""

from collections.abc import Sequence
from typing import Literal

from msgspec import Struct

Severity = Literal["ok", "note", "warning", "blocker"]
MARKS: dict[Severity, str] = {"ok": "ok", "note": "note", "warning": "WARNS", "blocker": "BLOCKS"}


class Finding(Struct, frozen=True, kw_only=True):
    """One limit: what there is, what the test needs, and what to do.

    Args:
        name: the limit, as the system calls it.
        have: with its unit.
        need: with its unit.
        fix: a command or a sentence; empty where there is nothing to do.
        severity: "blocker" means that the test cannot reach its size, "warning" that its figures
            may suffer, "note" that it could not be judged or is good to know.
    """

    name: str
    have: str
    need: str
    severity: Severity
    fix: str = ""


def blocks(findings: Sequence[Finding]) -> bool:
    """Return whether anything keeps the test from its size."""
    return any(finding.severity == "blocker" for finding in findings)


def text(findings: Sequence[Finding]) -> str:
    """Return a table, what to do below the line it concerns, and the sum in one sentence."""
    rows = [(MARKS[f.severity], f.name, f.have, f.need, f.fix) for f in findings]
    head = ("", "limit", "have", "need", "")
    widths = [max(len(row[column]) for row in [head, *rows]) for column in range(4)]
    lines = []
    for row in [head, *rows]:
        cells = [cell.ljust(width) for cell, width in zip(row[:4], widths, strict=True)]
        lines.append("  ".join(cells).rstrip())
        if row[4]:
            lines.append(" " * (widths[0] + 2) + "-> " + row[4])
    return "\n".join([*lines, "", _sum(findings)])


def _sum(findings: Sequence[Finding]) -> str:
    blockers = sum(finding.severity == "blocker" for finding in findings)
    warnings = sum(finding.severity == "warning" for finding in findings)
    if blockers:
        return f"Not possible here yet: {blockers} of {len(findings)} limits block it."
    if warnings:
        return f"Possible; {warnings} of {len(findings)} limits may spoil the figures."
    return "Possible: nothing is in the way."
