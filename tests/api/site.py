"""A `chat api` process under test, and how it is asked."""

import json
import sys
from collections.abc import Mapping
from typing import Any, NamedTuple

from tests.support import http, logs
from tests.support.redis_server import RedisServer
from tests.support.tokens import token
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


def settings_of(
    redis: RedisServer, prefix: str, **settings: SettingValue
) -> dict[str, SettingValue]:
    """Return the settings of a process under test."""
    return {"redis_url": redis.url, "redis_prefix": prefix, "api_drain_delay": 0.0, **settings}
