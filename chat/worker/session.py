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

from chat import __version__
from chat.broker.link import LinkError
from chat.broker.refusals import unavailable
from chat.conversations.kinds import has_roster, inbox_of, is_reserved
from chat.conversations.seats import grants
from chat.gateway.connection import Connection
from chat.identity.access import Action
from chat.identity.tokens import Identity
from chat.limits.connection import ConnectionLimits
from chat.protocol import commands, events
from chat.protocol.commands import AnyCommand, command_id_of, decode_command
from chat.protocol.errors import CloseCode, CommandError, ErrorCode
from chat.protocol.frames import text_frame
from chat.protocol.opening import SUBPROTOCOL
from chat.rooms.room import Room
from chat.worker import authentication, marking, publishing, showing
from chat.worker.services import Services
from chat.worker.work import work

log = logging.getLogger(__name__)

#: Commands that may wait behind one that waits for Redis; then the socket is no longer read.
INBOX_MAX = 32
FLOOD_MAX = 1024
FOREVER_S = 86400.0


class Session:
    """One authenticated (or not yet authenticated) connection and the rooms it is in."""

    __slots__ = (
        "_errors_in_a_row",
        "_inbox",
        "_limits",
        "_paused",
        "_task",
        "_warned",
        "connection",
        "display",
        "identity",
        "rooms",
        "services",
    )

    def __init__(self, services: Services, connection: Connection) -> None:
        self.services = services
        self.connection: Connection | None = connection  # None once it is gone
        self.identity: Identity | None = None  # None until authenticated
        self.display: bytes | None = None  # the identity's display data as JSON
        self.rooms: tuple[Room, ...] = ()  # few; a tuple is the smallest thing that holds them
        self._limits: ConnectionLimits | None = None  # from the first command on
        self._errors_in_a_row = 0
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
                self._typing(command)
            case commands.LeaveRoom():
                self._leave(command)
            case commands.SetPresence():
                showing.set_presence(self, command)
            case commands.MarkRead() | commands.MarkDelivered() if marking.mark_at_once(
                self, command
            ):
                pass
            case _:
                self._wait_for(command, work(self, command))

    # ---------------------------------------------------------------- commands

    def _typing(self, command: commands.Typing) -> None:
        room = self.require_room(command.roomId)
        self.require(command.roomId, Action.PUBLISH)
        user_id = self.require_identity().user_id
        self.services.enforcement.require_voice(room, user_id)
        if not room.about.readOnly or self.may(room.room_id, Action.MODERATE):
            self.services.typists.said(room, user_id, is_typing=command.isTyping)
        if command.id is not None:
            self.send(events.Ack(id=command.id, roomId=room.room_id))

    def _leave(self, command: commands.LeaveRoom) -> None:
        self.leave(self.require_room(command.roomId))
        self.send(events.RoomLeft(id=command.id, roomId=command.roomId))

    def leave(self, room: Room) -> None:
        """Stop being a member of a room, at once."""
        self.rooms = tuple(other for other in self.rooms if other is not room)
        if self.connection is not None:
            self.services.hub.fan_out.flush_room(room)
            self._forget(room, self.connection, at_once=True)

    def sign_out(self, code: CloseCode) -> None:
        """Leave every room at once and close: nobody waits for this one to come back."""
        for room in self.rooms:
            self.leave(room)
        if self.connection is not None:
            self.connection.close(code)

    def _forget(self, room: Room, connection: Connection, *, at_once: bool) -> None:
        services, identity = self.services, self.require_identity()
        room.remove(connection)
        services.stats.memberships -= 1
        services.attendance.depart(room, identity.user_id, at_once=at_once)
        services.hub.let_linger(room)

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

    def require_identity(self) -> Identity:
        """Return who this is; commands get here only when that is known."""
        if self.identity is None:
            raise CommandError(ErrorCode.NOT_AUTHENTICATED, "Send `authenticate` first.")
        return self.identity

    def require_room(self, room_id: str) -> Room:
        """Return a room this connection is in.

        Raises:
            CommandError: not_joined.
        """
        for room in self.rooms:
            if room.room_id == room_id:
                return room
        raise CommandError(ErrorCode.NOT_JOINED, "Join the room first.")

    def may(self, room_id: str, action: Action) -> bool:
        """Whether this user may do something: by the token, and where there is a roster by role.

        A role is known of a room that the user has joined here; without it nothing is allowed.
        """
        identity = self.require_identity()
        by_token = identity.capabilities.allows(room_id, action)
        if not is_reserved(room_id):
            return by_token
        seat = self.services.participation.seat(room_id, identity.user_id)
        return grants(room_id, identity.user_id, action, seat, by_token=by_token)

    def require(self, room_id: str, action: Action) -> None:
        """Let pass who may do something; see `may`.

        Raises:
            CommandError: forbidden.
        """
        if not self.may(room_id, action):
            raise forbidden(action)

    async def require_now(self, room_id: str, action: Action) -> None:
        """As `require`, for who need not have joined: where there is a roster, it is asked.

        Raises:
            CommandError: forbidden.
            LinkError: Redis is away.
        """
        if not has_roster(room_id):
            self.require(room_id, action)
            return
        identity = self.require_identity()
        seat = await self.services.directory.seat(room_id, identity.user_id)
        by_token = identity.capabilities.allows(room_id, action)
        if not grants(room_id, identity.user_id, action, seat, by_token=by_token):
            raise forbidden(action)

    def require_entry(self, room_id: str) -> None:
        """Let pass whose token allows a room; where there is a roster, that is asked next.

        Raises:
            CommandError: forbidden.
        """
        if not has_roster(room_id):
            self.require(room_id, Action.JOIN)
        elif not self.require_identity().capabilities.allows(room_id, Action.JOIN):
            raise forbidden(Action.JOIN)

    def accept(self, identity: Identity) -> None:
        """Put an identity in force: the first one, or a refreshed one."""
        self.identity = identity
        self.display = None if identity.user is None else orjson.dumps(identity.user)
        self._warned = False
        self.services.user_states.arrived(identity.user_id)

    def greet(self, command_id: int | str | None = None) -> None:
        """Tell the client that it is in."""
        services, identity = self.services, self.require_identity()
        settings = services.settings
        connection_id = services.next_id("conn")
        if services.comings is not None:
            services.comings.came(self, connection_id)
        self.send(
            events.Connected(
                id=command_id,
                connectionId=connection_id,
                userId=identity.user_id,
                protocol=SUBPROTOCOL,
                serverInfo=events.ServerInfo(workerId=services.worker_id, version=__version__),
                expiresAt=identity.expires_at_s * 1000,
                pingIntervalMs=int(settings.ping_interval * 1000),
                maxMessageBytes=settings.max_message_bytes,
                inbox=inbox_of(identity.user_id),
            )
        )

    def send(self, event: events.Event) -> None:
        """Send an event to this connection, if it is still there."""
        if self.connection is not None:
            self.connection.send(text_frame(events.encode_event(event)))

    def refuse(
        self, command_id: int | str | None, error: CommandError, room_id: str | None = None
    ) -> None:
        """Answer a command with an error; many in a row end the connection."""
        self.services.stats.errors.add(error.code)
        self.send(
            events.Error(
                id=command_id,
                code=error.code,
                message=error.message,
                roomId=room_id,
                retryAfterMs=error.retry_after_ms,
                uncertain=error.uncertain,
            )
        )
        if error.code in (ErrorCode.UNAVAILABLE, ErrorCode.BUSY, ErrorCode.INTERNAL):
            return  # not the client's fault
        self._errors_in_a_row += 1
        limit = self.services.settings.max_errors_in_a_row
        if self._errors_in_a_row >= limit and self.connection is not None:
            self.connection.close(CloseCode.TOO_MANY_ERRORS)


def forbidden(action: Action) -> CommandError:
    """Say that neither token nor role allow something."""
    return CommandError(
        ErrorCode.FORBIDDEN, f"Your token does not allow you to {action.value} here."
    )
