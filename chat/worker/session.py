"""Inbound corridor: what one user's connection asks for, gate by gate.

    text ─▶ charge ─▶ decode ─▶ authenticated? ─▶ joined? allowed? ─▶ act ─▶ answer

Publishing never waits here: acknowledgements come by callback, in order. A command that has to
wait for Redis (join, history, presence) holds back the later ones of the same connection, so that
a client may send `join_room` and `chat_message` in one breath.
"""

import logging
import math
import time
from collections import deque
from collections.abc import Coroutine
from typing import Any

import orjson

from chat.broker.link import LinkError
from chat.broker.refusals import unavailable
from chat.gateway.connection import Connection
from chat.identity.tokens import Identity
from chat.limits.connection import ConnectionLimits
from chat.protocol import commands, events
from chat.protocol.commands import AnyCommand, command_id_of, decode_command
from chat.protocol.errors import CloseCode, CommandError, ErrorCode
from chat.worker import authentication, joining, marking, publishing, showing
from chat.worker.services import Services
from chat.worker.standing import Standing
from chat.worker.work import work

log = logging.getLogger(__name__)

#: Commands that may wait behind one that waits for Redis; then the socket is no longer read.
INBOX_MAX = 32
FLOOD_MAX = 1024
FOREVER_S = 86400.0


