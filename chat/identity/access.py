"""What a token allows: actions on rooms whose ids match a pattern.

A million connections hold capabilities, and few sets of them differ: equal sets are one object.
"""

from collections.abc import Mapping
from enum import StrEnum
from functools import lru_cache
from typing import Any

import orjson

from chat.protocol.patterns import Pattern

PATTERNS_MAX = 100
PATTERN_LENGTH_MAX = 128


class Action(StrEnum):
    """What can be done in a room. None of them implies another."""

    JOIN = "join"
    PUBLISH = "publish"
    EDIT = "edit"
    DELETE = "delete"
    REACT = "react"
    MODERATE = "moderate"
    CREATE = "create"


#: What someone who takes part in a room usually may: everything but to moderate it.
MEMBER = tuple(action.value for action in Action if action is not Action.MODERATE)


class CapabilitiesError(Exception):
    """The claim `rooms` is not of its form; the text may be shown."""


class Capabilities:
    """An immutable set of (pattern, actions)."""

    __slots__ = ("_everywhere", "_rules")

    def __init__(self, rules: tuple[tuple[str, frozenset[str]], ...]) -> None:
        self._everywhere = dict(rules).get("*", frozenset())
        self._rules = tuple((Pattern(pattern), actions) for pattern, actions in rules)

    def allows(self, room_id: str, action: Action) -> bool:
        """Whether any pattern that matches the room carries the action.

        Cost: linear in patterns and the room id's length.
        """
        for pattern, actions in self._rules:  # on every message's way: `any` costs three times this
            if action in actions and pattern.matches(room_id):
                return True
        return False

    def allows_everywhere(self, action: Action) -> bool:
        """Whether the pattern `*` itself carries the action: what acts on users needs that."""
        return action.value in self._everywhere


def parse_capabilities(claim: Any) -> Capabilities:
    """Read the claim `rooms`: a mapping of patterns to lists of actions. None allows nothing.

    Raises:
        CapabilitiesError: it is something else, or too large.
    """
    if claim is None:
        return _capabilities(b"{}")
    if not isinstance(claim, Mapping):
        raise CapabilitiesError("the claim `rooms` is not a mapping")
    try:
        return _parsed(orjson.dumps(claim))
    except orjson.JSONEncodeError:
        return _validated(claim)  # which words what is wrong with it


@lru_cache(maxsize=4096)
def _parsed(claim: bytes) -> Capabilities:
    """Most tokens of one deployment carry one of few claims, to the letter."""
    return _validated(orjson.loads(claim))


def _validated(claim: Mapping[Any, Any]) -> Capabilities:
    if len(claim) > PATTERNS_MAX:
        raise CapabilitiesError(f"the claim `rooms` has more than {PATTERNS_MAX} patterns")
    for pattern, actions in claim.items():
        if not isinstance(pattern, str) or not 1 <= len(pattern) <= PATTERN_LENGTH_MAX:
            raise CapabilitiesError("the claim `rooms` has a pattern that is too long or no text")
        if not isinstance(actions, list) or not all(
            isinstance(action, str) and action in _ACTIONS for action in actions
        ):
            raise CapabilitiesError("an action in the claim `rooms` is not known")
    canonical = {pattern: sorted(set(actions)) for pattern, actions in claim.items()}
    try:
        return _capabilities(orjson.dumps(canonical, option=orjson.OPT_SORT_KEYS))
    except orjson.JSONEncodeError:
        raise CapabilitiesError("a pattern in the claim `rooms` is not Unicode") from None


_ACTIONS = frozenset(action.value for action in Action)


@lru_cache(maxsize=65536)
def _capabilities(canonical: bytes) -> Capabilities:
    rules = orjson.loads(canonical)
    return Capabilities(tuple((pattern, frozenset(actions)) for pattern, actions in rules.items()))
