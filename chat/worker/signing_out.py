"""Closes connections whose token was revoked, or whose user is to be disconnected."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, cast

from chat.identity.tokens import Identity
from chat.moderation.revocations import Revocations, of_connections
from chat.protocol.errors import CloseCode

if TYPE_CHECKING:
    from chat.gateway.connection import Connection
    from chat.worker.session import Session


def sign_out(connections: Iterable["Connection"], revocations: Revocations, news: set[str]) -> None:
    """Close those that new acts concern.

    Args:
        connections: of this worker.
        revocations: the acts, new ones included.
        news: names of the new ones.

    Cost: linear in the connections, for all acts that come together.
    """
    for connection in list(connections):
        session = cast("Session | None", connection.handler)
        if session is None or session.identity is None:
            continue
        code = _verdict(session.identity, revocations, news)
        if code is not None:
            session.sign_out(code)


def _verdict(identity: Identity, revocations: Revocations, news: set[str]) -> CloseCode | None:
    if revocations.refuses(identity):
        return CloseCode.REVOKED
    if of_connections(identity.user_id) in news:
        return CloseCode.DISCONNECTED
    return None
