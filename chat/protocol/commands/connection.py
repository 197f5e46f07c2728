"""Commands about the connection itself."""

from chat.protocol.commands.fields import Command, Token


class Authenticate(Command, frozen=True, kw_only=True, tag="authenticate"):
    """First message of a connection whose handshake carried no token."""

    token: Token


class RefreshToken(Command, frozen=True, kw_only=True, tag="refresh_token"):
    """Replace the token of a live connection."""

    token: Token


class Ping(Command, frozen=True, kw_only=True, tag="ping"):
    """Ask for a `pong`: an application-level proof of life."""
