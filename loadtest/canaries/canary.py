"""One canary: an application on the SDK that is in a room, says something now and then, and reads.

It does what docs/clients.md tells programs to do and nothing else: what becomes of its connection
is the SDK's business, and it only looks on.
"""

import asyncio
import random
import time
from collections.abc import Callable

from chat.client import ChatError, Client, Gap, Options, Ordered, Phase, Room
from loadtest.agent.schedule import SECOND_NS, Arrivals
from loadtest.agent.tracking import NO_POSITION
from loadtest.canaries.tally import Tally


class Pace:
    """When canaries begin to talk and when they have said everything.

    Args:
        messages_per_s: of each of them.
        churn_per_s: how often each of them leaves its room and joins it again.
    """

    def __init__(self, messages_per_s: float, churn_per_s: float) -> None:
        self.messages_per_s = messages_per_s
        self.churn_per_s = churn_per_s
        self.began = asyncio.Event()
        self.over = asyncio.Event()
        self.moved = asyncio.Event()  # received or acknowledged, came or went

    async def over_by(self, at_ns: int) -> bool:
        """Wait until then; return whether it is over."""
        try:
            async with asyncio.timeout(max(0.0, (at_ns - time.monotonic_ns()) / SECOND_NS)):
                await self.over.wait()
        except TimeoutError:
            return False
        return True


class Canary:
    """One client of the SDK.

    Args:
        number: of the canary, from 0.
        room_id: its room.
        url: of the target.
        token: returns a valid one.
        options: of the SDK.
        pace: when and how often it speaks.
        tally: where what it sees is counted.

    Attributes:
        epoch: with `seq`, its position in its room, as the agents' clients have one.
        outstanding: messages of its own that are not acknowledged.
    """

    def __init__(
        self,
        number: int,
        room_id: str,
        *,
        url: str,
        token: Callable[[], str],
        options: Options,
        pace: Pace,
        tally: Tally,
    ) -> None:
        self.number = number
        self.room_id = room_id
        self.epoch = ""
        self.seq = NO_POSITION
        self.outstanding = 0
        self._client = Client(url, token, options=options)
        self._pace = pace
        self._tally = tally
        self._room: Room | None = None
        self._inside = asyncio.Event()  # also set when it will not be inside any more
        self._closing = False
        self._quiet = asyncio.Event()
        self._quiet.set()

    @property
    def inside(self) -> bool:
        """Whether it has a connection and is in its room."""
        online = self._client.state.phase is Phase.ONLINE
        return online and self._room is not None and self._room.joined

    async def live(self) -> None:
        """Connect and do everything, until `close`."""
        async with self._client, asyncio.TaskGroup() as tasks:
            tasks.create_task(self._follow())
            tasks.create_task(self._listen())
            tasks.create_task(self._talk())

    async def close(self) -> None:
        """End; what is not acknowledged will not be."""
        self._closing = True
        await self._client.close()

    # ------------------------------------------------------------------ looking on

    async def _follow(self) -> None:
        """Note what becomes of the connection."""
        tally = self._tally
        lost_ns: int | None = None
        was_online = False
        async for state in self._client.states():
            online = state.phase is Phase.ONLINE
            if online and lost_ns is not None:
                tally.reconnects += 1
                tally.record("offline", time.monotonic_ns() - lost_ns)
                lost_ns = None
            elif was_online and not online and not self._closing:
                lost_ns = time.monotonic_ns()
                tally.endings[state.reason] += 1
            if state.phase is Phase.STOPPED and not self._closing:
                tally.stopped[state.reason] += 1
            was_online = online
            self._pace.moved.set()

    async def _listen(self) -> None:
        """Be in the room and read, also after having left it."""
        begun_ns = time.monotonic_ns()
        try:
            while not self._closing:
                since = None if self._room is None else self._room.position
                room = await self._client.join(self.room_id, since=since)
                if self._room is None:
                    self._tally.record("connect", time.monotonic_ns() - begun_ns)
                    self._start(room)
                else:
                    self._tally.rejoined += 1
                self._room = room
                self._inside.set()
                self._pace.moved.set()
                async for event in room.events():
                    if isinstance(event, Ordered):
                        self._tally.event(self, event, time.monotonic_ns())
                        self._pace.moved.set()
                    elif isinstance(event, Gap):
                        self._tally.gap(self, event)
        except ChatError as exc:
            if not self._closing and self._client.state.phase is not Phase.STOPPED:
                self._tally.stopped[str(exc)] += 1
        finally:
            self._inside.set()

    def _start(self, room: Room) -> None:
        position = room.position
        if position is not None:
            self._tally.tracker.joined(self, position.epoch, position.seq)

    # --------------------------------------------------------------------- talking

    async def _talk(self) -> None:
        pace = self._pace
        await pace.began.wait()
        chance = random.Random(f"{time.monotonic_ns()}/{self.number}")  # noqa: S311
        now_ns = time.monotonic_ns()
        messages = Arrivals(pace.messages_per_s, now_ns, chance)
        churns = Arrivals(pace.churn_per_s, now_ns, chance)
        async with asyncio.TaskGroup() as saying:
            while not await pace.over_by(min(messages.next_ns, churns.next_ns)):
                for due_ns in messages.due(time.monotonic_ns()):
                    saying.create_task(self._say(due_ns))
                if any(churns.due(time.monotonic_ns())):
                    await self._leave()

    async def _say(self, due_ns: int) -> None:
        """Publish; offline the SDK keeps it, and the latency counts from when it was due."""
        tally = self._tally
        tally.published += 1
        self.outstanding += 1
        self._quiet.clear()
        try:
            await self._inside.wait()
            if self._room is None:
                return  # it never came in, which is noted
            published = await self._room.publish(tally.content(due_ns))
            tally.acked(self.room_id, published.seq, due_ns, time.monotonic_ns())
        except ChatError as exc:
            if not self._closing:
                tally.failed[type(exc).__name__] += 1
        finally:
            self.outstanding -= 1
            self._pace.moved.set()
            if not self.outstanding:
                self._quiet.set()

    async def _leave(self) -> None:
        """Leave the room when everything is said; `_listen` joins it again from its position."""
        await self._quiet.wait()
        if self._room is not None and self._room.joined and not self._pace.over.is_set():
            self._inside.clear()
            await self._room.leave()
