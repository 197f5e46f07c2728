"""docs/protocol.md is true: its conversations are played with real workers, its tables compared."""

import json
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any, get_args

import pytest

from chat.conversations.kinds import inbox_of
from chat.identity.access import MEMBER
from chat.protocol.commands import AnyCommand
from chat.protocol.errors import CLOSE_REASONS, ERROR_MEANINGS, ErrorCode
from chat.protocol.events import AnyEvent
from chat.settings import describe
from tests.integration.conversation import (
    Glossary,
    Step,
    claims,
    is_like,
    scenes,
    steps,
    table,
)
from tests.integration.talk import said
from tests.support.client import ChatClient
from tests.support.cluster import NO_LIMITS, Cluster
from tests.support.redis_server import RedisServer
from tests.support.tokens import token

StartCluster = Callable[..., Awaitable[Cluster]]
EPOCH = "9c56cc51"  # of a room at the beginning of a scene
ROOMS = {
    "lobby": list(MEMBER),
    "news-*": ["join", "publish"],
    "private:*": list(MEMBER),
    "direct:*": list(MEMBER),
}


class Stage:
    """One scene: workers, and the people who talk."""

    def __init__(self, redis: RedisServer, workers: Cluster, stack: AsyncExitStack) -> None:
        self.redis = redis
        self.workers = workers
        self.stack = stack
        self.glossary = Glossary()
        self.people: dict[str, ChatClient] = {}
        self.rooms: dict[str, list[str]] = ROOMS
        self.ttl_s = 3600.0
        self.moved: set[str] = set()
        self.moderators: set[str] = set()
        self.devices: dict[str, str] = {}

    async def play(self, step: Step) -> None:
        if step.direction:
            await self.direct(step.direction)
        elif step.verb == "sends":
            frame = self.glossary.real(step.frame)
            if "token" in frame:
                frame["token"] = self.token(step.who, ttl_s=7200.0)
            await (await self.person(step.who)).send(**frame)
        elif step.verb == "receives":
            person = await self.person(step.who)
            real = await person.wait_for(lambda event: is_like(step.frame, event), 30.0)
            self.glossary.compare(step.frame, real)
        else:
            closed = await (await self.person(step.who)).wait_closed(30.0)
            assert step.frame == {"code": closed.code, "reason": closed.reason}

    def token(self, who: str, ttl_s: float) -> str:
        more = ["moderate"] if who in self.moderators else []
        rooms = {pattern: [*allowed, *more] for pattern, allowed in self.rooms.items()}
        who = self.devices.get(who, who)
        return token(who, ttl_s=ttl_s, rooms=rooms, user={"name": who.capitalize()})

    async def person(self, who: str) -> ChatClient:
        """Who is not connected yet connects, and keeps `connected` to be looked at."""
        if who not in self.people:
            elsewhere = (who != "ann") != (who in self.moved)
            worker = self.workers.workers[-1 if elsewhere else 0]
            headers = {"Authorization": f"Bearer {self.token(who, self.ttl_s)}"}
            await self.enter(who, await ChatClient.connect(worker.url, headers=headers))
        return self.people[who]

    async def enter(self, who: str, client: ChatClient) -> None:
        self.people[who] = await self.stack.enter_async_context(client)

    def upload(self, who: str) -> None:
        """Leave the note that the HTTP side leaves of the page's file once it has it."""
        shown = next(step.frame for step in steps() if "attachments" in (step.frame or {}))
        [file_id] = shown["attachments"]
        attachment = {
            "id": file_id,
            "name": "tea.png",
            "contentType": "image/png",
            "size": 20480,
            "url": f"/files/{file_id}/tea.png",
            "width": 640,
            "height": 480,
        }
        prefix = self.workers[0].settings["redis_prefix"]
        note = json.dumps({"by": who, "attachment": attachment})
        self.redis.run("SET", f"{prefix}:{{lobby}}:file:{file_id}", note)

    async def direct(self, direction: str) -> None:  # noqa: C901 - a flat list of cases
        match direction.split(" "):
            case ["scene", *_] | [_, "is", "new"]:
                pass
            case [who, "connects", "without", "a", "token"]:
                await self.enter(who, await ChatClient.connect(self.workers[0].url))
            case ["the", "new", "token", "of", _, "allows", pattern, "only"]:
                self.rooms = {pattern: ["join", "publish"]}
            case ["the", "token", "of", _, "lives", "for", seconds, "seconds"]:
                self.ttl_s = float(seconds)
            case [device, "is", "also", who]:
                self.devices[device] = who
            case [who, "moderates"]:
                self.moderators.add(who)
            case [who, "disconnects"]:
                await self.people.pop(who).abort()
            case [who, "connects", "to", "another", "worker"]:
                self.moved.add(who)
            case [who, "follows", "his", "inbox"]:
                client = await self.person(who)
                joined = await client.join(inbox_of(who))
                self.glossary.learn(EPOCH, joined["epoch"])
            case [who, "joins", room]:
                joined = await (await self.person(who)).join(room)
                self.glossary.learn(EPOCH, joined["epoch"])
            case [who, "publishes", count, "messages"]:
                await said(self.people[who], "lobby", [str(n) for n in range(int(count))])
            case [who, "uploads", _name]:
                self.upload(who)
            case ["the", "store", "is", "emptied"]:
                self.redis.run("FLUSHALL")
            case ["the", "worker", "is", "told", "to", "leave"]:
                self.workers[0].signal(signal.SIGTERM)
            case _:
                raise AssertionError(f"nobody knows how to play {direction!r}")


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as stack:
        yield stack


