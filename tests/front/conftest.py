"""Workers behind a real HAProxy, and clients that trust its certificate."""

import asyncio
import shutil
import tempfile
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
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


StartFront = Callable[..., Awaitable[Front]]


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
        servers = servers_file(folder, [f"127.0.0.1:{worker.port}" for worker in made.workers])
        haproxy = Haproxy(folder, servers, certificates.folder)
        try:
            runner.run(haproxy.__aenter__())
            yield Front(haproxy, made, certificates)
        finally:
            runner.run(haproxy.close())
            runner.run(made.close())
    shutil.rmtree(folder)


@pytest.fixture
async def start_front(
    redis_server: RedisServer, redis_prefix: str, certificates: Certificates
) -> AsyncIterator[StartFront]:
    """Start fronts that end with the test: `await start_front(3, front={"hash_balance": 200})`.

    The first argument is the number of workers, `front` has FRONT_ variables, everything else is
    a setting of the workers.
    """
    async with AsyncExitStack() as stack:

        async def start(
            workers: int = 2, *, front: dict[str, Any] | None = None, **settings: Any
        ) -> Front:
            settings = {
                "redis_prefix": redis_prefix,
                "trusted_proxies": "127.0.0.1",
                **NO_LIMITS,
                **settings,
            }
            cluster = await stack.enter_async_context(Cluster(redis_server, workers, **settings))
            folder = logs.new_directory()
            servers = servers_file(folder, [f"127.0.0.1:{one.port}" for one in cluster.workers])
            haproxy = Haproxy(folder, servers, certificates.folder, **front or {})
            await stack.enter_async_context(haproxy)
            return Front(haproxy, cluster, certificates)

        yield start
