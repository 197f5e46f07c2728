"""How a roster may change: what is wished, what there is, and what comes of it.

Whoever asks, a roster with anybody in it keeps an owner who takes part, nobody comes in without
being let in by somebody who may, and nobody gets more out of a wish than who grants it has.
"""

from typing import NamedTuple

from chat.conversations.kinds import is_direct
from chat.conversations.seats import Seat, outranks
from chat.protocol.commands import Role
from chat.protocol.errors import CommandError, ErrorCode


class Invite(NamedTuple):
    """Ask a user to take part; nothing is seen of the room before the user has said yes."""

    role: Role


class Answer(NamedTuple):
    """Accept an invitation of one's own, or decline it."""

    accept: bool


class SetRole(NamedTuple):
    """Make a user something else; by a back end the user takes part at once, whoever it is."""

    role: Role


class Remove(NamedTuple):
    """Take a user out, or an invitation back; oneself: leave for good."""


Wish = Invite | Answer | SetRole | Remove


class View(NamedTuple):
    """What of a roster a wish depends on.

    Args:
        room_id: the room.
        actor: seat of who wishes.
        target: seat of whom it is about.
        is_self: both are the same user.
        is_trusted: a back end asks, whose API key says that it may moderate.
        owners: who own the room and take part.
        size: seats, those of invited users included.
    """

    room_id: str
    actor: Seat | None
    target: Seat | None
    is_self: bool
    is_trusted: bool
    owners: int
    size: int


class Verdict(NamedTuple):
    """What a roster becomes.

    Args:
        seat: of the target; None takes it away.
        owners: as in the view, then.
        size: as in the view, then.
    """

    seat: Seat | None
    owners: int
    size: int


def judge(wish: Wish, view: View, size_max: int) -> Verdict | None:
    """Return what comes of a wish, None if it is so already.

    Raises:
        CommandError: forbidden, invalid_message, last_owner, too_many_participants.
    """
    if view.actor is None and not view.is_trusted:
        raise CommandError(ErrorCode.FORBIDDEN, OUTSIDE)
    if is_direct(view.room_id):
        raise CommandError(ErrorCode.FORBIDDEN, "Who is in a direct room does not change.")
    seat = _wished(wish, view)
    if seat == view.target:
        return None
    return _verdict(view, seat, size_max)


OUTSIDE = "Only who is in the roster of this room may do that."


def _wished(wish: Wish, view: View) -> Seat | None:
    match wish:
        case Invite(role):
            return _invited(view, role)
        case Answer(accept):
            return _answered(view, accept=accept)
        case SetRole(role):
            return _made(view, role)
        case Remove():
            return _removed(view)


def _verdict(view: View, seat: Seat | None, size_max: int) -> Verdict:
    before = view.target
    owners = view.owners + (seat is not None and seat.owns) - (before is not None and before.owns)
    size = view.size + (seat is not None) - (before is not None)
    if size > view.size and size > size_max:
        raise CommandError(
            ErrorCode.TOO_MANY_PARTICIPANTS, f"This room may have {size_max} participants."
        )
    if size and not owners:
        raise CommandError(ErrorCode.LAST_OWNER, "Make somebody else an owner first.")
    return Verdict(seat, owners, size)


def _invited(view: View, role: Role) -> Seat:
    _require(view, view.is_trusted or _may_grant(view.actor, role))
    if view.target is None:
        return Seat(role, invited=True)
    if not view.target.invited:
        return view.target  # takes part already: what a user is changes by `set_role`
    _require(view, view.is_trusted or _may_grant(view.actor, view.target.role))
    return Seat(role, invited=True)


def _may_grant(seat: Seat | None, role: Role) -> bool:
    """Moderators invite members, owners everybody."""
    return outranks(seat, role)


def _answered(view: View, *, accept: bool) -> Seat | None:
    _require(view, view.is_self)
    if view.target is None or not (view.target.invited or accept):
        raise CommandError(ErrorCode.FORBIDDEN, "You are not invited.")
    return view.target._replace(invited=False) if accept else None


def _made(view: View, role: Role) -> Seat:
    owns = view.actor is not None and view.actor.owns
    if view.is_trusted:
        return Seat(role)
    _require(view, owns)
    if view.target is None:
        raise CommandError(ErrorCode.INVALID_MESSAGE, "Invite that user first.")
    return view.target._replace(role=role)


def _removed(view: View) -> Seat | None:
    if view.is_trusted or view.is_self:
        return None
    role = Role.MEMBER if view.target is None else view.target.role
    _require(view, outranks(view.actor, role))
    return None


def _require(view: View, may: bool) -> None:
    if not may:
        named = "an invited user" if view.actor and view.actor.invited else "your role"
        raise CommandError(ErrorCode.FORBIDDEN, f"That is not for {named} in this room.")
