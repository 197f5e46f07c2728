"""The pre-publish hook: a URL of the operator's that is asked about each message.

    breaker ─▶ a place (or wait for one) ─▶ POST, signed ─▶ verdict
       │              │                        │
       ▼              ▼                        ▼
     away            busy           away: then the breaker hears of it; or unusable

Asking twice does no harm, so a kept connection that the hook's side has closed is tried anew.
"""

import asyncio
import logging
import time
from collections.abc import Sequence

import aiohttp
from msgspec import DecodeError, json

from chat.ops.stats import Stats
from chat.protocol.screening import Allow, Verdict
from chat.protocol.signature import signed
from chat.screening.breaker import Breaker
from chat.screening.slots import Slots
from chat.screening.unanswered import AwayError, UnusableError
from chat.settings import Settings

log = logging.getLogger(__name__)

#: The most of an answer that is read.
ANSWER_MAX_BYTES = 64 * 1024
#: Kept connections may all be stale after a restart of the hook; each try finds out about one.
TRIES = 3
_READ_BYTES = 16 * 1024

_decoder: json.Decoder[Verdict] = json.Decoder(Verdict)

#: Statuses by which the hook's side says that it can take no more just now.
OVERLOADED = frozenset({429, 502, 503, 504})


class Remote:
    """Asks the hook.

    Args:
        settings: where it is, and how long to wait for it.
        secrets: keys that sign what it is asked.
        stats: counts answers and failures.
    """

    def __init__(self, settings: Settings, secrets: Sequence[bytes], stats: Stats) -> None:
        self._settings = settings
        self._secrets = secrets
        self._stats = stats
        most = settings.publish_hook_concurrency
        self._slots = Slots(most, max(1, most // 2), settings.publish_hook_queue)
        self._breaker = Breaker(settings.publish_hook_failures, settings.publish_hook_pause)
        self._session: aiohttp.ClientSession | None = None

    async def run(self) -> None:
        """Keep connections until cancelled; nobody is asked before."""
        most = self._settings.publish_hook_concurrency
        async with aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=most, keepalive_timeout=60.0),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"Content-Type": "application/json", "Accept-Encoding": "identity"},
            timeout=aiohttp.ClientTimeout(total=self._settings.publish_hook_timeout),
        ) as session:
            self._session = session
            try:
                await asyncio.get_running_loop().create_future()
            finally:
                self._session = None

    async def ask(self, room_id: str, message_id: str, body: bytes) -> Verdict:
        """Return what the hook says.

        Args:
            room_id: of which room the message is.
            message_id: names the question; the same for one that is repeated.
            body: the question.

        Raises:
            AwayError: it says nothing that can be used.
            FullError: too many wait for it.

        Cancellation: safe.
        """
        if not self._breaker.would_admit(time.monotonic()):
            raise AwayError("it has failed again and again")
        self._stats.publish_hook_waiting += 1
        try:
            await self._slots.take(room_id, self._settings.publish_hook_timeout)
        finally:
            self._stats.publish_hook_waiting -= 1
        try:
            if not self._breaker.admits(time.monotonic()):  # it opened while this one waited
                raise AwayError("it has failed again and again")
            return await self._judged(message_id, body)
        finally:
            self._slots.give(room_id)

    async def _judged(self, message_id: str, body: bytes) -> Verdict:
        """Ask, and let the breaker know how it went."""
        was_open = self._breaker.is_open
        began_s = time.monotonic()
        try:
            verdict = await self._verdict(message_id, body)
        except AwayError as exc:
            if isinstance(exc, UnusableError):
                self._breaker.worked()
            else:
                self._breaker.failed(time.monotonic())
            self._stats.publish_hook_answers.add("failed")
            log.warning(
                "publish_hook_failed", extra={"error": str(exc), "open": self._breaker.is_open}
            )
            raise
        except BaseException:
            self._breaker.left()
            raise
        finally:
            self._stats.publish_hook_open = int(self._breaker.is_open)
            self._stats.publish_hook_seconds.observe(time.monotonic() - began_s)
        self._breaker.worked()
        self._stats.publish_hook_open = 0
        if was_open:
            log.info("publish_hook_is_back")
        return verdict

    async def _verdict(self, message_id: str, body: bytes) -> Verdict:
        try:
            async with asyncio.timeout(self._settings.publish_hook_timeout):
                status, answer = await self._posted(message_id, body)
        except (TimeoutError, aiohttp.ClientError, OSError) as exc:
            raise AwayError(f"no answer: {type(exc).__name__} {exc}".strip()) from None
        if status == 204:
            return Allow()
        if status != 200:
            raise (AwayError if status in OVERLOADED else UnusableError)(f"HTTP status {status}")
        if len(answer) > ANSWER_MAX_BYTES:
            raise UnusableError("the answer is too long")
        try:
            return _decoder.decode(answer)
        except (DecodeError, UnicodeDecodeError, RecursionError) as exc:
            raise UnusableError(f"the answer is no verdict: {exc}") from None

    async def _posted(self, message_id: str, body: bytes) -> tuple[int, bytes]:
        """Post the question; return status and answer."""
        if self._session is None:
            raise AwayError("not running")
        headers = signed(self._secrets, message_id, int(time.time()), body)
        url = self._settings.publish_hook_url
        left = TRIES
        while True:
            left -= 1
            try:
                async with self._session.post(
                    url, data=body, headers=headers, allow_redirects=False
                ) as response:
                    return response.status, await _read(response)
            except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError) as exc:
                if not left or isinstance(exc, aiohttp.ClientConnectorError):
                    raise


async def _read(response: aiohttp.ClientResponse) -> bytes:
    """Return the body, or one byte more than it may have."""
    answer = bytearray()
    while len(answer) <= ANSWER_MAX_BYTES:
        chunk = await response.content.read(_READ_BYTES)
        if not chunk:
            break
        answer += chunk
    return bytes(answer[: ANSWER_MAX_BYTES + 1])
