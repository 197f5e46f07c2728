"""Somebody who acts on users in the whole cluster, with the product's own parts."""

import asyncio
import time
from typing import Any

from chat.broker.keys import CONTROL_TAG
from chat.broker.moderation import Moderation
from chat.broker.store import Store
from chat.moderation.acts import Act, Kind
from chat.ops.stats import Stats
from chat.settings import Settings
from tests.support.waiting import until

#: A token of this moment is as old as a revocation of this moment: these were issued before.
EARLIER: dict[str, Any] = {"iat": int(time.time()) - 60}


class Operator:
    """Somebody who acts on users, as `chat api` does."""

    def __init__(self, url: str, prefix: str) -> None:
        self._settings = Settings(redis_url=url, redis_prefix=prefix)

    async def act(self, kind: Kind, on: str) -> None:
        """Do it, over connections of its own."""
        store = Store(self._settings, Stats(), "operator", on_up=lambda _shard, _changed: None)
        running = asyncio.create_task(store.run())
        try:
            await until(lambda: store.shard(CONTROL_TAG).is_up)
            await Moderation(store).act(Act(kind=kind, by="operator", on=on))
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
