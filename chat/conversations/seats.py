"""A seat in a roster: who belongs to a room, as what, and what that allows."""

from typing import NamedTuple

from chat.conversations.kinds import inbox_of, is_inbox
from chat.identity.access import Action
from chat.protocol.commands import Role

_RANKS = {Role.MEMBER: 0, Role.MODERATOR: 1, Role.OWNER: 2}
_LETTERS = {Role.MEMBER: "p", Role.MODERATOR: "m", Role.OWNER: "o"}
_ROLES = {letter: role for role, letter in _LETTERS.items()}


class Seat(NamedTuple):
    """What a user is in a room.

    Args:
        role: what the user may do there.
        invited: the user has not answered yet, and may do nothing.
    """

    role: Role
    invited: bool = False

    @property
    def code(self) -> str:
        """How it is kept: `oj` is an owner who takes part, `pi` a member who is invited."""
        return _LETTERS[self.role] + ("i" if self.invited else "j")

    @property
    def owns(self) -> bool:
        """Whether this is an owner who takes part."""
        return self.role is Role.OWNER and not self.invited


def seat_of(code: str) -> Seat:
    """Return the seat that a code stands for.

    Raises:
        KeyError: it stands for none.
    """
    return Seat(_ROLES[code[0]], {"i": True, "j": False}[code[1]])


def outranks(seat: Seat | None, role: Role) -> bool:
    """Whether who has a seat may act on users with a role: owners on all, moderators on members."""
    if seat is None or seat.invited:
        return False
    return seat.role is Role.OWNER or _RANKS[seat.role] > _RANKS[role]


def grants(
    room_id: str, user_id: str, action: Action, seat: Seat | None, *, by_token: bool
) -> bool:
    """Whether a user may do something in a reserved room.

    Args:
        room_id: the room.
        user_id: the user.
        action: what is to be done.
        seat: of the user in the room's roster.
        by_token: whether the user's token allows it there.
    """
    if is_inbox(room_id):
        return action is Action.JOIN and room_id == inbox_of(user_id)
    if seat is None or seat.invited:
        return False
    if action is Action.MODERATE and seat.role is not Role.MEMBER:
        return True
    return by_token
