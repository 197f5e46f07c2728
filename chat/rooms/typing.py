"""Who is typing: throttled, forgotten after a while, never stored."""

import asyncio
import logging
from collections import OrderedDict

import orjson

from chat.broker.broker import Broker
from chat.broker.link import LinkError
from chat.ops.stats import Stats
from chat.rooms.room import Room
from chat.settings import Settings

log = logging.getLogger(__name__)


class Typists:
    """The users of this worker that type now, oldest sign first."""

    def __init__(self, settings: Settings, stats: Stats, broker: Broker) -> None:
        self._settings = settings
        self._stats = stats
        self._broker = broker
        self._loop = asyncio.get_running_loop()
        self._since: OrderedDict[tuple[str, str], float] = OrderedDict()

    def said(self, room: Room, user_id: str, *, is_typing: bool) -> None:
        """A client gave a sign; pass it on unless one was passed on a moment ago.

        Raises:
            LinkError: Redis is away.
        """
        if room.member_count > self._settings.large_room_members:
            return  # in a crowd nobody reads who types
        key = (room.room_id, user_id)
        now_s = self._loop.time()
        last_s = self._since.get(key)
        if is_typing:
            if last_s is not None and now_s - last_s < self._settings.typing_throttle:
                return
            self._since[key] = now_s
            self._since.move_to_end(key)
        elif self._since.pop(key, None) is None:
            return  # nobody thinks so
        self._publish(room.room_id, user_id, is_typing=is_typing)

    def on_tick(self) -> None:
        """Say that a user stopped who gave no further sign."""
        now_s = self._loop.time()
        while self._since:
            key, last_s = next(iter(self._since.items()))
            if now_s - last_s < self._settings.typing_ttl:
                break
            del self._since[key]
            try:
                self._publish(*key, is_typing=False)
            except LinkError as exc:
                log.debug("typing_end_not_sent", extra={"error": str(exc)})  # clients expire it too

    def _publish(self, room_id: str, user_id: str, *, is_typing: bool) -> None:
        self._stats.typing_events += 1
        self._broker.publish_ephemeral(room_id, b"t" + orjson.dumps([user_id, is_typing]))
