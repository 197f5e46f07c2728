"""What a program may set about a client, with defaults that suit most."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from ssl import SSLContext
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class Options:
    """How patient a client is, and how much it keeps.

    Attributes:
        connect_timeout_s: for the connection, its handshake and the server's first word.
        answer_timeout_s: a connection on which a command stays unanswered for so long is given up.
        silence_s: without a sign of life for so long the server is asked for one; after as long
            again the connection is given up.
        backoff_base_s: before attempt n (from 0) to connect again it waits a random time below
            this times 2^n.
        backoff_max_s: and never below more than this.
        max_queued: commands that may wait to be sent and acknowledged, of all rooms.
        max_queued_bytes: and their size in bytes.
        max_buffered: events of one room that may wait for the program. Beyond that the room falls
            behind and catches up when the program does.
        ssl: for `wss://`, instead of the usual rules.
        proxy: address of an HTTP or SOCKS proxy, True for that of the environment, None for none.
        headers: further headers of the handshake.
        http: address of the HTTP side, where files go, `https://chat.example`; None for the host of
            the WebSocket.
    """

    connect_timeout_s: float = 10.0
    answer_timeout_s: float = 15.0
    silence_s: float = 20.0
    backoff_base_s: float = 0.5
    backoff_max_s: float = 30.0
    max_queued: int = 1000
    max_queued_bytes: int = 1 << 20
    max_buffered: int = 1000
    ssl: SSLContext | None = None
    proxy: str | Literal[True] | None = True
    headers: Mapping[str, str] = field(default_factory=dict)
    http: str | None = None
