"""Which metrics an expression of PromQL reads."""

import re

_STRINGS = re.compile(r"\"[^\"]*\"|'[^']*'")
_LABELS = re.compile(r"\{[^{}]*\}|\b(?:by|without|on|ignoring)\s*\([^()]*\)|\[[^\[\]]*\]")
_NAMES = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*(?!\w)(?!\s*\()")
_WORDS = {"and", "or", "unless", "bool", "offset", "inf", "nan"}
_NUMBERS = re.compile(r"\b\d[\w.]*")


def metrics_of(expression: str) -> set[str]:
    """Return the names, those of a histogram's parts without their ending."""
    for noise in (_STRINGS, _LABELS, _NUMBERS):
        expression = noise.sub(" ", expression)
    names = {match[0] for match in _NAMES.finditer(expression)} - _WORDS
    return {re.sub(r"_(bucket|sum|count)$", "", name) for name in names}