@pytest.mark.parametrize("scene", scenes(), ids=lambda scene: f"line-{scene[0].line}")
async def test_every_frame_of_the_page_is_what_the_server_says(
    cluster: StartCluster, fresh_redis: RedisServer, stack: AsyncExitStack, scene: list[Step]
) -> None:
    settings: dict[str, Any] = dict(
        word.split("=", 1) for word in scene[0].direction.split(" ")[1:]
    )
    count = int(settings.pop("workers", 1))
    workers = await cluster(count, redis=fresh_redis, **settings, **NO_LIMITS)
    stage = Stage(fresh_redis, workers, stack)
    for step in scene:
        try:
            await stage.play(step)
        except (AssertionError, TimeoutError) as exc:
            raise AssertionError(f"docs/protocol.md line {step.line}: {exc}") from exc


async def test_the_claims_of_the_page_open_a_connection(cluster: StartCluster) -> None:
    ((user, written),) = claims().items()
    workers = await cluster(1, **NO_LIMITS)
    fields = {name: value for name, value in written.items() if name not in ("sub", "exp", "rooms")}
    given = token(user, rooms=written["rooms"], **fields)
    async with await ChatClient.connect(workers[0].url, given) as client:
        assert client.connected["userId"] == written["sub"] == user
        await client.join("news-of-today")
        await client.say("news-of-today", "x")
        assert (await client.wait_for("chat_message"))["user"] == written["user"]


def tags(union: Any) -> set[str]:
    return {str(kind.__struct_config__.tag) for kind in get_args(union)}


def test_every_command_and_every_event_occurs() -> None:
    sent = {step.frame["type"] for step in steps() if step.verb == "sends"}
    received = {step.frame["type"] for step in steps() if step.verb == "receives"}
    assert sent - {"fly"} == tags(AnyCommand)
    assert received == tags(AnyEvent)


def test_every_field_of_every_event_occurs() -> None:
    shown: dict[str, set[str]] = {}
    for step in steps():
        if step.verb != "is closed with" and step.frame:
            key = step.frame["type"] if step.verb == "receives" else ""
            shown.setdefault(key, {"type"}).update(step.frame)
    unseen = {
        f"{kind.__struct_config__.tag}.{name}"
        for kind in get_args(AnyEvent)
        for name in kind.__struct_fields__
        if name not in shown[str(kind.__struct_config__.tag)]
    }
    assert unseen == {"error.uncertain", "presence.cursor", "participants.cursor", "rooms.cursor"}


def test_the_table_of_error_codes_is_complete() -> None:
    assert [tuple(row) for row in table("code") if not row[0].isdigit()] == [
        (code.value, *ERROR_MEANINGS[code]) for code in ErrorCode
    ]


def test_the_table_of_close_codes_is_complete() -> None:
    assert {int(row[0]): row[1] for row in table("code") if row[0].isdigit()} == {
        int(code): reason for code, reason in CLOSE_REASONS.items()
    }


def test_the_limits_are_the_defaults() -> None:
    defaults = {name: default for name, default, _ in describe()}
    for name, written in table("setting"):
        assert defaults[name] == written, name
