"""All event streams of this process: how many there may be, and how they end together."""

import random
from collections import Counter

from chat.api.problems import HttpCode, RefusedError
from chat.api.reader import Bounds, Reader
from chat.api.sse import block, retry
from chat.api.stats import ApiStats
from chat.broker.refusals import RETRY_MS, busy
from chat.protocol.events import Drain, encode_event
from chat.settings import Settings


class Streams:
    """Readers, and whose they are.

    Args:
        settings: how many there may be, and how far each may lag behind.
        stats: counts them.
    """

    def __init__(self, settings: Settings, stats: ApiStats) -> None:
        self._settings = settings
        self._stats = stats
        self._bounds = Bounds(settings.max_outbound_bytes, settings.outbound_high_water_bytes)
        self._readers: dict[Reader, None] = {}
        self._per_user: Counter[str] = Counter()
        self._is_draining = False

    def open(self, room_id: str, user_id: str) -> Reader:
        """Return a new reader, to be taken out again by `remove`.

        Args:
            room_id: that it reads.
            user_id: whose it is; empty for a back end, which is bound by the whole only.

        Raises:
            CommandError: busy.
            RefusedError: too_many_streams.
        """
        settings = self._settings
        if len(self._readers) >= settings.api_max_streams:
            raise busy("There are too many streams here, try again.")
        if user_id and self._per_user[user_id] >= settings.api_max_streams_per_user:
            raise RefusedError(
                HttpCode.TOO_MANY_STREAMS,
                f"A user may read {settings.api_max_streams_per_user} streams here.",
                retry_after_ms=RETRY_MS,
            )
        reader = Reader(room_id, user_id, self._bounds)
        self._readers[reader] = None
        if user_id:
            self._per_user[user_id] += 1
        self._stats.streams = len(self._readers)
        if self._is_draining:
            self._send_away(reader)
        return reader

    def remove(self, reader: Reader) -> None:
        """Forget a reader whose stream is over."""
        del self._readers[reader]
        user_id = reader.user_id
        if user_id:
            self._per_user[user_id] -= 1
            if not self._per_user[user_id]:
                del self._per_user[user_id]
        self._stats.streams = len(self._readers)
        self._stats.streams_ended[reader.why or "client"] += 1

    def retry_ms(self) -> int:
        """Return how long a client waits before it comes back, at random around the setting.

        A process that ends would otherwise send all of its readers to the next one at once.
        """
        part = random.uniform(0.5, 1.5)  # noqa: S311 - jitter
        return int(self._settings.api_stream_retry * 1000 * part)

    def drain(self) -> None:
        """End all of them, and those that come yet: their clients come back to another process.

        A stream that is opened and ended is what every client comes back from; of a refusal some
        think that it is for good.
        """
        self._is_draining = True
        for reader in self._readers:
            self._send_away(reader)

    def _send_away(self, reader: Reader) -> None:
        wait_ms = self.retry_ms()
        event = encode_event(Drain(closesInMs=0, reconnectAfterMs=wait_ms))
        reader.end("drain", retry(wait_ms) + block(event))
