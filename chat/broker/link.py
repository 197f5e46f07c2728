"""One connection to Redis that never waits: commands are pipelined, replies come to callbacks.

All commands of one loop tick leave in one write and their replies are handled in one read, which
is what makes micro-batches of the publish script; hiredis packs and parses. Measured against
redis-py's pipeline this is about four times cheaper per command, and ten times per pub/sub message
(docs/decisions/0003-own-redis-link.md).
"""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any, cast

import hiredis

from chat.broker.target import Access, Address

Reply = Any  # what hiredis makes of a RESP reply: bytes, int, list, None
Callback = Callable[[Reply], None]  # gets the reply, or an exception instance


#: The stub says a tuple of one; it takes any number.
_pack = cast("Callable[[tuple[str | bytes | int, ...]], bytes]", hiredis.pack_command)


class LinkError(Exception):
    """The command was not answered, or not sent."""


class LinkDownError(LinkError):
    """There is no connection; the command was not sent."""


class LinkLostError(LinkError):
    """The connection broke while the command was under way: the outcome is unknown."""


class LinkBusyError(LinkError):
    """Too many commands are under way; the command was not sent."""


class CommandFailedError(LinkError):
    """Redis answered with an error."""


#: Errors with which Redis refuses a command before it does anything, by the word in their text.
_REFUSALS = ("READONLY", "CLUSTERDOWN", "MASTERDOWN", "LOADING", "NOREPLICAS")


class RefusedError(CommandFailedError, LinkDownError):
    """Redis could not take the command just then: nothing was done."""


def failure(text: str) -> CommandFailedError:
    """Return the exception for an error reply."""
    # Redis 6 puts the word behind the name of the script that was refused a write.
    kind = RefusedError if any(word in text for word in _REFUSALS) else CommandFailedError
    return kind(text)


class RedisLink(asyncio.Protocol):
    """A RESP2 connection; in pub/sub use, what isn't a reply goes to `on_push`.

    Args:
        max_in_flight: commands without an answer, at most.
        on_push: gets what Redis sends by itself, and the answers to what `send` sent.
        on_refusal: gets the errors among those answers; without it an error ends the link.
    """

    def __init__(
        self,
        *,
        max_in_flight: int,
        on_push: Callable[[list[Any]], None] | None = None,
        on_refusal: Callable[[str], None] | None = None,
    ) -> None:
        self.is_up = False
        self.lost = asyncio.get_running_loop().create_future()  # done when the link is gone
        self._max_in_flight = max_in_flight
        self._on_push = on_push
        self._on_refusal = on_refusal
        self._waiting: deque[Callback] = deque()
        self._outgoing: list[bytes] = []
        self._reader = hiredis.Reader()
        self._transport: asyncio.Transport | None = None
        self._loop = asyncio.get_running_loop()
        self._answered = 0
        self._mark = 0  # how many answers a healthy link has given by the next check

    @property
    def in_flight(self) -> int:
        """Commands without an answer."""
        return len(self._waiting)

    def call(self, callback: Callback, *args: str | bytes | int) -> None:
        """Send a command; `callback` is called exactly once, with the reply or an exception.

        Raises:
            LinkDownError: not connected.
            LinkBusyError: `max_in_flight` commands are waiting.
        """
        if not self.is_up:
            raise LinkDownError("not connected to Redis")
        if len(self._waiting) >= self._max_in_flight:
            raise LinkBusyError("too many Redis commands in flight")
        self._waiting.append(callback)
        self.send(*args)

    def send(self, *args: str | bytes | int) -> None:
        """Send a command whose answer comes as a push, such as SUBSCRIBE."""
        if not self._outgoing:
            self._loop.call_soon(self._flush)
        self._outgoing.append(_pack(args))

    async def ask(self, *args: str | bytes | int) -> Reply:
        """Send a command and wait for its reply.

        Raises:
            LinkError: as `call`, or Redis answered with an error.

        Cancellation: safe; the command may have reached Redis, its reply is dropped.
        """
        return await answered(lambda done: self.call(done, *args))

    def check(self) -> bool:
        """Return false, once per call interval, if the oldest command got no answer since the last.

        The caller closes the link then. Cost: O(1) whatever is in flight.
        """
        stuck = self._answered < self._mark
        self._mark = self._answered + (1 if self._waiting else 0)
        return not stuck

    def close(self, why: Exception | None = None) -> None:
        """Drop the connection now; waiting commands get `LinkLostError`."""
        if self._transport is not None:
            self._transport.abort()
        self._down(why)

    def _flush(self) -> None:
        outgoing, self._outgoing = self._outgoing, []
        if self._transport is not None:
            self._transport.write(b"".join(outgoing))

    # ------------------------------------------------------- asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The socket is open; the link is up once `open_link` has greeted Redis."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Hand every complete reply to its callback, in order."""
        reader = self._reader
        try:
            reader.feed(data)
            while self._transport is not None and (reply := reader.gets()) is not False:
                self._handle(reply)
        except hiredis.ProtocolError as exc:
            self.close(exc)

    def _handle(self, reply: Reply) -> None:
        if self._on_push is not None and isinstance(reply, list):
            self._on_push(reply)
            return
        if not self._waiting:
            if self._on_refusal is None:
                self.close(LinkError(str(reply)))  # an error nobody asked for, such as NOPERM
            else:
                self._on_refusal(str(reply))
            return
        self._answered += 1
        if isinstance(reply, hiredis.ReplyError):
            reply = failure(str(reply))
        self._waiting.popleft()(reply)

    def connection_lost(self, exc: Exception | None) -> None:
        """Redis is gone."""
        self._down(exc)

    def _down(self, why: Exception | None) -> None:
        self.is_up = False
        self._transport = None
        if not self.lost.done():
            self.lost.set_result(why)
        waiting, self._waiting = self._waiting, deque()
        for callback in waiting:
            # Each on its own: one that fails must not keep the others waiting.
            self._loop.call_soon(callback, LinkLostError("the connection to Redis broke"))


