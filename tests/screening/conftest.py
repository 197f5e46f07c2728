"""A worker and an HTTP side that ask a hook about some rooms, and filter words in all of them."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.api.site import Api, settings_of
from tests.integration.conftest import connect
from tests.support.cluster import NO_LIMITS, Cluster
from tests.support.hook_server import SECRET, HookServer
from tests.support.ports import unused_port
from tests.support.redis_server import RedisServer
from tests.support.worker import SettingValue, Worker

__all__ = ["connect"]

TIMEOUT_S = 3.0  # for the hook is in our own process, which may have to wait its turn
FAILURES = 3
PAUSE_S = 1.0


@dataclass
class Site:
    """What is under test: where the hook has to listen, and the file of words."""

    worker: Worker
    api: Api
    redis: RedisServer
    prefix: str
    port: int
    words: Path

    @property
    def settings(self) -> dict[str, Any]:
        """Settings for another worker of the same cluster, with the same hook."""
        return hook_settings(self.port) | {"redis_prefix": self.prefix, **NO_LIMITS}


def hook_settings(port: int) -> dict[str, SettingValue]:
    return {
        "publish_hook_url": HookServer(port).url,
        "publish_hook_secret": SECRET,
        "publish_hook_rooms": "asked-*, also-asked-*",
        "publish_hook_timeout": TIMEOUT_S,
        "publish_hook_failures": FAILURES,
        "publish_hook_pause": PAUSE_S,
    }


@pytest.fixture(scope="package")
def site(redis_server: RedisServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    prefix, port = f"t{uuid.uuid4().hex[:12]}", unused_port()
    words = tmp_path_factory.mktemp("words") / "words"
    words.write_text("block rubbish\nmask darn\nmask /sh[o0]ot/\n")
    settings: dict[str, Any] = {
        **hook_settings(port),
        "word_filter_file": str(words),
        **NO_LIMITS,
    }
    cluster = Cluster(redis_server, 1, redis_prefix=prefix, **settings)
    api = Api(settings_of(redis_server, prefix, **settings))
    with asyncio.Runner() as runner:
        runner.run(cluster.__aenter__())
        try:
            runner.run(api.start())
            yield Site(cluster[0], api, redis_server, prefix, port, words)
        finally:
            runner.run(api.close())
            runner.run(cluster.close())


@pytest.fixture
async def hook(site: Site) -> AsyncIterator[HookServer]:
    """A hook that allows everything, and wants to be asked by nobody but us."""
    async with HookServer(site.port) as server:
        yield server
        assert not server.forged


@pytest.fixture
def asked(room: str) -> str:
    """A room whose messages the hook is asked about."""
    return f"asked-{room}"
