"""Messages on their way through the hook: asked about side by side, stored in the order sent.

    message 1 ─▶ asked ───────────────▶ verdict ─▶ stored
    message 2 ─▶ asked ─▶ verdict ─▶ waits for 1 ────────▶ stored

The order is that of one connection and one room; nobody else waits. Who has sent as many as may be
asked about at a time is not read from until one of them is done.
"""

import asyncio
import logging
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any

from msgspec import structs

from chat.broker.outcomes import Outcome, Published
from chat.broker.retries import stored_before
from chat.protocol.commands import ChatMessage
from chat.protocol.errors import CommandError, ErrorCode
from chat.protocol.screening import Submission, Text
from chat.screening.screening import Screening
from chat.worker import publishing

if TYPE_CHECKING:
    from chat.worker.publishing import Checked
    from chat.worker.session import Session

log = logging.getLogger(__name__)

#: Messages of one connection that are asked about at a time.
AT_A_TIME = 8


class Asking:
    """All messages of a worker that the hook is asked about."""

    def __init__(self) -> None:
        self._lines: dict[Session, Line] = {}  # of connections that wait for something

    def ask(
        self,
        screening: Screening,
        session: "Session",
        command: ChatMessage,
        checked: "Checked",
    ) -> Coroutine[Any, Any, None] | None:
        """Ask about a message, and store it in its turn.

        Returns:
            What later commands of the connection have to wait for; None if for nothing.
        """
        room_id = command.roomId
        line = self._lines.setdefault(session, Line())
        work = _pass(screening, session, command, checked, line.last.get(room_id))
        task = session.services.tasks.start(work, "ask")
        line.add(room_id, task)

        def leave(done: asyncio.Task[None]) -> None:
            line.leave(room_id, done)
            if not line.tasks:
                del self._lines[session]

        task.add_done_callback(leave)
        return line.room_for_more() if len(line.tasks) >= AT_A_TIME else None

    async def settled(self, session: "Session", room_id: str) -> None:
        """Wait until all that a connection has sent to a room so far is stored, or is not."""
        line = self._lines.get(session)
        last = None if line is None else line.last.get(room_id)
        if last is not None:
            await asyncio.wait([last])

    async def barrier(self, timeout_s: float) -> None:
        """Wait until everything that is asked about is stored or refused, but not for long."""
        waiting = [task for line in self._lines.values() for task in line.tasks]
        if waiting:
            await asyncio.wait(waiting, timeout=timeout_s)


class Line:
    """The messages of one connection that are asked about.

    `last` is the last one of each room, which the next one of that room comes after.
    """

    def __init__(self) -> None:
        self.tasks: set[asyncio.Task[None]] = set()
        self.last: dict[str, asyncio.Task[None]] = {}

    def add(self, room_id: str, task: asyncio.Task[None]) -> None:
        """Put a message at the end."""
        self.tasks.add(task)
        self.last[room_id] = task

    def leave(self, room_id: str, task: asyncio.Task[None]) -> None:
        """Take a message out, which is stored or is not going to be."""
        self.tasks.discard(task)
        if self.last.get(room_id) is task:
            del self.last[room_id]

    async def room_for_more(self) -> None:
        """Wait until another message may be asked about."""
        while len(self.tasks) >= AT_A_TIME:
            await asyncio.wait(self.tasks, return_when=asyncio.FIRST_COMPLETED)


async def _pass(
    screening: Screening,
    session: "Session",
    command: ChatMessage,
    checked: "Checked",
    before: asyncio.Task[None] | None,
) -> None:
    found = await _judged(screening, session, command, checked)
    if before is not None:
        await asyncio.wait([before])
    if isinstance(found, CommandError):
        session.refuse(command.id, found, command.roomId)
    elif isinstance(found, Text):
        text = structs.replace(checked, content=found.content, mentions=found.mentions)
        publishing.store(session, command, text)
    elif isinstance(found, Published):
        publishing.acknowledge(session, command, found)
    else:
        session.refuse(command.id, publishing.refusal(session, found), command.roomId)


async def _judged(
    screening: Screening, session: "Session", command: ChatMessage, checked: "Checked"
) -> Text | Outcome | CommandError:
    """Return what is to be stored, what became of an earlier attempt, or a refusal."""
    identity = checked.identity
    try:
        before = await stored_before(
            session.services.broker, command.roomId, identity.user_id, command.clientMessageId
        )
        if before is not None:
            return before
        submission = Submission(
            kind="chat_message",
            roomId=command.roomId,
            userId=identity.user_id,
            user=identity.user,
            content=checked.content,
            mentions=checked.mentions or None,
            replyTo=command.replyTo,
            threadId=command.threadId,
            attachments=list(checked.attachments) or None,
            clientMessageId=command.clientMessageId,
        )
        return await screening.ask(submission)
    except CommandError as exc:
        return exc
    except Exception:  # the root of this task: a bug must not leave the client waiting
        log.exception("asking_failed")
        return CommandError(ErrorCode.INTERNAL, "Something went wrong on our side.")
