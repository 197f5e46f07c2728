"""Workers that DNS names: they come and go without a reload."""

from functools import partial
from typing import Any

import pytest

from chat.front.runtime import WORKER_BACKENDS
from tests.front.backends import backends, placement
from tests.front.certificates import Certificates
from tests.front.names import Names, names
from tests.support import logs
from tests.support.haproxy import CONFIGURATION, Haproxy, later_binary
from tests.support.waiting import until

pytestmark = pytest.mark.timeout(180)

HOSTS = [f"127.0.1.{number}" for number in range(1, 6)]
ROOMS = [f"room-{number}" for number in range(100)]


def haproxy_of(
    known: Names, port: int, certificates: Certificates, program: str | None = None
) -> Haproxy:
    """Return a HAProxy that asks a name server where its workers are."""
    front: dict[str, Any] = {
        "workers": f"worker.test:{port}",
        "api": f"worker.test:{port}",
        "nameserver": f"127.0.0.1:{known.port}",
        "max_workers": 8,
    }
    return Haproxy(
        logs.new_directory(),
        CONFIGURATION / "servers-dns.cfg",
        certificates.folder,
        program=program,
        **front,
    )


def up(haproxy: Haproxy, backend: str, hosts: list[str]) -> bool:
    """Whether exactly these are up."""
    found = {
        one.address.rpartition(":")[0]
        for one in haproxy.runtime.servers()
        if one.backend == backend and one.status.startswith("UP")
    }
    return found == set(hosts)


async def wait_for(haproxy: Haproxy, hosts: list[str]) -> None:
    """Wait until both backends have these workers."""
    for backend in WORKER_BACKENDS:
        condition = partial(up, haproxy, backend, hosts)
        await until(condition, 40.0, what=f"{hosts} in {backend}")


@pytest.mark.slow
async def test_workers_come_and_go_by_name_without_a_reload(certificates: Certificates) -> None:
    async with (
        backends(HOSTS) as port,
        names(HOSTS[:2]) as known,
        haproxy_of(known, port, certificates) as haproxy,
    ):
        for hosts in (HOSTS[:2], HOSTS[:4], HOSTS[1:4]):
            known.addresses = hosts
            await wait_for(haproxy, hosts)
        placed = await placement(haproxy, certificates, ROOMS)
        assert set(placed.values()) == {f"{host}:{port}" for host in HOSTS[1:4]}


@pytest.mark.slow
async def test_two_fronts_agree_whatever_the_order_of_the_names(
    certificates: Certificates,
) -> None:
    if (program := later_binary()) is None:
        pytest.skip("before 3.0 a slot decides, not the address: make later-haproxy")
    async with backends(HOSTS) as port, names(HOSTS) as one, names(HOSTS[::-1]) as other:
        found = []
        for known in (one, other):
            async with haproxy_of(known, port, certificates, program) as haproxy:
                await wait_for(haproxy, HOSTS)
                found.append(await placement(haproxy, certificates, ROOMS))
    assert found[0] == found[1]
