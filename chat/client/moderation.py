"""What moderators may do to a user in a room, and how others call them."""

from chat.client.commands import Commands, place_of
from chat.client.published import Placed


class Moderation(Commands):
    """The part of a room that keeps order in it."""

    async def kick(self, user_id: str, *, reason: str | None = None) -> None:
        """Put a user out of the room, who may come back. Needs `moderate`, as all of these.

        Raises:
            ConnectionLostError: whether it happened is unknown; doing it again does no harm.
        """
        await self._moderate("kick_user", user_id, reason=reason)

    async def ban(
        self, user_id: str, *, duration_s: float | None = None, reason: str | None = None
    ) -> None:
        """Put a user out of the room and keep them out, for a time or for good."""
        await self._moderate("ban_user", user_id, duration_s=duration_s, reason=reason)

    async def unban(self, user_id: str, *, reason: str | None = None) -> None:
        """Let a banned user in again."""
        await self._moderate("unban_user", user_id, reason=reason)

    async def mute(
        self, user_id: str, *, duration_s: float | None = None, reason: str | None = None
    ) -> None:
        """Let a user read only, for a time or for good."""
        await self._moderate("mute_user", user_id, duration_s=duration_s, reason=reason)

    async def unmute(self, user_id: str, *, reason: str | None = None) -> None:
        """Let a muted user speak again."""
        await self._moderate("unmute_user", user_id, reason=reason)

    async def report_message(self, message: Placed, reason: str) -> None:
        """Tell those who answer for the room what is wrong with a message; anyone may.

        Raises:
            ConnectionLostError: whether it was told is unknown.
        """
        await self._ask("report_message", {**place_of(message), "reason": reason}, again=False)

    async def _moderate(
        self,
        kind: str,
        user_id: str,
        *,
        duration_s: float | None = None,
        reason: str | None = None,
    ) -> None:
        duration_ms = None if duration_s is None else round(duration_s * 1000)
        fields = {"userId": user_id, "durationMs": duration_ms, "reason": reason}
        await self._ask(kind, fields, again=False)
