"""What a line of input asks for: pure. A line is text, or with `--json` perhaps a JSON object."""

from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from chat.client import Published, Role, Room
from chat.client.events import Reference

ClientMessageId = Annotated[str, Meta(min_length=1, max_length=64)]


class LineError(Exception):
    """A JSON line that asks for nothing that can be done; the text says why."""


class _Line(Struct, frozen=True, kw_only=True, tag_field="type", rename="camel"):
    """Base: the type is the command's of docs/protocol.md, `chat_message` if there is none."""


class Say(_Line, frozen=True, kw_only=True, tag="chat_message"):
    """A message."""

    content: str
    client_message_id: ClientMessageId | None = None
    reply_to: Reference | None = None
    thread_id: str | None = None
    mentions: list[str] | None = None

    async def do(self, room: Room) -> Published:
        """Say it."""
        return await room.publish(
            self.content,
            client_message_id=self.client_message_id,
            reply_to=self.reply_to,
            thread_id=self.thread_id,
            mentions=self.mentions,
        )


class _About(_Line, frozen=True, kw_only=True):
    """About a message."""

    seq: int
    message_id: str
    client_message_id: ClientMessageId | None = None


class Edit(_About, frozen=True, kw_only=True, tag="edit_message"):
    """Another content for an own message."""

    content: str
    mentions: list[str] | None = None

    async def do(self, room: Room) -> Published:
        """Edit it."""
        name = self.client_message_id
        return await room.edit(self, self.content, mentions=self.mentions, client_message_id=name)


class Delete(_About, frozen=True, kw_only=True, tag="delete_message"):
    """Take a message away."""

    async def do(self, room: Room) -> Published:
        """Delete it."""
        return await room.delete(self, client_message_id=self.client_message_id)


class React(_About, frozen=True, kw_only=True, tag="add_reaction"):
    """React to a message."""

    reaction: str

    async def do(self, room: Room) -> Published:
        """React to it."""
        return await room.react(self, self.reaction, client_message_id=self.client_message_id)


class Unreact(_About, frozen=True, kw_only=True, tag="remove_reaction"):
    """Take a reaction back."""

    reaction: str

    async def do(self, room: Room) -> Published:
        """Take it back."""
        return await room.unreact(self, self.reaction, client_message_id=self.client_message_id)


class Change(_Line, frozen=True, kw_only=True, tag="change_room"):
    """Another title, topic or rule for the room; null resets one, what is left out stays."""

    title: str | UnsetType | None = UNSET
    topic: str | UnsetType | None = UNSET
    slow_mode_ms: int | UnsetType | None = UNSET
    history_size: int | UnsetType | None = UNSET
    history_ms: int | UnsetType | None = UNSET
    read_only: bool | UnsetType | None = UNSET
    large: bool | UnsetType | None = UNSET
    client_message_id: ClientMessageId | None = None

    async def do(self, room: Room) -> Published:
        """Change it."""
        return await room.change(**msgspec.structs.asdict(self))


class Invite(_Line, frozen=True, kw_only=True, tag="invite_user"):
    """Ask a user to take part in a private room."""

    user_id: str
    role: Role = "member"
    client_message_id: ClientMessageId | None = None

    async def do(self, room: Room) -> Published:
        """Invite the user."""
        name = self.client_message_id
        return await room.invite(self.user_id, role=self.role, client_message_id=name)


class Seat(_Line, frozen=True, kw_only=True, tag="set_role"):
    """Make a participant of a private room something else."""

    user_id: str
    role: Role
    client_message_id: ClientMessageId | None = None

    async def do(self, room: Room) -> Published:
        """Give the user the role."""
        name = self.client_message_id
        return await room.set_role(self.user_id, self.role, client_message_id=name)


class Remove(_Line, frozen=True, kw_only=True, tag="remove_participant"):
    """Take a user out of a private room."""

    user_id: str
    client_message_id: ClientMessageId | None = None

    async def do(self, room: Room) -> Published:
        """Remove the user."""
        name = self.client_message_id
        return await room.remove_participant(self.user_id, client_message_id=name)


Wish = Say | Edit | Delete | React | Unreact | Change | Invite | Seat | Remove


def wish(line: str, *, json: bool) -> Wish | None:
    """Return what a line asks for, None for an empty line.

    Raises:
        LineError: it begins like a JSON object and is not one that asks for something.
    """
    if not line.strip():
        return None
    if not json or not line.lstrip().startswith("{"):
        return Say(content=line)
    try:
        fields = msgspec.json.decode(line, type=dict[str, object])
        asked: Wish = msgspec.convert({"type": "chat_message", **fields}, Wish)
    except (msgspec.DecodeError, RecursionError) as exc:
        raise LineError(str(exc)) from None
    return asked
