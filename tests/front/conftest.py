"""Workers behind a real HAProxy, and clients that trust its certificate."""

import asyncio
import shutil
import tempfile
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.front.certificates import Certificates, make_certificates
from tests.support import logs
from tests.support.client import ChatClient
from tests.support.cluster import NO_LIMITS, Cluster
from tests.support.haproxy import Haproxy, servers_file
from tests.support.redis_server import RedisServer
from tests.support.tokens import token


class Front(NamedTuple):
    """A front and what is behind it."""

    haproxy: Haproxy
    cluster: Cluster
    certificates: Certificates

    async def connect(
        self, user: str, query: str = "", *, headers: dict[str, str] | None = None, **options: Any
    ) -> ChatClient:
        """Connect a user over TLS; the client is to be closed by the test."""
        return await ChatClient.connect(
            self.haproxy.url + query,
            token(user),
            headers=headers,
            ssl=self.certificates.client(),
            **options,
        )


StartCluster = Callable[..., Awaitable[Cluster]]
StartHaproxy = Callable[..., Awaitable[Haproxy]]
StartFront = Callable[..., Awaitable[Front]]


def addresses(cluster: Cluster) -> list[str]:
    """Where the workers of a cluster are."""
    return [f"127.0.0.1:{worker.port}" for worker in cluster.workers]


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """The certificates of all fronts."""
    return make_certificates(tmp_path_factory.mktemp("front"), with_ocsp=True)


@pytest.fixture(scope="module")
def front(redis_server: RedisServer, certificates: Certificates) -> Iterator[Front]:
    """Two workers behind a front, shared by the tests of a module that do them no harm."""
    folder = Path(tempfile.mkdtemp(prefix="front-", dir="/tmp"))  # a short socket path
    prefix = f"t{uuid.uuid4().hex[:12]}"
    settings: dict[str, Any] = {"trusted_proxies": "127.0.0.1", **NO_LIMITS}
    made = Cluster(redis_server, 2, redis_prefix=prefix, **settings)
    with asyncio.Runner() as runner:
        runner.run(made.__aenter__())
        servers = servers_file(folder, addresses(made))
        haproxy = Haproxy(folder, servers, certificates.folder)
        try:
            runner.run(haproxy.__aenter__())
            yield Front(haproxy, made, certificates)
        finally:
            runner.run(haproxy.close())
            runner.run(made.close())
    shutil.rmtree(folder)


@pytest.fixture
async def start_haproxy(certificates: Certificates) -> AsyncIterator[StartHaproxy]:
    """Start HAProxies that end with the test: `await start_haproxy(workers, hash_balance=200)`.

    The argument is the workers' addresses, everything else FRONT_ variables.
    """
    async with AsyncExitStack() as stack:

        async def start(workers: Sequence[str], **front: Any) -> Haproxy:
            folder = logs.new_directory()
            servers = servers_file(folder, workers)
            haproxy = Haproxy(folder, servers, certificates.folder, **front)
            return await stack.enter_async_context(haproxy)

        yield start


@pytest.fixture
async def start_front(
    cluster: StartCluster, start_haproxy: StartHaproxy, certificates: Certificates
) -> StartFront:
    """Start workers and a front: `await start_front(3, front={"hash_balance": 200})`.

    The first argument is the number of workers, `front` has FRONT_ variables, everything else is
    a setting of the workers.
    """

    async def start(
        workers: int = 2, *, front: dict[str, Any] | None = None, **settings: Any
    ) -> Front:
        made = await cluster(workers, **{"trusted_proxies": "127.0.0.1", **NO_LIMITS, **settings})
        haproxy = await start_haproxy(addresses(made), **front or {})
        return Front(haproxy, made, certificates)

    return start
