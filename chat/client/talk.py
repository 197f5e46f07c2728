"""What is said in a room, and what is said about it."""

import asyncio
from collections.abc import Sequence
from typing import Any, NamedTuple

from chat.client.commands import Commands
from chat.client.errors import ConnectionLostError
from chat.client.events import Attachment
from chat.client.membership import Membership
from chat.client.published import Placed, Published, reference
from chat.client.typists import TypingThrottle


class Pending(NamedTuple):
    """A message of one's own that is not acknowledged yet, to be shown after all others."""

    client_message_id: str
    content: str
    sending: bool


class Talk(Commands):
    """The part of a room that talks.

    Args:
        membership: the room across connections.
    """

    def __init__(self, membership: Membership) -> None:
        super().__init__(membership)
        self._typing = TypingThrottle()

    async def publish(
        self,
        content: str,
        *,
        reply_to: Placed | None = None,
        thread_id: str | None = None,
        mentions: Sequence[str] | None = None,
        attachments: Sequence[Attachment] | None = None,
        client_message_id: str | None = None,
    ) -> Published:
        """Say something; returns when it is stored.

        Offline it waits, and it is sent again until it is acknowledged, which stores it once.

        Args:
            content: the text; it may be empty where files come along.
            reply_to: the message it answers.
            thread_id: id of the message that began its thread.
            mentions: ids of users it is for.
            attachments: files that `upload` has returned, each for one message.
            client_message_id: 1 to 64 characters that nobody else uses, to recognise it by.

        Raises:
            OutboxFullError: too much waits already.
            UncertainError: it was sent long ago, and whether it was stored cannot be found out.
        """
        fields: dict[str, Any] = {"content": content}
        if reply_to is not None:
            fields["replyTo"] = reference(reply_to)
        if thread_id is not None:
            fields["threadId"] = thread_id
        if mentions is not None:
            fields["mentions"] = list(mentions)
        if attachments:
            fields["attachments"] = [attachment.id for attachment in attachments]
        self._typing.published()
        return await self._submit("chat_message", client_message_id, fields)

    async def edit(
        self,
        message: Placed,
        content: str,
        *,
        mentions: Sequence[str] | None = None,
        client_message_id: str | None = None,
    ) -> Published:
        """Say something else in an own message."""
        fields: dict[str, Any] = {"content": content}
        if mentions is not None:
            fields["mentions"] = list(mentions)
        return await self._about("edit_message", message, client_message_id, fields)

    async def delete(self, message: Placed, *, client_message_id: str | None = None) -> Published:
        """Take an own message back, or as a moderator anyone's."""
        return await self._about("delete_message", message, client_message_id, {})

    async def react(
        self, message: Placed, reaction: str, *, client_message_id: str | None = None
    ) -> Published:
        """React to a message, with an emoji for example."""
        fields = {"reaction": reaction}
        return await self._about("add_reaction", message, client_message_id, fields)

    async def unreact(
        self, message: Placed, reaction: str, *, client_message_id: str | None = None
    ) -> Published:
        """Take a reaction back."""
        fields = {"reaction": reaction}
        return await self._about("remove_reaction", message, client_message_id, fields)

    @property
    def pending(self) -> tuple[Pending, ...]:
        """Own messages that are not acknowledged yet, in the order in which they will be sent."""
        return tuple(
            Pending(item.client_message_id, str(item.command["content"]), item.sending)
            for item in self._membership.sender.waiting()
            if item.command["type"] == "chat_message"
        )

    # -------------------------------------------------------------------- typing

    @property
    def typists(self) -> tuple[str, ...]:
        """Ids of the users who are typing now."""
        return self._membership.intake.typists.now(asyncio.get_running_loop().time())

    async def typing(self, is_typing: bool = True) -> None:
        """Tell that one is typing, or has stopped; may be called with every key.

        Only what is news is sent, and nothing while offline. A published message says it too.
        """
        connection = self._membership.online()
        now = asyncio.get_running_loop().time()
        if connection is None or not self._typing.worth(is_typing, now):
            return
        try:
            await connection.send({"type": "typing", "roomId": self.room_id, "isTyping": is_typing})
        except ConnectionLostError:
            return  # it was worth something at that moment only
