"""The front without HTTP: bytes relayed, the client's address by the PROXY protocol."""

from typing import Any

import pytest
from websockets.exceptions import InvalidStatus

from tests.front.certificates import Certificates
from tests.front.conftest import Front, StartCluster, addresses
from tests.support import logs
from tests.support.cluster import NO_LIMITS
from tests.support.haproxy import CONFIGURATION, Haproxy, servers_file


async def test_workers_hear_the_clients_address_and_no_other(
    cluster: StartCluster, certificates: Certificates
) -> None:
    limits: dict[str, Any] = {**NO_LIMITS, "address_connects_per_s": 0.01}
    workers = await cluster(
        1,
        trusted_proxies="127.0.0.1",
        proxy_protocol=True,
        **limits | {"address_connects_burst": 2},
    )
    page = await cluster(1)
    folder = logs.new_directory()
    servers = servers_file(folder, addresses(workers), addresses(page))
    haproxy = Haproxy(folder, servers, certificates.folder, configuration=CONFIGURATION / "l4.cfg")
    async with haproxy:
        front = Front(haproxy, workers, certificates)
        source: dict[str, Any] = {"local_addr": ("127.0.0.3", 0)}
        opened = [await front.connect("ann", **source) for _ in range(2)]
        await opened[0].join("lobby")
        assert (await opened[0].say("lobby", "hello"))["type"] == "ack"
        for spoofed in ({}, {"X-Forwarded-For": "198.51.100.1"}):
            with pytest.raises(InvalidStatus) as refused:
                await front.connect("ann", headers=spoofed, **source)
            assert refused.value.response.status_code == 429
        opened.append(await front.connect("ann", local_addr=("127.0.0.2", 0)))
        for client in opened:
            await client.close()