class Session(Standing):
    """One authenticated (or not yet authenticated) connection: what comes from it, gate by gate."""

    __slots__ = (
        "_inbox",
        "_limits",
        "_paused",
        "_task",
        "_warned",
    )

    def __init__(self, services: Services, connection: Connection) -> None:
        super().__init__(services, connection)
        self._limits: ConnectionLimits | None = None  # from the first command on
        self._inbox: deque[str] | None = None  # while a command waits for Redis
        self._task: Any = None  # what waits; owned by services.tasks
        self._paused = False
        self._warned = False

    # ---------------------------------------------------------- from the gateway

    def on_text(self, text: str) -> None:
        """Take one message, unless an earlier one is still being answered."""
        connection = self.connection
        if connection is None or not connection.is_open:
            return
        if self._inbox is None:
            self._take(text)
            return
        self._inbox.append(text)
        if len(self._inbox) > FLOOD_MAX:  # a single read may hold tens of thousands
            connection.close(CloseCode.FLOOD)
        if len(self._inbox) >= INBOX_MAX and not self._paused and self.connection is not None:
            self._paused = True
            self.connection.transport.pause_reading()

    def on_binary(self, _data: bytes) -> None:
        """Refuse: the protocol is text."""
        error = CommandError(ErrorCode.BINARY_UNSUPPORTED, "Binary messages are not supported.")
        self.refuse(None, error)

    def on_visit(self, now_s: float) -> float:
        """Watch the token's life; return in how many seconds to look again."""
        if self._limits is not None and self._limits.is_full(now_s):
            self._limits = None  # an idle connection needs none
        identity, connection = self.identity, self.connection
        if identity is None or connection is None:
            return FOREVER_S
        left_s = identity.expires_at_s - time.time()
        warning_s = self.services.settings.token_warning_s
        if left_s <= 0:
            self.services.stats.tokens_expired += 1
            connection.close(CloseCode.TOKEN_EXPIRED)
            return FOREVER_S
        if left_s <= warning_s:
            if not self._warned:
                self._warned = True
                self.send(
                    events.TokenExpiring(
                        expiresAt=identity.expires_at_s * 1000, expiresInMs=int(left_s * 1000)
                    )
                )
            return left_s
        return left_s - warning_s

    def on_direct(self, fd: int) -> None:
        """Tell the rooms how this connection is to be written to from now on."""
        if self.connection is not None:
            for room in self.rooms:
                room.set_direct_fd(self.connection, fd)

    def on_closed(self, code: int) -> None:
        """The connection is gone: leave every room, with a grace for coming back."""
        connection, self.connection = self.connection, None
        if self.services.comings is not None:
            self.services.comings.went(self, code)
        if self._task is not None:
            self._task.cancel()
        self._inbox = None
        if connection is not None:
            for room in self.rooms:
                self._forget(room, connection, at_once=False)
            if self.identity is not None:
                self.services.user_states.departed(connection, self.identity.user_id)
        self.rooms = ()

    # ------------------------------------------------------------------- gates

    def _take(self, text: str) -> None:
        services = self.services
        try:
            self._charge(len(text) if text.isascii() else len(text.encode()))
            command = decode_command(text)
            services.stats.commands.add(str(type(command).__struct_config__.tag))
            self._dispatch(command)
        except CommandError as exc:
            self.refuse(command_id_of(text), exc)
        except LinkError as exc:
            self.refuse(command_id_of(text), unavailable(exc))

    def _charge(self, size: int) -> None:
        """Take a command's cost from every budget it counts against."""
        services, now_s = self.services, time.monotonic()
        if self._limits is None:
            self._limits = ConnectionLimits(services.settings)
        wait_s = self._limits.charge(now_s, messages=1, bytes_=size)
        scope = "connection"
        if wait_s == 0.0 and self.identity is not None:
            wait_s = services.users.charge(self.identity.user_id, 1, size, 0, now_s)
            scope = "user"
        self._check_wait(wait_s, scope)

    def charge(self, *, messages: int = 0, joins: int = 0) -> None:
        """Take from the budgets what a command costs beyond being one: joins, or many reads.

        Raises:
            CommandError: rate_limited.
        """
        services, now_s = self.services, time.monotonic()
        wait_s, scope = 0.0, "connection"
        if self._limits is not None:
            wait_s = self._limits.charge(now_s, messages=messages, joins=joins)
        if wait_s == 0.0 and self.identity is not None:
            wait_s = services.users.charge(self.identity.user_id, messages, 0, joins, now_s)
            scope = "user"
        self._check_wait(wait_s, scope)

    def _check_wait(self, wait_s: float, scope: str) -> None:
        if wait_s > 0.0:
            self.services.stats.rate_limited.add(scope)
            raise CommandError(
                ErrorCode.RATE_LIMITED,
                f"Too fast: the limit per {scope} is reached.",
                retry_after_ms=math.ceil(wait_s * 1000),
            )

    def _dispatch(self, command: AnyCommand) -> None:
        """Act at once, or start what has to wait for Redis or for keys."""
        if isinstance(command, commands.Authenticate):
            self._wait_for(command, authentication.authenticate(self, command))
        elif isinstance(command, commands.Ping):
            self.send(events.Pong(id=command.id, timestamp=int(time.time() * 1000)))
        elif self.identity is None:
            raise CommandError(
                ErrorCode.NOT_AUTHENTICATED, "Send `authenticate` with a token first."
            )
        else:
            self._dispatch_authenticated(command)
        if not self._is_waiting:  # what waits is judged when it is done
            self._errors_in_a_row = 0

    def _dispatch_authenticated(self, command: AnyCommand) -> None:
        match command:
            case commands.ChatMessage() if not command.attachments:
                if (waiting := publishing.publish(self, command)) is not None:
                    self._wait_for(command, waiting)
            case commands.Typing():
                showing.typing(self, command)
            case commands.LeaveRoom():
                joining.leave(self, command)
            case commands.SetPresence():
                showing.set_presence(self, command)
            case commands.MarkRead() | commands.MarkDelivered() if marking.mark_at_once(
                self, command
            ):
                pass
            case _:
                self._wait_for(command, work(self, command))

    # ------------------------------------------------------- commands that wait

    def _wait_for(self, command: AnyCommand, work: Coroutine[Any, Any, None]) -> None:
        self._inbox = deque()
        self._task = self.services.tasks.start(self._finish(command, work), "command")

    async def _finish(self, command: AnyCommand, work: Coroutine[Any, Any, None]) -> None:
        """Do the work, answer its failure, then take what came in meanwhile."""
        room_id = getattr(command, "roomId", None)
        try:
            await work
            self._errors_in_a_row = 0
        except CommandError as exc:
            self.refuse(command.id, exc, room_id)
        except (LinkError, TimeoutError) as exc:
            self.refuse(command.id, unavailable(exc), room_id)
        except Exception:  # the root of this task: a bug must not leave the client waiting
            log.exception("command_failed", extra={"command": type(command).__name__})
            error = CommandError(ErrorCode.INTERNAL, "Something went wrong on our side.")
            self.refuse(command.id, error, room_id)
        self._task = None
        self._take_waiting()

    @property
    def _is_waiting(self) -> bool:
        return self._inbox is not None

    def _take_waiting(self) -> None:
        """Take what came in meanwhile, in order, and read on once nothing waits."""
        waiting, self._inbox = self._inbox or (), None
        for text in waiting:
            self.on_text(text)  # may start the next wait, behind which the rest lines up again
        connection = self.connection
        if self._paused and not self._is_waiting and connection is not None:
            self._paused = False
            connection.transport.resume_reading()

    # ------------------------------------------------------------------ helpers

    def accept(self, identity: Identity) -> None:
        """Put an identity in force: the first one, or a refreshed one."""
        self.identity = identity
        self.display = None if identity.user is None else orjson.dumps(identity.user)
        self._warned = False
        self.services.user_states.arrived(identity.user_id)
