"""What `chat hooks` asks of Redis: news of lanes, what is due to endpoints, what there is to tell.

A cursor is the score of a room in the sorted set of what is due to an endpoint: the next seq it is
to be told. It moves by compare-and-set, so that a process that has lost its share without knowing
cannot move what another has moved since (`scripts/due_advance.lua`).
"""

from collections.abc import Sequence
from typing import NamedTuple

from chat.broker.broker import Broker
from chat.broker.keys import CONTROL_TAG
from chat.broker.link import LinkError
from chat.broker.news import LOG, REPORTS, Lane, News
from chat.broker.store import Store
from chat.webhooks.delivery import Event, Found, of_logged, of_record, of_report
from chat.webhooks.endpoints import Endpoint


class Place(NamedTuple):
    """A room, the log of a lane, or the reports."""

    lane: Lane
    room_id: str

    @property
    def is_log(self) -> bool:
        """Whether it is the log of its lane."""
        return self.room_id == LOG

    @property
    def is_reports(self) -> bool:
        """Whether it is the reports."""
        return self.room_id == REPORTS

    @property
    def where(self) -> str:
        """Room id, tag of the lane, or the name of the reports."""
        return self.lane.tag if self.is_log else self.room_id


class Cursors:
    """Reads and moves them.

    Args:
        store: the Redis connection.
        news: its lanes.
        endpoints: all of them.
    """

    def __init__(self, store: Store, news: News, endpoints: Sequence[Endpoint]) -> None:
        self._store = store
        self._news = news
        self._endpoints = endpoints
        self._broker = Broker(store)

    async def take(self, lane: Lane, most: int) -> tuple[list[str], bool]:
        """Take note of a lane's news; return the rooms, and whether there may be more.

        Raises:
            LinkError: no answer.
        """
        flat = await self._store.ask(lane.tag, "ZRANGE", lane.news, 0, most - 1, "WITHSCORES")
        if not flat:
            return [], False
        rooms = [room.decode() for room in flat[::2]]
        triples: list[str | bytes] = []
        for room_id, seq in zip(rooms, flat[1::2], strict=True):
            triples += [room_id, seq, self._who_wants(room_id)]
        due = (lane.due(endpoint.name) for endpoint in self._endpoints)
        await self._store.evaluated(
            self._store.scripts.news_take, lane.tag, (lane.news, *due), *triples
        )
        return rooms, len(rooms) == most

    def _who_wants(self, room_id: str) -> str:
        return ",".join(
            str(number)
            for number, endpoint in enumerate(self._endpoints, 1)
            if _wants(endpoint, room_id)
        )

    async def due(self, lane: Lane, endpoint: Endpoint, first: int, most: int) -> list[str]:
        """Return rooms with news for an endpoint, some at a time.

        Raises:
            LinkError: no answer.
        """
        found = await self._store.ask(
            lane.tag, "ZRANGE", lane.due(endpoint.name), first, first + most - 1
        )
        return [room.decode() for room in found]

    async def position(self, place: Place, endpoint: Endpoint) -> int | None:
        """Return the next seq an endpoint is to be told, None if nothing is due.

        Raises:
            LinkError: no answer.
        """
        lane = place.lane
        score = await self._store.ask(lane.tag, "ZSCORE", lane.due(endpoint.name), place.room_id)
        return None if score is None else int(float(score))

    async def advance(self, place: Place, endpoint: Endpoint, at: int, to: int) -> int:
        """Move a cursor; return the last seq of the room, 0 if nothing is left, -1 if it moved.

        Raises:
            LinkError: no answer; it may have been moved.
        """
        lane = place.lane
        last = self._store.keys.stream(place.room_id)
        if place.is_log:
            last = lane.log_keys[0]
        elif place.is_reports:
            last = lane.report_keys[0]
        return int(
            await self._store.evaluated(
                self._store.scripts.due_advance,
                lane.tag,
                (lane.due(endpoint.name), lane.news, last),
                place.room_id,
                at,
                to,
            )
        )

    async def read(self, place: Place, first: int, count: int) -> Found:
        """Read what follows, or what is left of it.

        Raises:
            LinkError: no answer, or what is there is nothing of ours.
        """
        if place.is_log:
            return await self._read_log(place.lane, first, count)
        if place.is_reports:
            return await self._read_reports(place.lane, first, count)
        page = await self._broker.read_page(place.room_id, first, count)
        events = [of_record(place.room_id, record) for record in page.records]
        return Found(page.head_seq, events, page.epoch)

    async def _read_log(self, lane: Lane, first: int, count: int) -> Found:
        head, seq, entries = await self._store.evaluated(
            self._store.scripts.event_read, lane.tag, lane.log_keys[:2], first, count
        )
        try:
            return Found(head, _logged(lane.tag, seq, entries), "")
        except ValueError as exc:
            raise LinkError(f"the log of a lane cannot be read: {exc}") from None

    async def _read_reports(self, lane: Lane, first: int, count: int) -> Found:
        store = self._store
        head, seq, entries = await store.evaluated(
            store.scripts.report_read,
            CONTROL_TAG,
            (*lane.report_keys[:2], store.keys.reports),
            first,
            count,
        )
        try:
            return Found(head, _reported(seq, entries), "")
        except (ValueError, KeyError) as exc:
            raise LinkError(f"the reports cannot be read: {exc!r}") from None


def _wants(endpoint: Endpoint, room_id: str) -> bool:
    if room_id == LOG:
        return endpoint.wants_logged
    return endpoint.wants_reports if room_id == REPORTS else endpoint.wants_room(room_id)


def _logged(tag: str, first: int, entries: Sequence[bytes]) -> list[Event]:
    return [of_logged(tag, seq, entry) for seq, entry in enumerate(entries, first)]


def _reported(first: int, entries: Sequence[tuple[bytes, Sequence[bytes]]]) -> list[Event]:
    return [
        of_report(REPORTS, seq, entry_id.decode(), fields[1])
        for seq, (entry_id, fields) in enumerate(entries, first)
    ]
