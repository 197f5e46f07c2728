"""One connection: commands out, answers by `id`, events to who listens, and how it ended."""

import asyncio
import itertools
from collections.abc import Callable, Mapping
from typing import Any, Self

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException
from websockets.typing import Subprotocol

from chat.client.errors import ConnectionLostError, InvalidCommandError, RefusedError, refusal
from chat.client.events import (
    Ack,
    AnyEvent,
    Connected,
    Drain,
    Error,
    HistoryPage,
    ParticipantsPage,
    Pong,
    PresencePage,
    RoomCreated,
    RoomJoined,
    RoomLeft,
    RoomsPage,
    TokenRefreshed,
    Unknown,
    UnreadCounts,
    UserStates,
    decode,
    encode,
)
from chat.client.options import Options
from chat.client.policy import Ending, retry_after_s

SUBPROTOCOL = Subprotocol("chat.v1")
#: More than any page of history has; bounds what a server can make a client hold.
MAX_FRAME_BYTES = 1 << 24
CLOSE_TIMEOUT_S = 2.0
_MAX_REASON = 200

Command = Mapping[str, Any]
Answer = (
    Ack
    | RoomJoined
    | RoomLeft
    | HistoryPage
    | PresencePage
    | UserStates
    | UnreadCounts
    | RoomCreated
    | ParticipantsPage
    | RoomsPage
    | TokenRefreshed
    | Pong
)


class NoConnectionError(Exception):
    """A connection did not come about; `ending` says how."""

    def __init__(self, ending: Ending) -> None:
        super().__init__(ending.reason)
        self.ending = ending


