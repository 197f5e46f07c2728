"""The HTTP client: one POST, bounded in time and in what is read of the answer.

Nothing but the configured URLs is ever asked: no redirect is followed, no proxy is taken from the
environment, and no cookie is kept.
"""

import ssl
import time
from types import TracebackType
from typing import Self

import aiohttp

from chat import __version__
from chat.protocol.signature import signed
from chat.webhooks.answers import Answer
from chat.webhooks.delivery import Delivery
from chat.webhooks.endpoints import Endpoint

#: Of an answer; a connection whose answer is longer is not used again.
ANSWER_BYTES_MAX = 65536
#: Idle connections are closed after this time: less than what servers usually wait.
KEEP_ALIVE_S = 20.0


class Poster:
    """Deliveries to one endpoint.

    Args:
        endpoint: where to, and with which secrets.
        timeout_s: for one delivery.
        concurrency: deliveries under way at a time.
    """

    def __init__(self, endpoint: Endpoint, timeout_s: float, concurrency: int) -> None:
        self._endpoint = endpoint
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=concurrency,
                keepalive_timeout=KEEP_ALIVE_S,
                ssl=ssl.create_default_context() if endpoint.url.startswith("https:") else True,
            ),
            timeout=aiohttp.ClientTimeout(total=timeout_s),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            headers={"user-agent": f"chat-hooks/{__version__}", "content-type": "application/json"},
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        await self._session.close()

    async def post(self, delivery: Delivery) -> Answer:
        """Post a delivery and return what came back; failures are answers, too."""
        headers = signed(
            self._endpoint.secrets, delivery.delivery_id, int(time.time()), delivery.body
        )
        try:
            async with self._session.post(
                self._endpoint.url, data=delivery.body, headers=headers, allow_redirects=False
            ) as answer:
                await answer.content.read(ANSWER_BYTES_MAX)
                if not answer.content.at_eof():
                    answer.close()
                return Answer(answer.status, answer.headers.get("retry-after"))
        except TimeoutError:
            return Answer("timeout")
        except (aiohttp.ClientError, OSError):
            return Answer("unreachable")
