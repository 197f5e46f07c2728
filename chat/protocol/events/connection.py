"""Events about the connection itself, and answers that say no more than yes or no."""

from msgspec import Struct

from chat.protocol.errors import ErrorCode
from chat.protocol.events.base import Event


class ServerInfo(Struct, frozen=True):
    """Who answers: the worker's id and the server's version."""

    workerId: str
    version: str


class Connected(Event, frozen=True, kw_only=True, tag="connected"):
    """The connection is authenticated and open for commands."""

    id: int | str | None = None
    connectionId: str
    userId: str
    protocol: str
    serverInfo: ServerInfo
    expiresAt: int
    pingIntervalMs: int
    maxMessageBytes: int
    inbox: str


class Ack(Event, frozen=True, kw_only=True, tag="ack"):
    """A command took effect; for a published message, with its place in the room.

    Sent where the command has an `id` or a `clientMessageId`.
    """

    id: int | str | None = None
    roomId: str | None = None
    epoch: str | None = None
    seq: int | None = None
    messageId: str | None = None
    clientMessageId: str | None = None
    timestamp: int | None = None
    duplicate: bool = False


class Error(Event, frozen=True, kw_only=True, tag="error"):
    """A command was refused; the connection lives."""

    id: int | str | None = None
    code: ErrorCode
    message: str
    roomId: str | None = None
    retryAfterMs: int | None = None
    uncertain: bool = False


class TokenRefreshed(Event, frozen=True, kw_only=True, tag="token_refreshed"):
    """The new token is in force."""

    id: int | str | None = None
    expiresAt: int


class TokenExpiring(Event, frozen=True, kw_only=True, tag="token_expiring"):
    """The token ends soon: send `refresh_token`, or the connection is closed with 4101."""

    expiresAt: int
    expiresInMs: int


class Drain(Event, frozen=True, kw_only=True, tag="drain"):
    """This worker is leaving; the connection closes with 1012 and the client should come back."""

    closesInMs: int
    reconnectAfterMs: int


class Pong(Event, frozen=True, kw_only=True, tag="pong"):
    """Answer to the `ping` command."""

    id: int | str | None = None
    timestamp: int