class Connection:
    """A WebSocket on which the server has said `connected`, from the moment `open` returns.

    Args:
        websocket: as opened.
        options: how patient to be.
        on_event: is given every event in order, answers too, before who waits for them goes on.
    """

    def __init__(
        self,
        websocket: ClientConnection,
        options: Options,
        on_event: Callable[[AnyEvent | Unknown], None],
    ) -> None:
        self._websocket = websocket
        self._options = options
        self._on_event = on_event
        self._ids = itertools.count(1)
        self._answers: dict[int, asyncio.Future[Answer]] = {}
        self._loop = asyncio.get_running_loop()
        self._open_since: float | None = None
        self._drain: Drain | None = None
        self.over = False
        self.connected: Connected

    @classmethod
    async def open(
        cls,
        url: str,
        token: str,
        options: Options,
        on_event: Callable[[AnyEvent | Unknown], None],
    ) -> Self:
        """Connect, and wait until the server has accepted the token.

        Raises:
            NoConnectionError: that did not work.
        """
        try:
            async with asyncio.timeout(options.connect_timeout_s):
                websocket = await _websocket(url, token, options)
        except InvalidStatus as exc:
            response = exc.response
            text = bytes(response.body or b"")[:_MAX_REASON].decode(errors="replace").strip()
            raise NoConnectionError(
                Ending(
                    status=response.status_code,
                    reason=f"the server answered {response.status_code} {text}".strip(),
                    hint_s=retry_after_s(response.headers.get("Retry-After")),
                )
            ) from None
        except TimeoutError:
            raise NoConnectionError(Ending(reason="the server does not answer")) from None
        except (OSError, WebSocketException) as exc:
            raise NoConnectionError(Ending(reason=f"cannot connect: {exc}")) from exc
        connection = cls(websocket, options, on_event)
        try:
            connection.connected = await connection._first_word()
        except BaseException:
            websocket.transport.abort()
            raise
        connection._open_since = connection._loop.time()
        return connection

    async def read(self) -> Ending:
        """Hand over events until the connection has ended; return how it did."""
        try:
            while True:
                self._take(await self._websocket.recv())
        except ConnectionClosed:
            return self._ending()
        finally:
            self.over = True
            for answer in self._answers.values():
                if not answer.done():
                    answer.set_exception(ConnectionLostError("the connection was lost"))
            self._answers.clear()

    async def send(self, command: Command) -> None:
        """Send a command that needs no answer.

        Raises:
            ConnectionLostError: the connection has ended.
            InvalidCommandError: the command is larger than the server takes.
        """
        text = encode(command)
        most = self.connected.max_message_bytes
        if len(text.encode()) > most:
            raise InvalidCommandError(
                "content_too_long",
                f"A command may have {most} bytes.",
                room_id=command.get("roomId"),
            )
        if self.over:
            raise ConnectionLostError("the connection was lost")
        try:
            await self._websocket.send(text)
        except ConnectionClosed:
            self.over = True  # `read` may not have had its turn, and who tries again must not spin
            raise ConnectionLostError("the connection was lost") from None

    async def request(self, command: Command) -> Answer:
        """Send a command and return its answer.

        A server that does not answer in time is taken for dead: the connection is cut, so that no
        late answer can be mistaken.

        Raises:
            RefusedError: the server refused it.
            ConnectionLostError: the connection ended before the answer.
            InvalidCommandError: the command is larger than the server takes.

        Cancellation: safe; the answer is ignored.
        """
        command_id = next(self._ids)
        answer: asyncio.Future[Answer] = self._loop.create_future()
        self._answers[command_id] = answer
        try:
            async with asyncio.timeout(self._options.answer_timeout_s):
                await self.send({**command, "id": command_id})
                return await answer
        except TimeoutError:
            self.abort()
            raise ConnectionLostError("the server did not answer in time") from None
        finally:
            self._answers.pop(command_id, None)
            if not answer.cancel() and not answer.cancelled():
                answer.exception()  # looked at, also where the wait was cancelled in that moment

    def abort(self) -> None:
        """Cut it without a goodbye."""
        self._websocket.transport.abort()

    async def close(self) -> None:
        """Say goodbye; takes no longer than two seconds."""
        await self._websocket.close()

    async def _first_word(self) -> Connected:
        try:
            async with asyncio.timeout(self._options.connect_timeout_s):
                while True:
                    event = decode(await self._websocket.recv())
                    if isinstance(event, Connected):
                        return event
        except TimeoutError:
            raise NoConnectionError(Ending(reason="the server does not answer")) from None
        except ConnectionClosed:
            raise NoConnectionError(self._ending()) from None

    def _take(self, text: str | bytes) -> None:
        event = decode(text)
        if event is None:
            return
        if isinstance(event, Drain):
            self._drain = event
        self._on_event(event)
        if isinstance(event, Answer | Error) and isinstance(event.id, int):
            self._settle(event, self._answers.get(event.id))

    def _settle(self, event: Answer | Error, answer: asyncio.Future[Answer] | None) -> None:
        if answer is None or answer.done():
            return
        if isinstance(event, Error):
            answer.set_exception(refused(event))
        else:
            answer.set_result(event)

    def _ending(self) -> Ending:
        lived_s = 0.0 if self._open_since is None else self._loop.time() - self._open_since
        close = self._websocket.protocol.close_rcvd
        drain = self._drain
        hint_s = drain.reconnect_after_ms / 1000 if drain else None
        if close is None:
            return Ending(
                reason="the connection was lost",
                hint_s=hint_s,
                drained=drain is not None,
                lived_s=lived_s,
            )
        return Ending(
            code=close.code,
            reason=close.reason or f"closed with {close.code}",
            hint_s=hint_s,
            drained=drain is not None,
            lived_s=lived_s,
        )


async def _websocket(url: str, token: str, options: Options) -> ClientConnection:
    extra: dict[str, Any] = {} if options.ssl is None else {"ssl": options.ssl}
    return await connect(
        url,
        subprotocols=[SUBPROTOCOL],
        additional_headers={**options.headers, "Authorization": f"Bearer {token}"},
        compression=None,
        proxy=options.proxy,
        open_timeout=None,  # the caller's
        ping_interval=options.silence_s,
        ping_timeout=options.silence_s,
        close_timeout=CLOSE_TIMEOUT_S,
        max_size=MAX_FRAME_BYTES,
        **extra,
    )


def refused(event: Error) -> RefusedError:
    """Return an `error` event as an exception."""
    return refusal(
        event.code,
        event.message,
        room_id=event.room_id,
        retry_after_ms=event.retry_after_ms,
        uncertain=event.uncertain,
    )
