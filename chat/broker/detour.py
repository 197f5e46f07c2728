"""Commands that a shard turned away, kept in order until they may be sent again.

While a slot moves, or a worker's history id is out of date, the shard does nothing with a command
and says so. What one connection sends to one room has to be stored in that order, so nothing may
overtake what was turned away: from the first such answer on the slot is *held*. What comes back and
what comes new wait in line; a barrier tells that all has come back; after the remedy the first in
line is tried, and once it was taken all the others follow.

    under way:  m1 m2 m3 ──▶ shard ──▶ MOVED MOVED MOVED          (returned)
    new:              m4 m5 ──▶ held                              (queued)
    after:      m1 ──▶ new shard, taken; m2 m3 m4 m5 ──▶ new shard

It ends for certain: after `patience_s` everything in line is refused, as nothing was done with it.
"""

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from chat.broker.link import LinkBusyError, LinkDownError, LinkError
from chat.broker.shard import Route, Shard, Shut, TurnedAwayError
from chat.broker.slots import Redirection

log = logging.getLogger(__name__)

#: Sends a command to a shard again; the flag says that this counts as one of its tries.
Send = Callable[[Route, bool], None]
#: How often a command may be held: a slot that turns again and again is not waited for for ever.
TRIES = 3
Failed = Callable[[LinkError], None]


class HeldError(LinkDownError):
    """The command was not sent: its slot is held."""


class _Waiting(NamedTuple):
    send: Send
    failed: Failed


class Detour(Shut):
    """Stands where the shard of a held slot would."""

    def __init__(self, shard: Shard, redirection: Redirection) -> None:
        super().__init__(lambda: HeldError("the slot is on its way to another shard"))
        self.shard = shard  # where commands of this slot are under way
        self.redirection = redirection  # as last heard
        self.returned: deque[_Waiting] = deque()
        self.line: deque[_Waiting] = deque()

    def line_up(self) -> None:
        """All has come back: put it before what came new, as it was sent before."""
        self.line.extendleft(reversed(self.returned))
        self.returned.clear()


class Detours:
    """The held slots.

    Args:
        route: the shard that should serve a slot now.
        place: puts a shard or a detour where commands look for the shard of a slot.
        remedy: does something about the reason; may raise LinkError.
        patience_s: how long a slot is held at most.
        most_waiting: commands in line per slot at most.
    """

    def __init__(
        self,
        *,
        route: Callable[[int], Route],
        place: Callable[[int, Route], None],
        remedy: Callable[[Redirection, Shard], Awaitable[None]],
        patience_s: float,
        most_waiting: int,
    ) -> None:
        self.held: dict[int, Detour] = {}
        self._route = route
        self._place = place
        self._remedy = remedy
        self._patience_s = patience_s
        self._most_waiting = most_waiting
        self._tasks: set[asyncio.Task[None]] = set()

    def turn(self, slot: int, error: LinkError, send: Send, failed: Failed) -> None:
        """Take a command that was turned away or not sent; one of the two is called once.

        Order: as sent, per slot.
        """
        detour = self.held.get(slot)
        if isinstance(error, TurnedAwayError):
            if detour is None:
                if error.shard is not self._route(slot):
                    # Later ones may have gone to another shard: too late to stand before them.
                    failed(error)
                    return
                detour = self._hold(slot, error)
            elif error.shard is not detour.shard:
                failed(error)
                return
            detour.redirection = error.redirection
            detour.returned.append(_Waiting(send, failed))
        elif detour is None or not isinstance(error, HeldError):
            failed(error)
        elif len(detour.line) >= self._most_waiting:
            failed(LinkBusyError("too many commands wait for a slot"))
        else:
            detour.line.append(_Waiting(send, failed))

    def _hold(self, slot: int, error: TurnedAwayError) -> Detour:
        detour = self.held[slot] = Detour(error.shard, error.redirection)
        self._place(slot, detour)
        task = asyncio.create_task(self._lead(slot, detour), name=f"detour-{slot}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return detour

    async def _lead(self, slot: int, detour: Detour) -> None:
        refusal: LinkError | None = None
        try:
            await self._until_taken(slot, detour)
        except LinkError as exc:
            refusal = exc
            log.warning("slot_given_up", extra={"slot": slot, "error": str(exc)})
        finally:
            del self.held[slot]
            route = self._route(slot)
            self._place(slot, route)
        detour.line_up()
        for waiting in detour.line:
            if refusal is None:
                waiting.send(route, True)
            else:
                waiting.failed(refusal)

    async def _until_taken(self, slot: int, detour: Detour) -> None:
        """Return when the first in line was taken, or nothing waits.

        Raises:
            LinkDownError: that took too long, or there is no shard.
        """
        loop = asyncio.get_running_loop()
        deadline_s = loop.time() + self._patience_s
        await _barrier(detour.shard)
        detour.line_up()
        while detour.line:
            await self._remedy(detour.redirection, detour.shard)
            route = self._route(slot)
            if not isinstance(route, Shard):
                raise LinkDownError("no master serves this slot")
            detour.shard = route
            detour.line.popleft().send(route, False)
            await _barrier(route)
            if not detour.returned:
                return
            detour.line_up()
            if loop.time() >= deadline_s:
                raise LinkDownError("the slot is still on its way to another shard")

    async def settled(self) -> None:
        """Wait until what is held now is held no longer."""
        if self._tasks:
            await asyncio.wait(list(self._tasks))

    async def stop(self) -> None:
        """Give up all; nobody hears an answer any more."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _barrier(shard: Shard) -> None:
    """Wait until all that is under way to a shard is answered, or has failed with its link."""
    with contextlib.suppress(LinkError):
        await shard.ask("PING")
