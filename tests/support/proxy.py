"""A userspace fault proxy: passes bytes on, or delays, holds, cuts or refuses them.

It stands between a client and a worker, or between a worker and Redis. A black hole holds bytes
back and loses none, as a network that drops packets does while TCP still retransmits: healed, the
held bytes arrive. A fault may be limited to some links, say to those that carry pub/sub.
"""

import asyncio
import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Self

from tests.support.ports import unused_port

_CHUNK_BYTES = 65536
_SUBSCRIBING = (b"SUBSCRIBE\r\n", b"subscribe\r\n")  # with any prefix: SSUBSCRIBE, PSUBSCRIBE


class Link:
    """One proxied connection: two byte streams, pumped until either ends."""

    def __init__(self, proxy: "FaultProxy") -> None:
        self.is_pubsub = False
        self._proxy = proxy
        self._writers: list[asyncio.StreamWriter] = []

    async def run(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Connect to the target and pump both ways."""
        self._writers.append(writer)
        try:
            target_reader, target_writer = await self._proxy.open_target()
        except OSError:
            self.abort()
            return
        self._writers.append(target_writer)
        try:
            async with asyncio.TaskGroup() as pumps:
                pumps.create_task(self._pump(reader, target_writer, upstream=True))
                pumps.create_task(self._pump(target_reader, writer, upstream=False))
        except* _EndOfLinkError:
            pass
        finally:
            self.abort()

    def abort(self) -> None:
        """Reset both sides."""
        for writer in self._writers:
            writer.transport.abort()

    async def _pump(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, upstream: bool
    ) -> None:
        try:
            while data := await reader.read(_CHUNK_BYTES):
                if upstream and any(word in data for word in _SUBSCRIBING):
                    self.is_pubsub = True
                if self._proxy.delay_s:
                    await asyncio.sleep(self._proxy.delay_s)
                await self._proxy.passable(self)
                writer.write(data)
                await writer.drain()
        except OSError:
            pass  # either side went away: the link ends below like at the end of a stream
        raise _EndOfLinkError


class _EndOfLinkError(Exception):
    """One direction has ended, and so must the other."""


def _every_link(_: Link) -> bool:
    return True


class FaultProxy:
    """A proxy in front of one target, with a fault the test can turn on and off.

    Args:
        target: a loopback port, or the path of a unix socket.
        unix: listen on this path instead of a loopback port.
    """

    def __init__(self, target: int | Path, *, unix: Path | None = None) -> None:
        self.target = target
        self.unix = unix
        self.port = 0
        self.delay_s = 0.0
        self.accepted = 0
        self._links: dict[Link, asyncio.Task[None]] = {}
        self._held: Callable[[Link], bool] | None = None
        self._healed = asyncio.Event()
        self._server: asyncio.Server | None = None

    @property
    def redis_url(self) -> str:
        """URL of the proxy when its target is a Redis server."""
        return f"unix://{self.unix}" if self.unix else f"redis://127.0.0.1:{self.port}/0"

    @property
    def links(self) -> list[Link]:
        """The open connections."""
        return list(self._links)

    def delay(self, seconds: float) -> None:
        """Hold every chunk back this long, in both directions."""
        self.delay_s = seconds

    def black_hole(self, only: Callable[[Link], bool] = _every_link) -> None:
        """Go on accepting, and forward nothing on the links that `only` picks, until `heal`."""
        self._held = only
        self._healed.clear()

    def cut(self, only: Callable[[Link], bool] = _every_link) -> int:
        """Reset the connections that `only` picks; return how many."""
        picked = [link for link in self._links if only(link)]
        for link in picked:
            link.abort()
        return len(picked)

    async def refuse(self) -> None:
        """Reset every connection and refuse new ones until `heal`."""
        if self._server is not None:
            self._server.close()
            self._server = None
        self.cut()

    async def heal(self) -> None:
        """Pass everything again, what was held back first."""
        self.delay_s = 0.0
        self._held = None
        self._healed.set()
        if self._server is None:
            await self._listen()

    async def passable(self, link: Link) -> None:
        """Wait until bytes of a link may go on."""
        while self._held is not None and self._held(link):
            await self._healed.wait()

    async def open_target(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Open a connection to the target."""
        if isinstance(self.target, Path):
            return await asyncio.open_unix_connection(self.target)
        return await asyncio.open_connection("127.0.0.1", self.target)

    async def __aenter__(self) -> Self:
        await self._listen()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.refuse()
        tasks = list(self._links.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self.unix:
            self.unix.unlink(missing_ok=True)

    async def _listen(self) -> None:
        if self.unix:
            self.unix.unlink(missing_ok=True)
            self._server = await asyncio.start_unix_server(self._accept, self.unix)
        else:
            self.port = self.port or unused_port()  # that nobody takes while we refuse
            self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        link = Link(self)
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("asyncio runs this callback in a task")
        self._links[link] = task
        try:
            with contextlib.suppress(asyncio.CancelledError):
                await link.run(reader, writer)
        finally:
            link.abort()
            writer.close()
            del self._links[link]