def as_link_error(error: Exception) -> LinkError:
    """Return an error that came in place of a reply, as one of ours."""
    return error if isinstance(error, LinkError) else LinkError(str(error))


async def answered(start: Callable[[Callback], None]) -> Any:
    """Start something that answers by callback and wait for the answer.

    Raises:
        LinkError: the answer was an exception, or `start` raised it.

    Cancellation: safe; the answer is dropped when it comes.
    """
    future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

    def settle(answer: Any) -> None:
        if future.done():
            return
        if isinstance(answer, Exception):
            future.set_exception(answer)
        else:
            future.set_result(answer)

    start(settle)
    return await future


async def open_link(
    address: Address,
    access: Access,
    *,
    timeout_s: float,
    max_in_flight: int = 20000,
    on_push: Callable[[list[Any]], None] | None = None,
    on_refusal: Callable[[str], None] | None = None,
    name: str = "chat",
) -> RedisLink:
    """Connect to a server, authenticate and select the database.

    Raises:
        OSError: no connection within `timeout_s`, TLS included.
        LinkError: Redis refused the greeting.
    """
    link = RedisLink(max_in_flight=max_in_flight, on_push=on_push, on_refusal=on_refusal)
    try:
        async with asyncio.timeout(timeout_s):
            await _connect(link, address, access)
            link.is_up = True
            await _greet(link, access, name, select=on_push is None)
    except TimeoutError:
        link.close()
        raise OSError("no answer from Redis in time") from None
    except BaseException:
        link.close()
        raise
    return link


async def _connect(link: RedisLink, address: Address, access: Access) -> None:
    loop = asyncio.get_running_loop()
    if address.path:
        await loop.create_unix_connection(lambda: link, address.path)
        return
    context = access.tls.context() if access.tls else None
    await loop.create_connection(lambda: link, address.host, address.port, ssl=context)


async def _greet(link: RedisLink, access: Access, name: str, *, select: bool) -> None:
    if access.password:
        names = [access.username] if access.username else []
        await link.ask("AUTH", *names, access.password)
    if select and access.database:
        await link.ask("SELECT", access.database)
    await link.ask("CLIENT", "SETNAME", name)
