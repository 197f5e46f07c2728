"""`chat up` with a unix socket per worker behind a real HAProxy, for the clients of the checker."""

import json
from typing import Any, Self

from chat.front.servers import addresses_of
from tests.front.certificates import Certificates
from tests.support import logs
from tests.support.cluster import Supervised
from tests.support.haproxy import Haproxy, servers_file
from tests.support.redis_server import RedisServer


class Fronted(Supervised):
    """A cluster whose only address is its front.

    Args:
        redis: its Redis.
        certificates: of the front.
        rooms: some clients say in the URL that they are here for one of these.
        workers: how many.
        settings: of the workers, by their lower-case names.
    """

    def __init__(
        self,
        redis: RedisServer,
        certificates: Certificates,
        rooms: list[str],
        workers: int = 3,
        **settings: Any,
    ) -> None:
        self.folder = logs.new_directory()
        pattern = f"unix:{self.folder}/worker-{{slot}}.sock"
        super().__init__(
            redis, workers, worker_sockets=pattern, trusted_proxies="127.0.0.1", **settings
        )
        servers = servers_file(self.folder, addresses_of(pattern, workers))
        self.haproxy = Haproxy(self.folder, servers, certificates.folder)
        self._queries = ["", *(f"?room={room}" for room in rooms)]

    @property
    def urls(self) -> list[str]:
        """The front, with and without a room."""
        return [self.haproxy.url + query for query in self._queries]

    def handshakes(self) -> dict[int, int]:
        """How HAProxy answered the WebSocket handshakes whose connections have ended, by status."""
        found: dict[int, int] = {}
        for line in self.haproxy.log().splitlines():
            entry = json.loads(line) if line.startswith("{") else {}
            if entry.get("path") == "/ws":
                found[entry["status"]] = found.get(entry["status"], 0) + 1
        return found

    async def __aenter__(self) -> Self:
        await super().__aenter__()
        try:
            await self.haproxy.__aenter__()
        except BaseException:
            await self.close()
            raise
        return self

    async def close(self) -> None:
        """End HAProxy and the cluster."""
        await self.haproxy.close()
        await super().close()
