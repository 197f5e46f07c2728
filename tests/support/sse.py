"""A client of event streams: the format read to the letter, over a connection of its own.

Source: WHATWG HTML, server-sent events, parsing an event stream.
"""

import asyncio
import json
from typing import Any, NamedTuple, Self

from tests.support.waiting import DEFAULT_TIMEOUT_S


class Event(NamedTuple):
    """What a client is handed: its last event id, the type, and the data as text."""

    id: str
    type: str
    data: str

    @property
    def json(self) -> dict[str, Any]:
        """The data as an object."""
        decoded: dict[str, Any] = json.loads(self.data)
        return decoded


class Parser:
    """Bytes to events, in whatever pieces they come."""

    def __init__(self) -> None:
        self.last_id = ""
        self.retry_ms: int | None = None
        self.comments = 0
        self._rest = b""
        self._id = ""
        self._type = ""
        self._data: list[str] = []

    def feed(self, data: bytes) -> list[Event]:
        """Return the events that are complete now; lines may end in LF only, as ours do."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        events = []
        for line in lines:
            event = self._line(line.decode())
            if event is not None:
                events.append(event)
        return events

    def _line(self, line: str) -> Event | None:
        assert "\r" not in line
        if not line:
            return self._dispatch()
        if line.startswith(":"):
            self.comments += 1
            return None
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "event":
            self._type = value
        elif name == "data":
            self._data.append(value)
        elif name == "id" and "\0" not in value:
            self._id = value
        elif name == "retry" and value.isdecimal():
            self.retry_ms = int(value)
        return None

    def _dispatch(self) -> Event | None:
        self.last_id = self._id
        data, self._data = self._data, []
        kind, self._type = self._type, ""
        return Event(self.last_id, kind or "message", "\n".join(data)) if data else None


class EventStream:
    """One open stream."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.parser = Parser()
        self.received: list[Event] = []
        self.is_over = False  # ended as it should, not broken off
        self.headers: dict[str, str] = {}
        self._reader = reader
        self._writer = writer
        self._unseen: list[Event] = []

    @classmethod
    async def open(
        cls,
        port: int,
        path: str,
        bearer: str | None,
        *,
        last_id: str | None = None,
        limit: int = 2**16,
        **options: Any,
    ) -> Self:
        """Open a stream; it has to be one.

        Args:
            port: of a loopback server.
            path: with the query.
            bearer: token or key.
            last_id: `Last-Event-ID`.
            limit: bytes that are read ahead.
            options: more for `asyncio.open_connection`.
        """
        async with asyncio.timeout(DEFAULT_TIMEOUT_S):
            reader, writer = await asyncio.open_connection(
                "127.0.0.1", port, limit=limit, **options
            )
            stream = cls(reader, writer)
            try:
                await stream._begin(path, bearer, last_id)
            except BaseException:
                await stream.close()
                raise
        return stream

    async def _begin(self, path: str, bearer: str | None, last_id: str | None) -> None:
        lines = [f"GET {path} HTTP/1.1", "Host: 127.0.0.1"]
        lines += [f"Authorization: Bearer {bearer}"] if bearer else []
        lines += [f"Last-Event-ID: {last_id}"] if last_id else []
        self._writer.write("\r\n".join([*lines, "", ""]).encode())
        status, *fields = (await self._reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        pairs = (field.partition(":") for field in fields if field)
        self.headers = {name.lower(): value.strip() for name, _, value in pairs}
        assert status.split()[1] == "200", f"{status}: {await self._reader.read(2000)!r}"
        assert self.headers["content-type"] == "text/event-stream; charset=utf-8"

    @property
    def last_id(self) -> str:
        """What a client says when it comes back."""
        return self.parser.last_id

    async def next(self, timeout_s: float = DEFAULT_TIMEOUT_S) -> Event:
        """Return the next event.

        Raises:
            EOFError: the stream is over.
            ConnectionError: it broke off.
        """
        async with asyncio.timeout(timeout_s):
            while not self._unseen:
                await self._read()
        return self._unseen.pop(0)

    async def wait_for(self, kind: str, timeout_s: float = DEFAULT_TIMEOUT_S) -> Event:
        """Return the next event of a type, leaving out others."""
        async with asyncio.timeout(timeout_s):
            while True:
                event = await self.next(timeout_s)
                if event.type == kind:
                    return event

    async def contents(self, count: int, timeout_s: float = DEFAULT_TIMEOUT_S) -> list[str]:
        """Return the contents of the next messages."""
        return [
            (await self.wait_for("chat_message", timeout_s)).json["content"] for _ in range(count)
        ]

    async def rest(self, timeout_s: float = DEFAULT_TIMEOUT_S) -> list[Event]:
        """Return all events up to the end of the stream."""
        events = []
        try:
            while True:
                events.append(await self.next(timeout_s))
        except EOFError:
            return events

    async def _read(self) -> None:
        if self.is_over:
            raise EOFError
        try:
            size = int(await self._reader.readuntil(b"\r\n"), 16)
            chunk = await self._reader.readexactly(size + 2)
        except asyncio.IncompleteReadError as exc:
            raise ConnectionError("the stream broke off") from exc
        self.is_over = size == 0
        events = self.parser.feed(chunk[:-2])
        self.received += events
        self._unseen += events

    async def close(self) -> None:
        """Hang up."""
        self._writer.transport.abort()
        await asyncio.sleep(0)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()
