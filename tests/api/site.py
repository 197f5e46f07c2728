"""A `chat api` process under test, and how it is asked."""

import json
import sys
from collections.abc import Mapping
from typing import Any, NamedTuple

from tests.support import http, logs
from tests.support.redis_server import RedisServer
from tests.support.sse import EventStream
from tests.support.tokens import token
from tests.support.waiting import DEFAULT_TIMEOUT_S
from tests.support.worker import SettingValue, Worker

COMMAND = (sys.executable, "-m", "chat", "api")
PROBLEM = "application/problem+json"


class Answer(NamedTuple):
    """Status, header fields with lower-case names, and the body as JSON."""

    status: int
    headers: dict[str, str]
    body: Any

    @property
    def code(self) -> str:
        """The code of a refusal, which has to be a problem."""
        assert self.headers["content-type"] == PROBLEM, self
        assert self.body["status"] == self.status
        assert self.body["type"] == f"/docs#{self.body['code']}"
        assert self.body["title"]
        code: str = self.body["code"]
        return code


class Api(Worker):
    """One `chat api`; its sockets are made and inherited as those of a worker."""

    def __init__(self, settings: Mapping[str, SettingValue]) -> None:
        super().__init__(settings, logs.new_directory() / "api.log", COMMAND)

    async def ask(
        self,
        path: str,
        user: str | None = "ann",
        /,
        headers: dict[str, str] | None = None,
        **of: Any,
    ) -> Answer:
        """GET a path as a user, or as nobody; `of` goes into the token."""
        fields = dict(headers or {})
        if user is not None:
            fields["Authorization"] = f"Bearer {token(user, **of)}"
        found = await http.get(self.port, path, headers=fields)
        return Answer(found.status, found.headers, json.loads(found.body))

    async def send(
        self,
        path: str,
        body: Any,
        bearer: str | None,
        /,
        headers: dict[str, str] | None = None,
        method: str = "POST",
        timeout_s: float = DEFAULT_TIMEOUT_S,
    ) -> Answer:
        """Send a body, bytes as they are and anything else as JSON, with a token or a key."""
        fields = {"Content-Type": "application/json", **(headers or {})}
        if bearer is not None:
            fields["Authorization"] = f"Bearer {bearer}"
        sent = body if isinstance(body, bytes) else json.dumps(body).encode()
        found = await http.request(
            method, self.port, path, headers=fields, body=sent, timeout_s=timeout_s
        )
        return Answer(found.status, found.headers, json.loads(found.body))

    async def is_leaving(self) -> bool:
        """Whether it has begun to drain, as balancers see it."""
        found = await http.get(self.ops_port, "/readyz")
        return found.status == 503 and "draining" in found.body

    async def read(self, path: str, bearer: str, /) -> Answer:
        """GET a path with a token or a key."""
        return await self.ask(path, None, {"Authorization": f"Bearer {bearer}"})

    async def stream(
        self, room: str, user: str = "ann", /, last_id: str | None = None, **of: Any
    ) -> EventStream:
        """Follow a room as a user; `of` goes into the token."""
        path = f"/api/v1/rooms/{room}/events"
        return await EventStream.open(self.port, path, token(user, **of), last_id=last_id)

    async def publish(self, room: str, content: str, user: str = "ann", /, **of: Any) -> Answer:
        """Publish a message as a user; `of` goes into the token."""
        path = f"/api/v1/rooms/{room}/messages"
        return await self.send(path, {"content": content}, token(user, **of))


def settings_of(
    redis: RedisServer, prefix: str, **settings: SettingValue
) -> dict[str, SettingValue]:
    """Return the settings of a process under test."""
    return {"redis_url": redis.url, "redis_prefix": prefix, "api_drain_delay": 0.0, **settings}
