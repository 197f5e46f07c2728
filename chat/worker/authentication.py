"""Tokens on a live connection: the first one, and its successors."""

from typing import TYPE_CHECKING

from chat import __version__
from chat.conversations.kinds import inbox_of
from chat.identity.access import Action
from chat.identity.tokens import InvalidTokenError
from chat.protocol.commands import Authenticate, RefreshToken
from chat.protocol.errors import CloseCode, CommandError, ErrorCode
from chat.protocol.events import Connected, RoomLeft, ServerInfo, TokenRefreshed
from chat.protocol.opening import SUBPROTOCOL

if TYPE_CHECKING:
    from chat.worker.session import Session


async def authenticate(session: "Session", command: Authenticate) -> None:
    """Let the first message be the token; a bad one ends the connection with 4001.

    Raises:
        CommandError: already_authenticated.
    """
    if session.identity is not None:
        raise CommandError(ErrorCode.ALREADY_AUTHENTICATED, "Use `refresh_token`.")
    connection = session.connection
    if connection is None:
        return
    try:
        identity = await session.services.verifier.verified(command.token)
    except InvalidTokenError as exc:
        connection.close(CloseCode.UNAUTHORIZED, str(exc))
        return
    session.accept(identity)
    greet(session, command.id)
    connection.authenticated(identity.user_id)


def greet(session: "Session", command_id: int | str | None = None) -> None:
    """Tell the client that it is in."""
    services, identity = session.services, session.require_identity()
    settings = services.settings
    connection_id = services.next_id("conn")
    if services.comings is not None:
        services.comings.came(session, connection_id)
    session.send(
        Connected(
            id=command_id,
            connectionId=connection_id,
            userId=identity.user_id,
            protocol=SUBPROTOCOL,
            serverInfo=ServerInfo(workerId=services.worker_id, version=__version__),
            expiresAt=identity.expires_at_s * 1000,
            pingIntervalMs=int(settings.ping_interval * 1000),
            maxMessageBytes=settings.max_message_bytes,
            inbox=inbox_of(identity.user_id),
        )
    )


async def refresh(session: "Session", command: RefreshToken) -> None:
    """Put a new token of the same user in force; rooms it no longer allows are left.

    Raises:
        CommandError: invalid_token.
    """
    try:
        identity = await session.services.verifier.verified(command.token)
    except InvalidTokenError as exc:
        raise CommandError(ErrorCode.INVALID_TOKEN, f"{exc}.") from None
    if identity.user_id != session.require_identity().user_id:
        raise CommandError(ErrorCode.INVALID_TOKEN, "The token is another user's.")
    session.services.stats.token_refreshes += 1
    session.accept(identity)
    session.send(TokenRefreshed(id=command.id, expiresAt=identity.expires_at_s * 1000))
    for room in session.rooms:
        if not session.may(room.room_id, Action.JOIN):
            session.leave(room)
            session.send(RoomLeft(roomId=room.room_id, reason="forbidden"))
    if session.connection is not None:
        session.connection.authenticated(identity.user_id)
