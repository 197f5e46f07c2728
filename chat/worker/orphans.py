"""Users that a dead worker held: it can no longer say itself that it has them no more.

Who sweeps up behind a lease names them. A lease may run out before its worker counts as dead, and a
worker may be back from standing still, so each waits until one or the other is known.
"""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable
from itertools import islice

from chat.broker.link import LinkError
from chat.broker.user_presence import GONE, UserPresence, UserRecord

log = logging.getLogger(__name__)

#: Users taken out of a dead worker at a time.
AT_ONCE = 500
#: Users of dead workers that wait; beyond it only their last seen is lost.
ORPHANS_MAX = 200_000


class Orphans:
    """Users whose worker may be dead.

    Args:
        presence: where users are noted.
        patience_s: a worker that lives so long after its lease ran out is back.
        on_gone: called with a user and what is known of it without the dead worker.
    """

    def __init__(
        self,
        presence: UserPresence,
        patience_s: float,
        on_gone: Callable[[str, UserRecord], None],
    ) -> None:
        self._presence = presence
        self._patience_s = patience_s
        self._on_gone = on_gone
        self._loop = asyncio.get_running_loop()
        self._waiting: OrderedDict[tuple[str, str], float] = OrderedDict()

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, worker_id: str, user_ids: list[str]) -> None:
        """A lease of this worker ran out, which held these users."""
        now_s = self._loop.time()
        for user_id in user_ids:
            if len(self._waiting) < ORPHANS_MAX:
                self._waiting.setdefault((worker_id, user_id), now_s)

    async def settle(self) -> None:
        """Take some out of workers that are dead for certain."""
        batch = dict(islice(self._waiting.items(), AT_ONCE))
        if not batch:
            return
        now_s = self._loop.time()
        try:
            alive = await self._presence.living({worker_id for worker_id, _ in batch})
        except LinkError as exc:
            log.debug("orphans_wait", extra={"error": str(exc)})
            return
        gone = []
        for key, since_s in batch.items():
            if key[0] not in alive:
                gone.append(self._take_out(*key, now_s - since_s))
            elif now_s - since_s > self._patience_s:
                del self._waiting[key]
            else:
                self._waiting.move_to_end(key)
        await asyncio.gather(*gone)

    async def _take_out(self, worker_id: str, user_id: str, ago_s: float) -> None:
        try:
            record = await self._presence.note(user_id, worker_id, GONE, ago_s=ago_s)
        except LinkError as exc:
            log.debug("orphan_waits", extra={"error": str(exc)})
            return
        self._waiting.pop((worker_id, user_id), None)
        self._on_gone(user_id, record)
