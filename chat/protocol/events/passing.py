"""Events without a place in the order: sent once, and right again with the next one."""

from typing import Any, Literal

from chat.protocol.availability import State
from chat.protocol.events.base import Event

LeftReason = Literal["forbidden", "kicked", "banned", "removed"]


class RoomLeft(Event, frozen=True, kw_only=True, tag="room_left"):
    """The connection is no longer a member.

    `reason` is there where the client did not ask: its token does not allow the room any more, a
    moderator put the user out, or the user is in the room's roster no longer. `message` is what the
    moderator says, `retryAfterMs` when a ban ends.
    """

    id: int | str | None = None
    roomId: str
    reason: LeftReason | None = None
    message: str | None = None
    retryAfterMs: int | None = None


class UserJoined(Event, frozen=True, kw_only=True, tag="user_joined"):
    """A user's first device joined the room, anywhere in the cluster.

    `state` and `status` are there where the user is not plainly online.
    """

    roomId: str
    userId: str
    user: dict[str, Any] | None = None
    memberCount: int
    state: State | None = None
    status: str | None = None


class UserLeft(Event, frozen=True, kw_only=True, tag="user_left"):
    """A user's last device left the room, anywhere in the cluster."""

    roomId: str
    userId: str
    memberCount: int


class MemberCount(Event, frozen=True, kw_only=True, tag="member_count"):
    """Sent now and then in rooms too large for join and leave events."""

    roomId: str
    memberCount: int


class TypingChanged(Event, frozen=True, kw_only=True, tag="typing"):
    """A member started or stopped typing; forget it after `expiresInMs`."""

    roomId: str
    userId: str
    isTyping: bool
    expiresInMs: int | None = None


class ReadMarker(Event, frozen=True, kw_only=True, tag="read_marker"):
    """A user has read up to `readSeq`, on whichever device; it has no place in the order itself.

    Sent to that user's own connections in the room; with receipts to all of its members.
    """

    roomId: str
    userId: str
    epoch: str
    readSeq: int


class DeliveredMarker(Event, frozen=True, kw_only=True, tag="delivered_marker"):
    """A device of a user has got all up to `deliveredSeq`; it has no place in the order itself."""

    roomId: str
    userId: str
    epoch: str
    deliveredSeq: int


class PresenceChanged(Event, frozen=True, kw_only=True, tag="presence_changed"):
    """A member's state or status text is another; without `status` there is none.

    Not sent in rooms too large for join and leave events.
    """

    roomId: str
    userId: str
    state: State
    status: str | None = None
