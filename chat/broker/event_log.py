"""Notes what is in no room's history for `chat hooks`: in the log of a lane, some at a time.

Nothing waits for it. While Redis is away events are kept here, up to a bound; what was under way
when the connection broke is not sent again, so an event is noted once or, seldom, not at all.
"""

import asyncio
from typing import Any

import orjson

from chat.broker.link import LinkError, Reply
from chat.broker.news import LOG, Lane, News
from chat.broker.store import Store
from chat.ops.stats import Stats

#: Events that wait for Redis; beyond it new ones are lost.
WAITING_MAX = 20_000
#: Events in one script call.
BATCH = 200
#: How long after a refusal the next attempt is made.
RETRY_S = 0.5


class EventLog:
    """Writes events in the order in which they come, for each hash tag.

    Args:
        store: the Redis connection.
        news: where they are noted.
        stats: counts those that are lost.
    """

    def __init__(self, store: Store, news: News, stats: Stats) -> None:
        self._store = store
        self._news = news
        self._stats = stats
        self._waiting: dict[Lane, list[bytes]] = {}
        self._count = 0
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.Handle | None = None

    @classmethod
    def of(cls, store: Store, stats: Stats) -> "EventLog | None":
        """Return the log of a system with webhooks, None of any other."""
        return None if store.news is None else cls(store, store.news, stats)

    def note(self, tag: str, fields: dict[str, Any]) -> None:
        """Note an event.

        Args:
            tag: what it is in order with: a room id, or a user id.
            fields: of the event, `type` among them; id and time come to it.
        """
        if self._count >= WAITING_MAX:
            self._stats.hook_events_lost += 1
            return
        self._count += 1
        self._waiting.setdefault(self._news.lane_of(tag), []).append(orjson.dumps(fields)[1:])
        if self._timer is None:
            self._timer = self._loop.call_soon(self._flush)

    def _flush(self) -> None:
        self._timer = None
        for lane in list(self._waiting):
            if not self._store.shard(lane.tag).is_up:
                continue
            events = self._waiting.pop(lane)
            self._count -= len(events)
            for start in range(0, len(events), BATCH):
                self._write(lane, events[start : start + BATCH])
        if self._waiting:
            self._timer = self._loop.call_later(RETRY_S, self._flush)

    def _write(self, lane: Lane, events: list[bytes]) -> None:
        store = self._store

        def settle(reply: Reply) -> None:
            if isinstance(reply, LinkError):
                self._stats.hook_events_lost += len(events)

        store.start(
            lane.tag,
            lambda shard, done: shard.evaluate(
                store.scripts.event_note,
                done,
                lane.log_keys,
                *events,
                lane.channel,
                self._news.events_max,
                LOG,
            ),
            settle,
        )
