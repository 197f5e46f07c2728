"""The body of an upload as it comes in, piece by piece."""

import asyncio
from collections.abc import AsyncIterator

from starlette.requests import ClientDisconnect, Request

from chat.api.head import head_of
from chat.api.problems import HttpCode, RefusedError

#: How long what a refused client still sends is read and thrown away: hung up at once, it would
#: see a broken connection instead of the answer.
_LINGER_S = 1.0


class Incoming:
    """The body of a request.

    Args:
        request: whose.
        silence_s: how long nothing may come.
    """

    def __init__(self, request: Request, silence_s: float) -> None:
        self._receive = request.receive
        self._silence_s = silence_s
        self._more = True

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yield what comes.

        Raises:
            TimeoutError: nothing came for too long.
            RefusedError: the client is gone.
        """
        while self._more:
            async with asyncio.timeout(self._silence_s):
                message = await self._receive()
            if message["type"] == "http.disconnect":
                self._more = False
                raise RefusedError(HttpCode.REQUEST_TIMEOUT, "The request broke off.")
            self._more = message.get("more_body", False)
            yield message.get("body", b"")

    async def linger(self) -> None:
        """Throw away what still comes, for a while."""
        try:
            async with asyncio.timeout(_LINGER_S):
                async for _ in self.chunks():
                    pass
        except (TimeoutError, RefusedError, ClientDisconnect):
            return


def length_of(request: Request) -> int | None:
    """Return how long the body says it is; None if it does not."""
    lengths = head_of(request.scope).headers.get_all("Content-Length")
    if not lengths and not head_of(request.scope).headers.get_all("Transfer-Encoding"):
        return 0
    return int(lengths[0]) if lengths else None
