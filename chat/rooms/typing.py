"""Who is typing: throttled, forgotten after a while, never stored."""

import asyncio
import logging
import math
from collections import OrderedDict

import orjson

from chat.broker.broker import Broker
from chat.broker.link import LinkError
from chat.ops.stats import Stats
from chat.rooms.room import Room
from chat.settings import Settings

log = logging.getLogger(__name__)


class Typists:
    """The users of this worker that typed lately, oldest sign first."""

    def __init__(self, settings: Settings, stats: Stats, broker: Broker) -> None:
        self._settings = settings
        self._stats = stats
        self._broker = broker
        self._loop = asyncio.get_running_loop()
        #: When a user's last sign was passed on, and whether it said "typing".
        self._told: OrderedDict[tuple[str, str], tuple[float, bool]] = OrderedDict()

    def said(self, room: Room, user_id: str, *, is_typing: bool) -> None:
        """A client gave a sign; pass it on unless "typing" was passed on a moment ago.

        Raises:
            LinkError: Redis is away.
        """
        if room.is_large(self._settings.large_room_members):
            return  # in a crowd nobody reads who types
        key = (room.room_id, user_id)
        now_s = self._loop.time()
        told_s, told = self._told.get(key, (-math.inf, False))
        if not is_typing:
            if told:  # the time stays: switching on and off does not get around the throttle
                self._told[key] = told_s, False
                self._publish(*key, is_typing=False)
        elif now_s - told_s >= self._settings.typing_throttle:
            self._told[key] = now_s, True
            self._told.move_to_end(key)
            self._publish(*key, is_typing=True)

    def on_tick(self) -> None:
        """Say that a user stopped who gave no further sign."""
        now_s = self._loop.time()
        keep_s = max(self._settings.typing_ttl, self._settings.typing_throttle)
        while self._told:
            key, (told_s, told) = next(iter(self._told.items()))
            if now_s - told_s < keep_s:
                break
            del self._told[key]
            try:
                if told:
                    self._publish(*key, is_typing=False)
            except LinkError as exc:
                log.debug("typing_end_not_sent", extra={"error": str(exc)})  # clients expire it too

    def _publish(self, room_id: str, user_id: str, *, is_typing: bool) -> None:
        self._stats.typing_events += 1
        self._broker.publish_ephemeral(room_id, b"t" + orjson.dumps([user_id, is_typing]))
