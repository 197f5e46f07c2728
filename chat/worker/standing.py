"""Who a connection belongs to, which rooms it is in, what its user may, and how it is told."""

from typing import TYPE_CHECKING

from chat.conversations.kinds import has_roster, is_reserved
from chat.conversations.seats import grants
from chat.gateway.connection import Connection
from chat.identity.access import Action
from chat.identity.tokens import Identity
from chat.protocol import events
from chat.protocol.errors import CloseCode, CommandError, ErrorCode
from chat.protocol.frames import text_frame
from chat.rooms.room import Room

if TYPE_CHECKING:
    from chat.worker.services import Services


class Standing:
    """What a connection is in the cluster; what it asks for is up to `Session`.

    Args:
        services: of the worker.
        connection: whose.
    """

    __slots__ = ("_errors_in_a_row", "connection", "display", "identity", "rooms", "services")

    def __init__(self, services: "Services", connection: Connection) -> None:
        self.services = services
        self.connection: Connection | None = connection  # None once it is gone
        self.identity: Identity | None = None  # None until authenticated
        self.display: bytes | None = None  # the identity's display data as JSON
        self.rooms: tuple[Room, ...] = ()  # few; a tuple is the smallest thing that holds them
        self._errors_in_a_row = 0

    # ----------------------------------------------------------------- what it may

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

    # -------------------------------------------------------------------- leaving

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

    # -------------------------------------------------------------------- telling

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
