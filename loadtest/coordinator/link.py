"""One agent as the coordinator sees it: what it said, what it is told, whether it still lives."""

import asyncio
import contextlib
import time
from collections.abc import Callable

from msgspec import DecodeError, json

from loadtest.clock import Offset, Probe, between, drifted
from loadtest.control import (
    ClockAnswer,
    ClockProbe,
    Finished,
    Hello,
    Progress,
    Ready,
    ToAgent,
    ToCoordinator,
)

#: Longest line: the ends of 100,000 rooms take some 4 MB.
LINE_LIMIT = 1 << 26
_PROBES = 9
_PROBE_TIMEOUT_S = 5.0
_encoder = json.Encoder()
_decoder: json.Decoder[ToCoordinator] = json.Decoder(ToCoordinator)


class LinkError(Exception):
    """The other end said what it should not, or nothing in time; the text says what."""


async def say(writer: asyncio.StreamWriter, message: ToAgent) -> None:
    """Send one line.

    Raises:
        OSError: the connection is gone.
    """
    writer.write(_encoder.encode(message) + b"\n")
    await writer.drain()


async def hear(reader: asyncio.StreamReader) -> ToCoordinator | None:
    """Return the next line, or None at the end of the connection.

    Raises:
        LinkError: it is not a message.
    """
    try:
        line = await reader.readline()
    except ValueError as exc:  # longer than the limit
        raise LinkError(f"said too much at a time: {exc}") from None
    except OSError:
        return None
    if not line.endswith(b"\n"):
        return None
    try:
        return _decoder.decode(line)
    except (DecodeError, UnicodeDecodeError) as exc:
        raise LinkError(f"said something unknown: {exc}") from None


class AgentLink:
    """The connection to one agent that has been admitted.

    Attributes:
        ready: its answer to the assignment.
        finished: its last word.
        gone: why it is not there any more, although it had not finished.
        heard_s: when it said something last, on the monotonic clock.
    """

    def __init__(
        self,
        number: int,
        hello: Hello,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        *,
        on_progress: Callable[["AgentLink", Progress], None],
        on_gone: Callable[["AgentLink"], None],
    ) -> None:
        self.number = number
        self.hello = hello
        self.clients = 0
        self.offset = Offset()
        self.ready: asyncio.Future[Ready] = asyncio.get_running_loop().create_future()
        self.finished: Finished | None = None
        self.ended = asyncio.Event()
        self.gone: str | None = None
        self.heard_s = time.monotonic()
        self._reader = reader
        self._writer = writer
        self._on_progress = on_progress
        self._on_gone = on_gone
        self._answer: asyncio.Future[Probe] | None = None

    def __str__(self) -> str:
        return f"Agent {self.number} (process {self.hello.pid} on {self.hello.host})"

    async def say(self, message: ToAgent) -> None:
        """Tell it something; one that is gone is not told, `gone` says so."""
        with contextlib.suppress(OSError):
            await say(self._writer, message)

    async def listen(self) -> None:
        """Take what it says until the connection ends."""
        try:
            while (message := await hear(self._reader)) is not None:
                self.heard_s = time.monotonic()
                self._take(message)
            if self.finished is None:
                self.lose("closed the connection")
        except (LinkError, ValueError) as exc:
            self.lose(str(exc))
        finally:
            self.ended.set()

    def _take(self, message: ToCoordinator) -> None:
        match message:
            case Progress():
                self._on_progress(self, message)
            case ClockAnswer():
                self._take_answer(message)
            case Ready():
                if not self.ready.done():
                    self.ready.set_result(message)
            case Finished():
                self.finished = message
                self.ended.set()
            case _:
                raise LinkError("said hello again")

    def _take_answer(self, answer: ClockAnswer) -> None:
        waiting = self._answer
        if waiting is not None and not waiting.done():
            probe = Probe(answer.sent_ns, answer.agent_ns, time.monotonic_ns())
            waiting.set_result(probe)

    def lose(self, why: str) -> None:
        """Give it up: it is not waited for any more."""
        if self.gone is None and self.finished is None:
            self.gone = why
            self.ended.set()
            self._writer.close()
            self._on_gone(self)

    def close(self) -> None:
        """Close the connection."""
        self._writer.close()

    async def set_clock(self, boot_id: str) -> None:
        """Measure how far its clock is off.

        Raises:
            LinkError: it does not answer.
        """
        self.offset = between(self.hello.boot_id, boot_id, await self._probe())

    async def check_clock(self, boot_id: str) -> None:
        """Measure again: the offset stays, its error grows if the clocks drift apart.

        Raises:
            LinkError: it does not answer.
        """
        now = between(self.hello.boot_id, boot_id, await self._probe())
        self.offset = drifted(self.offset, now)

    async def _probe(self) -> list[Probe]:
        return [await self._probe_once() for _ in range(_PROBES)]

    async def _probe_once(self) -> Probe:
        self._answer = asyncio.get_running_loop().create_future()
        await self.say(ClockProbe(sent_ns=time.monotonic_ns()))
        try:
            async with asyncio.timeout(_PROBE_TIMEOUT_S):
                probe = await self._answer
        except TimeoutError:
            raise LinkError(f"did not answer a clock probe in {_PROBE_TIMEOUT_S:g} s") from None
        finally:
            self._answer = None
        return probe
