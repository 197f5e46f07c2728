"""A small chat client for tests: one connection, replies by `id`, events by predicate."""

import asyncio
import contextlib
import itertools
import json
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any, Self

from websockets.asyncio.client import ClientConnection
from websockets.asyncio.client import connect as websocket_connect
from websockets.exceptions import ConnectionClosed

from tests.support.contract import CONTRACT, Witness
from tests.support.waiting import DEFAULT_TIMEOUT_S

Event = dict[str, Any]

SUBPROTOCOL = "chat.v1"
#: Events with a place in a room's order.
PLACED = (
    "chat_message",
    "message_edited",
    "message_deleted",
    "reaction_added",
    "reaction_removed",
    "room_changed",
    "participant_changed",
    "membership_changed",
)


class ClosedError(Exception):
    """The connection ended while something was awaited on it."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(f"closed with {code} {reason!r}")
        self.code = code
        self.reason = reason


class ChatClient:
    """One authenticated connection.

    Every event is kept in `received`, in order. `events` and `wait_for` consume those that are
    not answers to a `command`.
    """

    def __init__(self, websocket: ClientConnection) -> None:
        self.websocket = websocket
        self.received: list[Event] = []
        self.connected: Event = {}
        self._unseen: list[Event] = []
        self._replies: dict[int | str, asyncio.Future[Event]] = {}
        self._ids = itertools.count(1)
        self._arrived = asyncio.Condition()
        self._over: ClosedError | None = None
        self._witness = Witness(CONTRACT)
        self._reader = asyncio.create_task(self._read(), name="chat client reader")

    @classmethod
    async def connect(
        cls,
        url: str,
        token: str | None = None,
        *,
        subprotocols: Sequence[str] | None = None,
        headers: dict[str, str] | None = None,
        timeout_s: float = DEFAULT_TIMEOUT_S,
        **options: Any,
    ) -> Self:
        """Open a connection and, with a token, wait for `connected`.

        Args:
            url: the WebSocket address.
            token: sent in the subprotocol list; None sends none and waits for nothing.
            subprotocols: offered instead of `chat.v1` and the token.
            headers: additional request headers.
            timeout_s: for the handshake and for `connected`, each.
            options: more for `websockets.asyncio.client.connect`.

        Raises:
            ClosedError: the server refused the token.
        """
        if subprotocols is None:
            subprotocols = [SUBPROTOCOL, f"chat.token.{token}"] if token else [SUBPROTOCOL]
        websocket = await websocket_connect(
            url,
            subprotocols=list(subprotocols) or None,  # type: ignore[arg-type]
            additional_headers=headers,
            open_timeout=timeout_s,
            **{"compression": None, "proxy": None, "ping_interval": None, **options},
        )
        client = cls(websocket)
        if token:
            try:
                client.connected = await client.wait_for("connected", timeout_s)
            except BaseException:
                await client.close()
                raise
        return client

    async def send(self, **message: Any) -> None:
        """Send a message and expect nothing."""
        await self.send_raw(json.dumps(message))

    async def send_raw(self, data: str | bytes) -> None:
        """Send a text (str) or binary (bytes) frame as it is."""
        if isinstance(data, str):
            self._witness.sent(data)
        try:
            await self.websocket.send(data)
        except ConnectionClosed as exc:
            raise _closed(exc) from exc

    async def command(
        self, kind: str, /, *, timeout_s: float = DEFAULT_TIMEOUT_S, **fields: Any
    ) -> Event:
        """Send a command with an `id` and return its answer, be it an `error`.

        Raises:
            TimeoutError: no answer in time.
            ClosedError: the connection ended first.
        """
        command_id = fields.pop("id", None) or next(self._ids)
        if self._over is not None:
            raise self._over
        reply: asyncio.Future[Event] = asyncio.get_running_loop().create_future()
        self._replies[command_id] = reply
        try:
            await self.send(type=kind, id=command_id, **fields)
            async with asyncio.timeout(timeout_s):
                return await reply
        finally:
            self._replies.pop(command_id, None)

    async def join(self, room: str, since: tuple[str, int] | None = None) -> Event:
        """Join a room, from an (epoch, seq) on if given; return the answer."""
        fields: Event = {"roomId": room}
        if since:
            fields["since"] = {"epoch": since[0], "seq": since[1]}
        return await self.command("join_room", **fields)

    async def say(self, room: str, content: str, client_message_id: str | None = None) -> Event:
        """Publish a message; return the answer."""
        fields: Event = {"roomId": room, "content": content}
        if client_message_id:
            fields["clientMessageId"] = client_message_id
        return await self.command("chat_message", **fields)

    async def wait_for(
        self, wanted: str | Callable[[Event], bool], timeout_s: float = DEFAULT_TIMEOUT_S
    ) -> Event:
        """Return and consume the first event, seen or to come, that is wanted; skip no other.

        Args:
            wanted: a `type`, or a predicate.
            timeout_s: how long to wait.

        Raises:
            TimeoutError: no such event in time; the text lists the types that did arrive.
            ClosedError: the connection ended first.
        """
        matches = (lambda event: event["type"] == wanted) if isinstance(wanted, str) else wanted
        try:
            async with asyncio.timeout(timeout_s), self._arrived:
                while True:
                    for index, event in enumerate(self._unseen):
                        if matches(event):
                            return self._unseen.pop(index)
                    if self._over is not None:
                        raise self._over
                    await self._arrived.wait()
        except TimeoutError:
            seen = [event["type"] for event in self._unseen]
            raise TimeoutError(f"no such event in {timeout_s} s; unseen are {seen}") from None

    async def events(self) -> AsyncIterator[Event]:
        """Yield and consume events in order until the connection ends."""
        while True:
            try:
                yield await self.wait_for(lambda _: True, 3600.0)
            except ClosedError:
                return

    def messages(self, room: str) -> list[Event]:
        """Return all messages of a room received so far, history pages not included."""
        return [
            event
            for event in self.received
            if event["type"] == "chat_message" and event["roomId"] == room
        ]

    def position(self, room: str) -> tuple[str, int] | None:
        """Return the (epoch, seq) to resume a room from: of its last placed event, gap or join.

        A join with `since` moves nothing by itself: what was missed follows it.
        """
        for event in reversed(self.received):
            if event.get("roomId") != room or "recovered" in event:
                continue
            if event["type"] in (*PLACED, "room_joined"):
                return event["epoch"], event["seq"]
            if event["type"] == "gap":
                return event["epoch"], event["toSeq"]
        return None

    async def wait_closed(self, timeout_s: float = DEFAULT_TIMEOUT_S) -> ClosedError:
        """Wait until the server has ended the connection; return code and reason."""
        async with asyncio.timeout(timeout_s):
            await asyncio.shield(self._reader)
        if self._over is None:
            raise AssertionError("the reader ended without a close")
        return self._over

    async def close(self, code: int = 1000) -> None:
        """Close the connection as a browser does."""
        await self.websocket.close(code)
        await self._reader

    async def abort(self) -> None:
        """Cut the connection without a goodbye, as a lost network does."""
        self.websocket.transport.abort()
        await self._reader

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        with contextlib.suppress(ConnectionClosed):
            await self.close()

    async def _read(self) -> None:
        try:
            while True:
                await self._take(json.loads(await self.websocket.recv()))
        except ConnectionClosed as exc:
            self._over = _closed(exc)
        finally:
            over = ClosedError(1006, "the reader failed") if self._over is None else self._over
            for reply in self._replies.values():
                if not reply.done():
                    reply.set_exception(over)
            self._over = over
            async with self._arrived:
                self._arrived.notify_all()

    async def _take(self, event: Event) -> None:
        self._witness.received(event)
        self.received.append(event)
        reply = self._replies.get(event["id"]) if "id" in event else None
        if reply is not None and not reply.done():
            reply.set_result(event)
            return
        async with self._arrived:
            self._unseen.append(event)
            self._arrived.notify_all()


def _closed(exc: ConnectionClosed) -> ClosedError:
    close = exc.rcvd or exc.sent
    return ClosedError(close.code, close.reason) if close else ClosedError(1006, "")
