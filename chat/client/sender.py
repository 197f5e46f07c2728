"""What a program says in a room, across connections: one command at a time, until it is stored."""

import asyncio
import random
from collections.abc import Callable, Mapping
from typing import Any

from chat.client.connection import Connection
from chat.client.errors import ChatError, RefusedError, UncertainError
from chat.client.events import Ack, Ordered, Reference
from chat.client.outbox import Outbox, Outgoing
from chat.client.published import Published, published, seen

_LOOK_S = 0.5


class Sender:
    """One room's commands.

    Args:
        room_id: the room.
        outbox: where the client's commands wait, of all rooms.
        wake: is called when there is something to send.
    """

    def __init__(self, room_id: str, outbox: Outbox, wake: Callable[[], None]) -> None:
        self._room_id = room_id
        self._outbox = outbox
        self._wake = wake
        self._answers: dict[Outgoing, asyncio.Future[Published]] = {}
        self._loop = asyncio.get_running_loop()
        self._user_id = ""
        self.not_joined = False  # the server said that one is not a member

    async def submit(self, command: Mapping[str, Any], client_message_id: str) -> Published:
        """Queue a command and return its acknowledgement; it is sent again until there is one.

        Raises:
            OutboxFullError: nothing was queued.
            RefusedError: the server refused it for good.
            UncertainError: nobody can say whether it was stored.
            ChatError: what `fail` was called with.

        Cancellation: the command is not sent, or not again; it may have been stored.
        """
        item = self._outbox.add(self._room_id, command, client_message_id)
        answer: asyncio.Future[Published] = self._loop.create_future()
        self._answers[item] = answer
        self._wake()
        try:
            return await answer
        finally:
            self._answers.pop(item, None)
            self._outbox.remove(item)

    def waiting(self) -> tuple[Outgoing, ...]:
        """Return what is not acknowledged, first to be sent first."""
        return self._outbox.of(self._room_id)

    def fail(self, error: ChatError) -> None:
        """Nothing will be sent any more."""
        for answer in self._answers.values():
            if not answer.done():
                answer.set_exception(error)

    def connect(self, connection: Connection) -> None:
        """The connection is another one: what was on its way has to be sent again."""
        self._user_id = connection.connected.user_id
        self._outbox.unanswered(self._room_id)

    def echoed(self, event: Ordered, client_message_id: str) -> None:
        """Note an event that may be of an own command."""
        if event.user_id == self._user_id:
            self._outbox.echoed(event, client_message_id)

    def lose_sight(self) -> None:
        """There was a gap in what is seen of the room."""
        self._outbox.lose_sight(self._room_id)

    def settle_doubts(self, *, overdue: bool, complete: bool) -> bool:
        """Decide about commands whose retry the server may not recognise.

        Args:
            overdue: what was missed has arrived, or will not.
            complete: all of it was seen: a command was in it, in a gap, or was not stored.

        Returns:
            Whether there is no doubt left; otherwise nothing may be sent yet.
        """
        doubtful = self._outbox.doubtful(self._room_id, self._loop.time())
        if doubtful and not overdue:
            return False
        for item in doubtful:
            if item.echo is not None:
                self._settle(item, seen(item.echo, item.client_message_id))
            elif complete and not item.blind:
                self._outbox.renew(item)
            else:
                self._settle(item, UncertainError("nobody can say whether it was stored"))
        return True

    async def send_next(self, connection: Connection) -> bool:
        """Send the next command and wait for its answer; return False if there is none to send.

        Raises:
            ConnectionLostError: the connection has ended.
        """
        item = self._outbox.next(self._room_id, self._loop.time())
        if item is None:
            return False
        self._outbox.sent(item, self._loop.time())
        try:
            answer = await connection.request(item.command)
        except RefusedError as exc:
            self.not_joined = exc.code == "not_joined"
            chance = random.random()  # noqa: S311 - jitter, no secret
            if not self._outbox.refused(item, exc, self._loop.time(), chance):
                self._settle(item, exc)
            return True
        if isinstance(answer, Ack):
            name = item.client_message_id
            self._settle(item, published(answer, self._room_id, name, _about(item)))
        return True

    def rest_s(self) -> float | None:
        """Return how long there is nothing to send, in seconds; None until something is queued."""
        due_at = self._outbox.due_at(self._room_id)
        if due_at is None:
            return None
        wait_s = due_at - self._loop.time()
        return wait_s if wait_s > 0 else _LOOK_S

    def _settle(self, item: Outgoing, outcome: Published | ChatError) -> None:
        self._outbox.remove(item)
        answer = self._answers.get(item)
        if answer is None or answer.done():
            return
        if isinstance(outcome, ChatError):
            answer.set_exception(outcome)
        else:
            answer.set_result(outcome)


def _about(item: Outgoing) -> Reference | None:
    """Return the earlier message that a command is about."""
    if "messageId" not in item.command:
        return None
    return Reference(item.command["seq"], item.command["messageId"])
