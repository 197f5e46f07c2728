"""What a room is called, and what holds in it."""

from typing import Final

from msgspec import UNSET, UnsetType

from chat.client.commands import Commands
from chat.client.events import About
from chat.client.published import Published

_STAYS: Final = UNSET


class Rules(Commands):
    """The part of a room that says what it is like."""

    @property
    def about(self) -> About:
        """What is set of the room: title, topic and rules."""
        return self._membership.intake.standing.about

    async def change(
        self,
        *,
        title: str | UnsetType | None = _STAYS,
        topic: str | UnsetType | None = _STAYS,
        slow_mode_ms: int | UnsetType | None = _STAYS,
        history_size: int | UnsetType | None = _STAYS,
        history_ms: int | UnsetType | None = _STAYS,
        read_only: bool | UnsetType | None = _STAYS,
        large: bool | UnsetType | None = _STAYS,
        client_message_id: str | None = None,
    ) -> Published:
        """Change what is given, for everyone; None resets. Needs `moderate`. `About` says what.

        Queued and sent again as a message is.
        """
        fields = {
            "title": title,
            "topic": topic,
            "slowModeMs": slow_mode_ms,
            "historySize": history_size,
            "historyMs": history_ms,
            "readOnly": read_only,
            "large": large,
        }
        given = {name: value for name, value in fields.items() if value is not UNSET}
        return await self._submit("change_room", client_message_id, given)
