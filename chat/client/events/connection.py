"""Events about the connection itself."""

from msgspec import Struct

from chat.client.events.base import Event


class ServerInfo(Struct, frozen=True, rename="camel"):
    """Who answers."""

    worker_id: str
    version: str


class Connected(Event, frozen=True, kw_only=True, tag="connected"):
    """The connection is open for commands."""

    id: int | str | None = None
    connection_id: str
    user_id: str
    protocol: str
    server_info: ServerInfo
    expires_at: int
    ping_interval_ms: int
    max_message_bytes: int
    inbox: str | None = None


class TokenExpiring(Event, frozen=True, kw_only=True, tag="token_expiring"):
    """The token ends soon."""

    expires_at: int
    expires_in_ms: int


class Drain(Event, frozen=True, kw_only=True, tag="drain"):
    """The worker is leaving."""

    closes_in_ms: int
    reconnect_after_ms: int
