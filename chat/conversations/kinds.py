"""What kind of room an id names: its prefix says it, so that no room costs a question about it."""

import hashlib
from base64 import urlsafe_b64encode
from collections.abc import Iterable

PRIVATE = "private:"
DIRECT = "direct:"
INBOX = "inbox:"
_WITH_ROSTER = (PRIVATE, DIRECT)
_RESERVED = (*_WITH_ROSTER, INBOX)
#: Bytes of SHA-256 in an id: finding two sets of users with one id takes 2^96 tries.
_HASH_BYTES = 24


def is_reserved(room_id: str) -> bool:
    """Whether a room is anything but open to whom a token lets in."""
    return ":" in room_id and room_id.startswith(_RESERVED)  # most ids: one quick look


def has_roster(room_id: str) -> bool:
    """Whether only those in its roster may be in a room."""
    return ":" in room_id and room_id.startswith(_WITH_ROSTER)


def is_direct(room_id: str) -> bool:
    """Whether a room is a conversation between fixed users."""
    return room_id.startswith(DIRECT)


def is_inbox(room_id: str) -> bool:
    """Whether a room is the inbox of some user."""
    return room_id.startswith(INBOX)


def inbox_of(user_id: str) -> str:
    """Return the id of the room in which the server tells a user what concerns nobody else."""
    return INBOX + _hashed([user_id])


def direct_between(user_ids: Iterable[str]) -> str:
    """Return the id of the one direct room of these users, in whichever order they come."""
    return DIRECT + _hashed(sorted(set(user_ids)))


def _hashed(user_ids: list[str]) -> str:
    """The lengths keep users `a`, `bc` apart from `ab`, `c`."""
    named = "".join(f"{len(user_id)}:{user_id}" for user_id in user_ids)
    digest = hashlib.sha256(named.encode("utf-8", "surrogatepass")).digest()
    return urlsafe_b64encode(digest[:_HASH_BYTES]).decode()
