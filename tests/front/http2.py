"""A WebSocket client over HTTP/2 (RFC 8441): one TLS connection, one stream per WebSocket."""

import asyncio
import json
import ssl
from typing import Any, Self

import h2.config
import h2.connection
import h2.events
from h2.settings import SettingCodes
from websockets.frames import Frame, Opcode

from chat.protocol import frames
from tests.front.hanging_up import hang_up

TIMEOUT_S = 30.0


class Http2Client:
    """A connection that has agreed on `h2` by ALPN and knows the server's settings."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._h2 = h2.connection.H2Connection(h2.config.H2Configuration(header_encoding="utf-8"))
        self.answers: dict[int, dict[str, str]] = {}
        self.data: dict[int, bytearray] = {}

    @classmethod
    async def connect(cls, port: int, tls: ssl.SSLContext) -> Self:
        """Connect to a loopback port and wait for the settings."""
        tls.set_alpn_protocols(["h2"])
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=tls)
        assert writer.get_extra_info("ssl_object").selected_alpn_protocol() == "h2"
        client = cls(reader, writer)
        client._h2.initiate_connection()
        await client._turn()
        return client

    @property
    def takes_websockets(self) -> bool:
        """Whether the server has SETTINGS_ENABLE_CONNECT_PROTOCOL."""
        return self._h2.remote_settings[SettingCodes.ENABLE_CONNECT_PROTOCOL] == 1

    async def open(self, path: str, subprotocols: list[str]) -> int:
        """Open a WebSocket with an extended CONNECT; return its stream once it is answered."""
        stream = self._h2.get_next_available_stream_id()
        fields = {
            ":method": "CONNECT",
            ":protocol": "websocket",
            ":scheme": "https",
            ":path": path,
            ":authority": "chat.test",
            "sec-websocket-version": "13",
            "sec-websocket-protocol": ", ".join(subprotocols),
        }
        self._h2.send_headers(stream, list(fields.items()))
        self.data[stream] = bytearray()
        while stream not in self.answers:
            await self._turn()
        return stream

    async def say(self, stream: int, message: dict[str, Any]) -> None:
        """Send one text message."""
        frame = Frame(Opcode.TEXT, json.dumps(message).encode()).serialize(mask=True)
        self._h2.send_data(stream, frame)
        self._writer.write(self._h2.data_to_send())
        await self._writer.drain()

    async def hear(self, stream: int, kind: str) -> dict[str, Any]:
        """Read messages until one of a type arrives, and return it."""
        while True:
            for first, payload in self._take_frames(stream):
                event: dict[str, Any] = json.loads(payload) if first == frames.TEXT else {}
                if event.get("type") == kind:
                    return event
            await self._turn()

    def _take_frames(self, stream: int) -> list[tuple[int, bytes]]:
        found: list[tuple[int, bytes]] = []
        data = self.data[stream]
        while True:
            header = frames.header_bytes(data, 0)
            if not header or len(data) < header:
                return found
            start, size = frames.payload_span(data, 0)
            if len(data) < start + size:
                return found
            found.append((data[0], bytes(data[start : start + size])))
            del data[: start + size]

    async def _turn(self) -> None:
        """Send what is to be sent, read once, take it in."""
        self._writer.write(self._h2.data_to_send())
        await self._writer.drain()
        async with asyncio.timeout(TIMEOUT_S):
            received = await self._reader.read(65536)
        if not received:
            raise ConnectionError("the server closed the connection")
        for event in self._h2.receive_data(received):
            if isinstance(event, h2.events.ResponseReceived):
                fields = {str(name): str(text) for name, text in event.headers}
                self.answers[event.stream_id] = fields
            elif isinstance(event, h2.events.DataReceived):
                self.data[event.stream_id] += event.data
                self._h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        self._writer.write(self._h2.data_to_send())

    async def close(self) -> None:
        """Say goodbye and close."""
        self._h2.close_connection()
        self._writer.write(self._h2.data_to_send())
        await hang_up(self._writer)
