"""Commands of moderators: the token has to allow `moderate` in the room."""

from typing import Annotated

from msgspec import Meta

from chat.protocol.commands.fields import MAX_SAFE_INTEGER, Command, RoomId, UserId

Reason = Annotated[str, Meta(max_length=500)]
DurationMs = Annotated[int, Meta(ge=1, le=MAX_SAFE_INTEGER)]


class ModerationCommand(Command, frozen=True, kw_only=True):
    """What all acts on a user in a room have."""

    roomId: RoomId
    userId: UserId
    reason: Reason | None = None


class KickUser(ModerationCommand, frozen=True, kw_only=True, tag="kick_user"):
    """Put a user out of a room, on all connections; the user may come back."""


class BanUser(ModerationCommand, frozen=True, kw_only=True, tag="ban_user"):
    """Put a user out of a room and keep the user out, for a while or for good."""

    durationMs: DurationMs | None = None


class UnbanUser(ModerationCommand, frozen=True, kw_only=True, tag="unban_user"):
    """Lift a ban."""


class MuteUser(ModerationCommand, frozen=True, kw_only=True, tag="mute_user"):
    """Let a user read a room and not write, for a while or for good."""

    durationMs: DurationMs | None = None


class UnmuteUser(ModerationCommand, frozen=True, kw_only=True, tag="unmute_user"):
    """Lift a mute."""
