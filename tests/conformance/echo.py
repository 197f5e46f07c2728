"""An echo server on the gateway alone, as a process of its own: no Redis, no rooms, no tokens.

Run with the descriptor of a listening socket; settings come from the environment.
"""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import Callable

import uvloop
from websockets.frames import Frame, Opcode
from websockets.http11 import Response

from chat.gateway.application import Refusal, Request
from chat.gateway.connection import Connection
from chat.gateway.gateway import Gateway
from chat.gateway.http import sentence
from chat.ops.stats import Stats
from chat.protocol.frames import text_frame
from chat.settings import from_environ

FOREVER_S = 86400.0


class Echo:
    """Sends every message back."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def on_text(self, text: str) -> None:
        self._connection.send(text_frame(text.encode()))

    def on_binary(self, data: bytes) -> None:
        self._connection.send(Frame(Opcode.BINARY, data).serialize(mask=False))

    def on_visit(self, now_s: float) -> float:
        return FOREVER_S

    def on_direct(self, fd: int) -> None:
        pass

    def on_closed(self, code: int) -> None:
        pass


class EchoApplication:
    """Admits everyone, on any path."""

    def respond(self, request: Request, address: str) -> Response:
        return sentence(404, "There is nothing here.")

    def is_websocket(self, path: str) -> bool:
        return True

    def admit(
        self, request: Request, address: str, decide: Callable[[object | Refusal], None]
    ) -> None:
        decide(None)

    def opened(self, connection: Connection, admission: object, address: str) -> Echo:
        connection.authenticated("user")
        return Echo(connection)


async def serve(listen_fd: int) -> None:
    gateway = Gateway(from_environ(os.environ), Stats(), EchoApplication())
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await gateway.start([socket.socket(fileno=listen_fd)])
    await stop.wait()
    await gateway.stop()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1])))
