"""A room as a program uses it."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from chat.client.buffer import Events
from chat.client.errors import ChatError, ConnectionLostError
from chat.client.events import (
    Attachment,
    ChatMessage,
    Event,
    HistoryPage,
    Member,
    Ordered,
    Position,
    PresencePage,
)
from chat.client.membership import Membership
from chat.client.published import Placed, Published, reference
from chat.client.typists import TypingThrottle
from chat.client.uploads import Progress, Uploads

PAGE_SIZE = 100


class Pending(NamedTuple):
    """A message of one's own that is not acknowledged yet, to be shown after all others."""

    client_message_id: str
    content: str
    sending: bool


class Room:
    """A room one has joined: it stays joined, on whichever connection, until it is left.

    Made by `Client.join`. What changes something needs the right to it in the user's token. It
    raises `RefusedError` where the server refuses for good, and `RoomLeftError` or `StoppedError`
    when one is not in the room any more. If it is cancelled it is not sent, or not again.
    """

    def __init__(
        self,
        membership: Membership,
        *,
        leave: Callable[[], Coroutine[None, None, None]],
        uploads: Uploads,
    ) -> None:
        self._membership = membership
        self._leave = leave
        self._uploads = uploads
        self._position: Position | None = None
        self._typing = TypingThrottle()
        self._marking = asyncio.Lock()

    @property
    def room_id(self) -> str:
        """Its id."""
        return self._membership.room_id

    @property
    def joined(self) -> bool:
        """Whether one is a member and will come back if the connection breaks."""
        return self._membership.error is None

    @property
    def member_count(self) -> int:
        """How many users are in it, as last heard."""
        return self._membership.intake.member_count

    @property
    def position(self) -> Position | None:
        """Up to where `events` has handed over: what `Client.join` takes as `since`."""
        return self._position or self._membership.intake.start

    # -------------------------------------------------------------------- events

    def events(self) -> Events:
        """Return the iterator over what happens: each event with a place once, in order, no hole.

        It begins where the room was joined, whenever it is called, and there is one of it: two
        tasks must not wait for events of the same room. What one missed while a connection was
        broken comes with the next one; what cannot come any more is a `Gap`.

        `Options.max_buffered` events wait for a slow program. From three quarters of that on it
        gets no typing and presence events; when it is full nothing is kept, and once the program
        has worked off half, the server is asked for all that followed.

        It ends when the room is left or the client closed, and raises `StoppedError` if the client
        had to stop.
        """
        return Events(self._membership.intake.buffer, self._handed_over)

    def _handed_over(self, event: Event) -> None:
        position = getattr(event, "position", None)
        if isinstance(position, Position):
            self._position = position

    # ------------------------------------------------------------------ messages

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

    async def upload(
        self,
        file: bytes | Path,
        *,
        name: str | None = None,
        on_progress: Progress | None = None,
    ) -> Attachment:
        """Upload a file that a message in this room is to bring along.

        It goes over HTTP and needs no connection of the client.

        Args:
            file: its bytes, or where it is.
            name: what it is called; that of the path by default.
            on_progress: is called in the event loop with the bytes sent and the bytes there are.

        Raises:
            RefusedError: the server does not take it: `file_too_large`, `file_type_refused`,
                `rate_limited`.
            ConnectionLostError: it did not arrive; try it again.
            OSError: the file cannot be read.

        Cancellation: it is not uploaded, or it is and nobody knows of it.
        """
        return await self._uploads.upload(self.room_id, file, name, on_progress)

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

    # ------------------------------------------------------------------- history

    async def history_page(
        self,
        *,
        before: int | None = None,
        after: int | None = None,
        epoch: str | None = None,
        limit: int = PAGE_SIZE,
    ) -> HistoryPage:
        """Return a page of stored messages: the last ones, or those before or after a seq.

        Raises:
            GoneError: with `epoch`, if positions of that epoch mean nothing any more.
        """
        fields = {"before": before, "after": after, "epoch": epoch, "limit": limit}
        page = await self._ask("history", fields, again=True)
        if not isinstance(page, HistoryPage):
            raise ChatError("the server answered something else")
        return page

    async def history(
        self, *, before: int | None = None, after: int | None = None, limit: int | None = None
    ) -> AsyncIterator[ChatMessage]:
        """Yield stored messages: the latest first, or with `after` from there on the oldest first.

        Args:
            before: only messages before this seq.
            after: only messages after this seq; not both.
            limit: so many at most; all that are kept otherwise.

        Raises:
            GoneError: the store went back in time meanwhile.
        """
        left = limit
        epoch: str | None = None
        more = True
        while more and left != 0:
            size = PAGE_SIZE if left is None else min(left, PAGE_SIZE)
            page = await self.history_page(before=before, after=after, epoch=epoch, limit=size)
            epoch = page.epoch
            for message in page.messages if after is not None else page.messages[::-1]:
                yield message
            left = None if left is None else left - len(page.messages)
            more = page.more
            if after is not None:
                after = _last_seq(page)
            else:
                before = _first_seq(page)

    # ------------------------------------------------------------------- reading

    @property
    def read_seq(self) -> int | None:
        """Up to where one has read, on any device; None while nothing is known to be read."""
        return self._membership.intake.reading.seq

    @property
    def unread(self) -> int:
        """How many places of the order follow `read_seq`: messages, and events about them."""
        head = self._membership.intake.head
        return 0 if head is None else max(0, head.seq - (self.read_seq or 0))

    async def mark_read(self, upto: Ordered | Position | None = None) -> None:
        """Say that one has read up to an event, or to what `events` has handed over last.

        The marker only moves forward. Call it as often as you like: of calls that wait for each
        other, as they do while offline, only the last is sent. One's other devices get a
        `ReadMarker`.

        Raises:
            GoneError: the place is of an epoch that means nothing any more.
        """
        position = upto.position if isinstance(upto, Ordered) else upto or self.position
        if position is None:
            return
        reading = self._membership.intake.reading
        reading.read(position)
        async with self._marking:
            untold = reading.untold
            if untold is not None:
                await self._ask("mark_read", untold._asdict(), again=True)
                reading.told(untold)

    # -------------------------------------------------------------------- people

    async def members(self) -> AsyncIterator[Member]:
        """Yield the users in the room, each once; who comes or goes meanwhile may be missing."""
        seen: set[str] = set()
        cursor: str | None = None
        while True:
            page = await self._ask("presence", {"cursor": cursor}, again=True)
            if not isinstance(page, PresencePage):
                raise ChatError("the server answered something else")
            self._membership.intake.member_count = page.member_count
            for member in page.members:
                if member.user_id not in seen:
                    seen.add(member.user_id)
                    yield member
            cursor = page.cursor
            if cursor is None:
                return

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

    # ---------------------------------------------------------------- moderation

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

    # ---------------------------------------------------------------------- life

    async def leave(self) -> None:
        """Leave the room: `events` ends after what has arrived, unsent commands are dropped."""
        await self._leave()

    async def _submit(
        self, kind: str, client_message_id: str | None, fields: dict[str, Any]
    ) -> Published:
        name = client_message_id or str(uuid.uuid4())
        command = {"type": kind, "roomId": self.room_id, **fields, "clientMessageId": name}
        return await self._membership.submit(command, name)

    async def _about(
        self, kind: str, message: Placed, client_message_id: str | None, fields: dict[str, Any]
    ) -> Published:
        about = reference(message)
        where = {"seq": about.seq, "messageId": about.message_id}
        return await self._submit(kind, client_message_id, {**where, **fields})

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

    async def _ask(self, kind: str, fields: dict[str, Any], *, again: bool) -> object:
        said = {name: value for name, value in fields.items() if value is not None}
        command = {"type": kind, "roomId": self.room_id, **said}
        return await self._membership.ask(command, again=again)


def _first_seq(page: HistoryPage) -> int:
    """Return where the page before this one ends; a page may be empty and not the last."""
    if page.from_seq is not None:
        return page.from_seq
    return page.messages[0].seq if page.messages else 0


def _last_seq(page: HistoryPage) -> int:
    if page.to_seq is not None:
        return page.to_seq
    return page.messages[-1].seq if page.messages else page.head_seq
