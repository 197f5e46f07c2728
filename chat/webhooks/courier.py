"""Brings one endpoint what is due to it: room by room in order, many rooms at a time.

    turn ─▶ cursor ─▶ history ─▶ what is asked for ─▶ POST ─▶ 2xx? cursor moves ─▶ again, or end
                                                       │ no
                                                       └─▶ the same events again, after a pause

A delivery goes out only when all events of its room before it were answered with 2xx, or are gone
or refused; so an endpoint sees them in order whoever sends them, and how often.
"""

import asyncio
import logging
import random
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import NamedTuple

from chat.broker.link import LinkError
from chat.broker.news import Lane
from chat.settings import Settings
from chat.webhooks.answers import Answer, Meaning
from chat.webhooks.circuit import Circuit, pause_s
from chat.webhooks.cursors import Cursors
from chat.webhooks.delivery import Delivery, Event, Found, fitting, gap, pack
from chat.webhooks.endpoints import Endpoint
from chat.webhooks.kinds import GAP
from chat.webhooks.poster import Poster
from chat.webhooks.stats import EndpointStats
from chat.webhooks.turns import Turn, Turns

log = logging.getLogger(__name__)

#: Pause after Redis did not answer; a random part of it.
REDIS_PAUSE_S = 1.0
#: Refusals of a single event after which it is passed over.
REFUSALS_MAX = 3


class _Load(NamedTuple):
    """What one turn can tell: maybe nothing that is asked for, and the next seq in any case.

    `places` is how many events it was chosen from.
    """

    events: list[Event]
    next_seq: int
    places: int


