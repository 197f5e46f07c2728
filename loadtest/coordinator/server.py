"""The port agents join at: who knows the secret is in, others learn nothing."""

import asyncio
import contextlib
from collections.abc import Callable

from loadtest.control import Challenge, Hello, Progress, Proof, Welcome
from loadtest.coordinator.link import LINE_LIMIT, AgentLink, LinkError, hear, say
from loadtest.joining import new_nonce, proves

_ADMISSION_TIMEOUT_S = 10.0
#: Connections that have not proved anything yet.
_MOST_STRANGERS = 64


class JoinServer:
    """Admits agents and reads what they say.

    Args:
        secret: what an agent has to know.
        most: admitted at a time; later ones are refused.
        on_progress: called with each report.
        on_gone: called when an agent that had not finished went away.

    Attributes:
        links: the admitted agents by their number.
        changed: set when one was admitted.
        refused: connections that were turned away, for a person to see.
    """

    def __init__(
        self,
        secret: str,
        most: int,
        *,
        on_progress: Callable[[AgentLink, Progress], None],
        on_gone: Callable[[AgentLink], None],
    ) -> None:
        self.links: list[AgentLink] = []
        self.changed = asyncio.Event()
        self.refused = 0
        self._secret = secret
        self._most = most
        self._on_progress = on_progress
        self._on_gone = on_gone
        self._strangers = 0
        self._server: asyncio.Server | None = None
        self._serving: set[asyncio.Task[None]] = set()

    async def start(self, host: str, port: int) -> tuple[str, int]:
        """Listen; return the address in use.

        Raises:
            OSError: it is not free, or not ours.
        """
        self._server = await asyncio.start_server(self._serve, host, port, limit=LINE_LIMIT)
        bound_host, bound_port = self._server.sockets[0].getsockname()[:2]
        return str(bound_host), int(bound_port)

    async def stop(self) -> None:
        """Close the port and every connection."""
        if self._server is not None:
            self._server.close()
        for task in list(self._serving):
            task.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is None or self._strangers >= _MOST_STRANGERS:
            writer.close()
            return
        self._serving.add(task)
        try:
            link = await self._admit(reader, writer)
            if link is not None:
                await link.listen()
        except asyncio.CancelledError:
            pass  # by `stop`: nobody waits for this task but it
        finally:
            self._serving.discard(task)
            writer.close()
            with contextlib.suppress(OSError, asyncio.CancelledError):
                await writer.wait_closed()

    async def _admit(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> AgentLink | None:
        self._strangers += 1
        try:
            async with asyncio.timeout(_ADMISSION_TIMEOUT_S):
                hello = await self._prove(reader, writer)
                if hello is None or len(self.links) >= self._most:
                    self.refused += 1
                    return None
                link = AgentLink(
                    len(self.links),
                    hello,
                    reader,
                    writer,
                    on_progress=self._on_progress,
                    on_gone=self._on_gone,
                )
                self.links.append(link)
                await link.say(Welcome(agent=link.number))
        except (LinkError, OSError):  # TimeoutError is an OSError
            self.refused += 1
            return None
        finally:
            self._strangers -= 1
        self.changed.set()
        return link

    async def _prove(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> Hello | None:
        hello = await hear(reader)
        if not isinstance(hello, Hello):
            return None
        nonce = new_nonce()
        await say(writer, Challenge(nonce=nonce))
        proof = await hear(reader)
        if not isinstance(proof, Proof) or not proves(self._secret, nonce, proof.digest):
            return None
        return hello
