"""Events about a room without a place in its order: they come once or not at all."""

from typing import Any

from chat.client.events.base import RoomEvent


class RoomLeft(RoomEvent, frozen=True, kw_only=True, tag="room_left"):
    """One is not a member any more.

    `reason` is there if it was not one's own wish: `forbidden` by the token, `kicked`, `banned`,
    `removed` from a private room, or what a newer server says. `message` is what a moderator said,
    and `retry_after_ms` when a ban ends.
    """

    id: int | str | None = None
    reason: str | None = None
    message: str | None = None
    retry_after_ms: int | None = None


class UserJoined(RoomEvent, frozen=True, kw_only=True, tag="user_joined"):
    """A user's first device joined; `state` and `status` are how the user is."""

    user_id: str
    user: dict[str, Any] | None = None
    member_count: int
    state: str = "online"
    status: str | None = None


class UserLeft(RoomEvent, frozen=True, kw_only=True, tag="user_left"):
    """A user's last device left."""

    user_id: str
    member_count: int


class MemberCount(RoomEvent, frozen=True, kw_only=True, tag="member_count"):
    """How many are in a large room, now and then."""

    member_count: int


class TypingChanged(RoomEvent, frozen=True, kw_only=True, tag="typing"):
    """Someone started or stopped typing; to be forgotten after `expires_in_ms`."""

    user_id: str
    is_typing: bool
    expires_in_ms: int | None = None


class ReadMarker(RoomEvent, frozen=True, kw_only=True, tag="read_marker"):
    """A user has read up to a place: oneself on another device, or with receipts anyone."""

    user_id: str
    epoch: str
    read_seq: int


class DeliveredMarker(RoomEvent, frozen=True, kw_only=True, tag="delivered_marker"):
    """A device of a user has got everything up to a place: one's own, or with receipts anyone's."""

    user_id: str
    epoch: str
    delivered_seq: int


class PresenceChanged(RoomEvent, frozen=True, kw_only=True, tag="presence_changed"):
    """A member is `online`, `away` or `busy` now, with a few words perhaps."""

    user_id: str
    state: str
    status: str | None = None