class Courier:
    """Of one endpoint.

    Args:
        endpoint: whose.
        settings: bounds and timeouts.
        cursors: what is due.
        on_room: called with lanes whose rooms did not fit, when they do.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        settings: Settings,
        cursors: Cursors,
        on_room: Callable[[set[Lane]], None],
    ) -> None:
        self.endpoint = endpoint
        self.stats = EndpointStats()
        self.circuit = Circuit(settings.webhook_retry_max)
        self.turns = Turns(on_room)
        self._settings = settings
        self._cursors = cursors
        self._loop = asyncio.get_running_loop()

    async def run(self) -> None:
        """Deliver until cancelled."""
        settings = self._settings
        async with (
            Poster(self.endpoint, settings.webhook_timeout, settings.webhook_concurrency) as poster,
            asyncio.TaskGroup() as group,
        ):
            for _ in range(settings.webhook_concurrency):
                group.create_task(self._serve(poster))

    async def _serve(self, poster: Poster) -> None:
        while True:
            turn = await self.turns.next()
            wait_s: float | None = None
            try:
                if turn.is_ours:
                    wait_s = await self._take(turn, poster)
            except LinkError as exc:
                log.debug("hook_redis", extra={"room": turn.place.where, "error": str(exc)})
                turn.position = None  # it may have been moved
                wait_s = REDIS_PAUSE_S * random.uniform(0.1, 1.0)  # noqa: S311 - jitter
            if wait_s is None:
                self.turns.ended(turn)
            else:
                self.turns.later(turn, wait_s)

    async def _take(self, turn: Turn, poster: Poster) -> float | None:
        """Tell some of a room; return when to go on, None if nothing is left.

        Raises:
            LinkError: Redis does not answer.
        """
        if turn.position is None:
            turn.position = await self._cursors.position(turn.place, self.endpoint)
        if turn.position is None:
            return None
        load = await self._load(turn, turn.position)
        if load.events:
            turn.upto = load.next_seq
            answer = await self._post(turn, poster, pack(self.endpoint.name, load.events))
            if answer is None:
                return None  # it is another's now
            wait_s = self._judge(turn, load, answer)
            if wait_s is not None:
                return wait_s
        return await self._go_on(turn, turn.position, load.next_seq)

    async def _go_on(self, turn: Turn, at: int, to: int) -> float | None:
        last = await self._cursors.advance(turn.place, self.endpoint, at, to)
        turn.upto = turn.attempts = 0
        turn.most = turn.most * 2 if turn.most * 2 < self._settings.webhook_batch_events else 0
        if last < 0:
            turn.position = None  # somebody else has moved it: look where it is
            return 0.0
        turn.position = to if last else None
        return 0.0 if last >= to else None

    # ---------------------------------------------------------------- what to tell

    async def _load(self, turn: Turn, position: int) -> _Load:
        """Read what follows a position, and put a gap in front of what is missing."""
        place, most = turn.place, turn.most or self._settings.webhook_batch_events
        if turn.upto > position:
            most = min(most, turn.upto - position)
        found = await self._cursors.read(place, position, most)
        events: list[Event] = []
        if found.head < position - 1:  # Redis has lost what we have told of
            events.append(self._gap(turn, found, position, position, "reset"))
            found = await self._cursors.read(place, 1, most)
            first = 1
        else:
            first = position
        oldest = found.events[0].seq if found.events else found.head + 1
        if oldest > first:
            events.append(self._gap(turn, found, first, oldest - 1, "trimmed"))
        turn.behind = max(0, found.head - position + 1)
        if found.events:
            turn.oldest_ms = found.events[0].at_ms
        chosen = fitting(found.events, self._settings.webhook_batch_bytes)
        next_seq = chosen[-1].seq + 1 if chosen else oldest
        events += chosen
        return _Load([event for event in events if self._wants(event)], next_seq, len(chosen))

    def _gap(self, turn: Turn, found: Found, first: int, last: int, reason: str) -> Event:
        place = turn.place
        room_id = None if place.is_log or place.is_reports else place.room_id
        now_ms = int(time.time() * 1000)
        return gap(place.where, room_id, found.epoch, first, last, reason=reason, at_ms=now_ms)

    def _wants(self, event: Event) -> bool:
        if event.kind == GAP:
            return True
        if event.kind not in self.endpoint.kinds:
            return False
        return event.room_id is None or self.endpoint.wants_room(event.room_id)

    # --------------------------------------------------------------------- telling

    async def _post(self, turn: Turn, poster: Poster, delivery: Delivery) -> Answer | None:
        """Post, when the endpoint may be asked; None if the room is not ours any more."""
        while (wait_s := self.circuit.wait_s(self._loop.time())) > 0.0:
            await asyncio.sleep(min(wait_s, 1.0))
            if not turn.is_ours:
                return None
        is_done = False
        began_s = self._loop.time()
        try:
            answer = await poster.post(delivery)
            is_done = True
        finally:
            if not is_done:
                self.circuit.abandoned()
        self.stats.attempts[str(answer.status)] += 1
        self.stats.seconds.observe(self._loop.time() - began_s)
        return answer

    def _judge(self, turn: Turn, load: _Load, answer: Answer) -> float | None:
        """Return how long to wait with the same events, None if the cursor may move."""
        now_s = self._loop.time()
        meaning = answer.meaning()
        if meaning in (Meaning.DELIVERED, Meaning.REFUSED):
            was_open = self.circuit.is_open
            self.circuit.succeeded()
            if was_open:
                log.info("hook_endpoint_back", extra={"endpoint": self.endpoint.name})
                self.turns.hurry()
        if meaning is Meaning.DELIVERED:
            gaps = sum(event.kind == GAP for event in load.events)
            self.stats.gaps += gaps
            self.stats.events_delivered += len(load.events) - gaps
            return None
        turn.attempts += 1
        if meaning is Meaning.REFUSED:
            return self._refused(turn, load, answer)
        was_open = self.circuit.is_open
        self.circuit.failed(now_s, answer.asked_s(datetime.now(UTC)))
        if meaning is Meaning.GONE:
            self.circuit.trip(now_s, self._settings.webhook_retry_max)
        if meaning is Meaning.GONE or (self.circuit.is_open and not was_open):
            log.warning(
                "hook_endpoint_fails",
                extra={"endpoint": self.endpoint.name, "status": str(answer.status)},
            )
        return pause_s(turn.attempts, self._settings.webhook_retry_max)

    def _refused(self, turn: Turn, load: _Load, answer: Answer) -> float | None:
        """Find the event that is refused by halves, and pass over it in the end."""
        if load.places > 1:
            turn.most, turn.upto, turn.attempts = load.places // 2, 0, 0
            return 0.0
        if turn.attempts < REFUSALS_MAX:
            return pause_s(turn.attempts, self._settings.webhook_retry_max)
        self.stats.events_refused += len(load.events)
        log.warning(
            "hook_event_refused",
            extra={
                "endpoint": self.endpoint.name,
                "event": load.events[-1].event_id,
                "status": str(answer.status),
            },
        )
        return None
