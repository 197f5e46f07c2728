"""The master behind Sentinels: who it is, and when it changes.

Any Sentinel that answers is believed for the address; the server there is asked itself whether it
is a master before anything is sent to it. A `+switch-master` tells at once what a broken connection
would tell later, or never when the former master only hangs.

Source: Redis documentation, "Guidelines for Redis clients with support for Redis Sentinel".
"""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

from chat.broker.link import LinkError, RedisLink, open_link
from chat.broker.pacing import Pacing
from chat.broker.target import Address, Sentinel

log = logging.getLogger(__name__)

SWITCHED = b"+switch-master"
#: A Sentinel that does not answer within this time is passed over for the next.
ANSWER_S = 1.0


class MasterFinder:
    """Asks Sentinels, the one that answered last first.

    Args:
        target: the Sentinels and the name of the service.
        name: how the connections are called in Redis.
    """

    def __init__(self, target: Sentinel, name: str) -> None:
        self._target = target
        self._name = name
        self._sentinels = list(target.sentinels)

    async def locate(self) -> Address:
        """Return the address of the master.

        Raises:
            LinkError: no Sentinel answers, or none knows the service.
        """
        problems = []
        for sentinel in list(self._sentinels):
            try:
                link = await self._open(sentinel)
                try:
                    async with asyncio.timeout(ANSWER_S):
                        reply = await link.ask(
                            "SENTINEL", "GET-MASTER-ADDR-BY-NAME", self._target.service
                        )
                finally:
                    link.close()
            except (OSError, LinkError, TimeoutError) as exc:
                problems.append(f"{sentinel}: {exc}")
                continue
            if reply:
                self._prefer(sentinel)
                return Address(reply[0].decode(), int(reply[1]))
            problems.append(f"{sentinel}: does not know {self._target.service!r}")
        raise LinkError(f"no Sentinel names the master: {'; '.join(problems)}")

    async def follow(self, on_switch: Callable[[Address], None]) -> None:
        """Call `on_switch` with every new master until cancelled."""
        pacing = Pacing()
        while True:
            for sentinel in list(self._sentinels):
                try:
                    await self._listen(sentinel, on_switch, pacing)
                except (OSError, LinkError, TimeoutError) as exc:
                    log.warning(
                        "sentinel_lost", extra={"sentinel": str(sentinel), "error": str(exc)}
                    )
            await pacing.wait()

    async def _listen(
        self, sentinel: Address, on_switch: Callable[[Address], None], pacing: Pacing
    ) -> None:
        """Listen to one Sentinel until it is lost.

        Raises:
            OSError: no connection.
            LinkError: the connection was refused, or has ended.
        """

        def on_push(push: list[Any]) -> None:
            if push[0] != b"message":
                return
            service, _, _, host, port = push[2].decode().split(" ")[:5]
            if service == self._target.service:
                on_switch(Address(host, int(port)))

        link = await self._open(sentinel, on_push)
        try:
            link.send("SUBSCRIBE", SWITCHED)
            pacing.reset()
            why = await link.lost
        finally:
            link.close()
        raise LinkError(f"the connection has ended: {why}")

    async def _open(
        self, sentinel: Address, on_push: Callable[[list[Any]], None] | None = None
    ) -> RedisLink:
        return await open_link(
            sentinel,
            self._target.sentinel_access,
            timeout_s=ANSWER_S,
            on_push=on_push,
            name=self._name,
        )

    def _prefer(self, sentinel: Address) -> None:
        self._sentinels.remove(sentinel)
        self._sentinels.insert(0, sentinel)
