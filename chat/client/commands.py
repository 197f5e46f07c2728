"""How the parts of a room speak to the server."""

import uuid
from typing import Any

from chat.client.connection import Answer
from chat.client.membership import Membership
from chat.client.published import Placed, Published, reference


class Commands:
    """What every part of a room has: commands of this room, queued or asked.

    Args:
        membership: the room across connections.
    """

    def __init__(self, membership: Membership) -> None:
        self._membership = membership

    @property
    def room_id(self) -> str:
        """Its id."""
        return self._membership.room_id

    async def _submit(
        self, kind: str, client_message_id: str | None, fields: dict[str, Any]
    ) -> Published:
        """Have a command stored, under a name by which a retry is recognised."""
        name = client_message_id or str(uuid.uuid4())
        command = {"type": kind, "roomId": self.room_id, **fields, "clientMessageId": name}
        return await self._membership.submit(command, name)

    async def _about(
        self, kind: str, message: Placed, client_message_id: str | None, fields: dict[str, Any]
    ) -> Published:
        """Have a command about a message stored."""
        return await self._submit(kind, client_message_id, {**place_of(message), **fields})

    async def _ask(self, kind: str, fields: dict[str, Any], *, again: bool) -> Answer:
        """Send a command that is not queued; fields that are None are left out."""
        said = {name: value for name, value in fields.items() if value is not None}
        command = {"type": kind, "roomId": self.room_id, **said}
        return await self._membership.ask(command, again=again)


def place_of(message: Placed) -> dict[str, Any]:
    """Return the fields that say which message a command is about."""
    about = reference(message)
    return {"seq": about.seq, "messageId": about.message_id}
