"""Tokens for tests: one symmetric key that every worker under test is given."""

import time
from collections.abc import Mapping, Sequence
from typing import Any

import jwt

EVERY_ROOM: Mapping[str, Sequence[str]] = {"*": ("join", "publish", "edit", "delete", "react")}
SECRET = "a key of the tests, long enough for HS256"


def token(
    user: str,
    /,
    *,
    rooms: Mapping[str, Sequence[str]] | None = EVERY_ROOM,
    ttl_s: float = 36_000.0,  # some are made before the first test, for the last
    secret: str = SECRET,
    **claims: Any,
) -> str:
    """Mint a token for a user.

    Args:
        user: the `sub` claim.
        rooms: room patterns and what is allowed in them; None leaves the claim out.
        ttl_s: seconds until it expires; negative for one that has.
        secret: the key, to make a token that must be refused.
        claims: further claims, or others instead of the usual ones.
    """
    now_s = time.time()
    payload: dict[str, Any] = {"sub": user, "iat": int(now_s), "exp": now_s + ttl_s}
    if rooms is not None:
        payload["rooms"] = {pattern: list(allowed) for pattern, allowed in rooms.items()}
    return jwt.encode(payload | claims, secret, algorithm="HS256")
