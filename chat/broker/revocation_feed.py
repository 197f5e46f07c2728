"""Keeps a process's revocations those of the cluster: heard of at once, looked for now and then."""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable

from chat.broker.link import LinkError
from chat.broker.pacing import Pacing
from chat.broker.store import Store
from chat.broker.subscriber import Channels
from chat.broker.user_acts import OVERLAP_US, PAGE, UserActs, decode_user_act
from chat.moderation.revocations import Revocations
from chat.settings import Settings

log = logging.getLogger(__name__)

#: Acts are forgotten so much later than Redis forgets them, or they would be news again.
LATER_S = 60.0
NOT_READ = "the revoked tokens have not been read yet"


class RevocationFeed:
    """Reads and listens.

    Args:
        settings: how often to look.
        store: where acts are.
        revocations: gets them.
        on_news: called with the names of acts that were not known before.
        channels: the pub/sub side, for a process that has one.
    """

    def __init__(
        self,
        settings: Settings,
        store: Store,
        revocations: Revocations,
        on_news: Callable[[set[str]], None],
        channels: Channels | None = None,
    ) -> None:
        self.channel = store.keys.control.encode()
        self._interval_s = settings.revocation_check_interval
        self._acts = UserActs(store, token_life_s(settings))
        self._revocations = revocations
        self._on_news = on_news
        self._channels = channels
        self._read_to_us = 0  # what was heard does not count: something before it may be missing
        self._is_read = False
        self._look = asyncio.Event()

    def problems(self) -> tuple[list[str], bool]:
        """Return what is wrong, in sentences, and whether clients are well off here all the same.

        While the shard is away that has the acts, no other process can read them either.
        """
        return ([], True) if self._is_read else ([NOT_READ], not self._acts.is_up)

    def heard(self, payload: bytes) -> None:
        """Something was told on the channel."""
        try:
            act = decode_user_act(payload)
        except ValueError as exc:  # a stranger on our channel
            log.warning("bad_user_act", extra={"error": str(exc)})
            return
        self._learn([act])

    def look(self) -> None:
        """Something may have been missed: look at once."""
        self._look.set()

    async def run(self) -> None:
        """Listen and look until cancelled."""
        async with asyncio.TaskGroup() as group:
            if self._channels is not None:
                group.create_task(self._subscribe(self._channels), name="control-channel")
            group.create_task(self._run(), name="revocations")

    async def _subscribe(self, channels: Channels) -> None:
        pacing = Pacing()
        while True:
            try:
                return await channels.subscribe(self.channel.decode())
            except LinkError as exc:
                log.debug("control_not_subscribed", extra={"error": str(exc)})
                await pacing.wait()

    async def _run(self) -> None:
        while True:
            self._look.clear()
            if self._acts.is_up:
                try:
                    await self._read()
                except LinkError as exc:
                    log.warning("revocations_not_read", extra={"error": str(exc)})
            self._revocations.forget(time.time() - LATER_S)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._interval_s):
                    await self._look.wait()

    async def _read(self) -> None:
        since_us = max(0, self._read_to_us - OVERLAP_US)
        while True:
            acts = await self._acts.since(since_us)
            self._learn(acts)
            if acts:
                since_us = acts[-1][0] + 1
                self._read_to_us = max(self._read_to_us, acts[-1][0])
            if len(acts) < PAGE:
                break
        self._is_read = True

    def _learn(self, acts: list[tuple[int, str]]) -> None:
        news = self._revocations.learn(acts)
        if news:
            self._on_news(news)


def token_life_s(settings: Settings) -> float:
    """Return how long after an act there may be tokens that it concerns."""
    return settings.jwt_max_lifetime_s + 2 * settings.jwt_leeway_s
