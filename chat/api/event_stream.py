"""The answer that does not end: what a client missed, then live, until one of them leaves."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from typing import Any

from starlette.responses import Response

from chat.api.operations import EVENT_STREAM
from chat.api.reader import WRITE_BYTES, Reader
from chat.api.services import ApiServices
from chat.api.sse import HEARTBEAT, block, blocks_of, position_text, retry
from chat.broker.refusals import unavailable
from chat.identity.tokens import Identity
from chat.protocol.about import NOTHING
from chat.protocol.commands import Since
from chat.protocol.events import encode_event
from chat.protocol.http import StreamOpened
from chat.rooms.recovery import chunks, entered, is_current, missed, turn
from chat.rooms.room import CATCH_UP_MAX, Room
from chat.rooms.stream import Item, Lost, Stream


class EventStream(Response):
    """A stream of one room's events.

    Args:
        services: shared with all requests.
        room_id: the room.
        identity: whose token it is; None for a back end.
        since: the last position that the client has seen, None for from now on.
    """

    def __init__(
        self,
        services: ApiServices,
        room_id: str,
        identity: Identity | None,
        since: Since | None,
    ) -> None:
        self.status_code = 200
        self.media_type = EVENT_STREAM
        self.charset = "utf-8"
        self.background = None
        self.init_headers({"X-Accel-Buffering": "no"})  # nginx would keep events back
        self._services = services
        self._room_id = room_id
        self._identity = identity
        self._since = since

    async def __call__(
        self,
        scope: Any,  # noqa: ARG002 - ASGI
        receive: Any,
        send: Any,
    ) -> None:
        """Serve it.

        Raises:
            CommandError: busy, unavailable, banned, forbidden; nothing has been sent then.
            RefusedError: too_many_streams.
            LinkError: Redis is away.
        """
        hub = self._services.feed.hub
        reader = self._services.streams.open(self._room_id, self._identity)
        room: Room | None = None
        try:
            room, acts = await entered(
                hub,
                self._services.enforcement,
                self._services.participation,
                reader,
                self._room_id,
            )
            async with _watched(reader, receive), self._expiring(reader):
                await self._begin(room, reader, send)
                self._services.enforcement.came_in(room, acts)
                await self._go_on(reader, send)
        finally:
            self._services.streams.remove(reader)
            if room is not None:
                room.remove(reader)
                hub.let_linger(room)

    # ------------------------------------------------------------------ the beginning

    async def _begin(self, room: Room, reader: Reader, send: Any) -> None:
        services = self._services
        if self._since is None or is_current(room, self._since):
            start, items = await self._missed(room, reader)
            await self._tell(room, reader, start, items, send)
            return
        async with turn(services.recoveries, services.settings.redis_timeout):
            start, items = await self._missed(room, reader)
            await self._tell(room, reader, start, items, send)

    async def _missed(self, room: Room, reader: Reader) -> tuple[Stream, list[Item]]:
        services = self._services
        try:
            async with asyncio.timeout(services.settings.redis_timeout * 2):
                return await missed(services.feed.hub, services.broker, room, reader, self._since)
        except TimeoutError as exc:
            raise unavailable(exc) from None

    async def _tell(
        self, room: Room, reader: Reader, start: Stream, items: list[Item], send: Any
    ) -> None:
        """Open the stream, tell what was missed and what was kept meanwhile; then it is live."""
        services = self._services
        services.participation.require(room, reader.user_id)
        await send(
            {"type": "http.response.start", "status": 200, "headers": list(self.raw_headers)}
        )
        await _write(send, self._opening(room, start, items))
        try:
            async with asyncio.timeout(services.settings.close_timeout):
                for frames in chunks(room, items, WRITE_BYTES):
                    await _write(send, blocks_of(frames))
        except TimeoutError:
            reader.close("slow_consumer")  # it resumes from what it has got
        # From here on nothing awaits: pending frames of the others leave first, then this reader
        # gets what was kept and is fed like them.
        services.feed.hub.fan_out.flush_room(room)
        if not services.participation.holds(room, reader.user_id):
            reader.close("removed")
            return
        kept = room.catching_up.pop(reader)
        if len(kept) > CATCH_UP_MAX:
            reader.close("slow_consumer")
        if kept:
            reader.send(b"".join(kept))
        room.add(reader)

    def _opening(self, room: Room, start: Stream, items: list[Item]) -> bytes:
        since = self._since
        opened = StreamOpened(
            roomId=room.room_id,
            epoch=start.epoch,
            headSeq=start.seq,
            memberCount=room.member_count,
            room=None if room.about == NOTHING else room.about,
            recovered=None if since is None else not any(isinstance(one, Lost) for one in items),
        )
        # Its id is where the client is, not where the room is: were the stream to break now,
        # it would have to be told all of what was missed.
        at = position_text(start.epoch, start.seq)
        if since is not None:
            at = position_text(since.epoch, since.seq)
        return retry(self._services.streams.retry_ms()) + block(encode_event(opened), at)

    # ------------------------------------------------------------------------- live

    async def _go_on(self, reader: Reader, send: Any) -> None:
        heartbeat_s = self._services.settings.api_heartbeat_interval
        while not reader.is_over:
            try:
                async with asyncio.timeout(heartbeat_s):
                    await reader.wait()
            except TimeoutError:
                await _write(send, HEARTBEAT)
                continue
            await _write(send, reader.take())
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    @contextlib.asynccontextmanager
    async def _expiring(self, reader: Reader) -> AsyncIterator[None]:
        """End the stream with its token."""
        if self._identity is None:
            yield
            return
        left_s = max(0.0, self._identity.expires_at_s - time.time())
        timer = asyncio.get_running_loop().call_later(left_s, reader.close, "token_expired")
        try:
            yield
        finally:
            timer.cancel()


async def _write(send: Any, blocks: bytes) -> None:
    """Write, when the socket has taken most of what was written before."""
    await send({"type": "http.response.body", "body": blocks, "more_body": True})


@contextlib.asynccontextmanager
async def _watched(reader: Reader, receive: Any) -> AsyncIterator[None]:
    """Notice that the client has gone: a server that only writes would find out late."""

    async def watch() -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        reader.end("client")

    watching = asyncio.create_task(watch(), name="stream-watch")
    try:
        yield
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
