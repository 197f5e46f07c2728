"""A user's state over HTTP: for back ends, and one's own."""

import uuid
from collections.abc import Awaitable, Callable

from chat.identity.apikeys import Scope
from tests.api.conftest import Site
from tests.support.client import ChatClient
from tests.support.waiting import until

Enter = Callable[..., Awaitable[ChatClient]]


async def _is_in_force(site: Site, key: str) -> bool:
    return (await site.api.read(path_of("ben"), key)).code != "invalid_token"


def path_of(user: str) -> str:
    return f"/api/v1/users/{user}/presence"


async def test_a_back_end_sees_what_a_user_chose_and_when_the_user_was_last_seen(
    site: Site, enter: Enter
) -> None:
    user = f"ann-{uuid.uuid4().hex[:6]}"
    key = site.keys.all
    answer = await site.api.read(path_of(user), key)
    assert (answer.status, answer.body) == (200, {"userId": user, "state": "offline"})
    ann = await enter(user)
    await ann.command("set_presence", state="busy", status="In a meeting")

    async def becomes(state: str) -> bool:
        return bool((await site.api.read(path_of(user), key)).body["state"] == state)

    await until(lambda: becomes("busy"))
    answer = await site.api.read(path_of(user), key)
    assert answer.body == {"userId": user, "state": "busy", "status": "In a meeting"}
    await ann.close()
    await until(lambda: becomes("offline"))
    answer = await site.api.read(path_of(user), key)
    assert sorted(answer.body) == ["lastSeen", "state", "status", "userId"]


async def test_the_list_of_members_has_states(site: Site, enter: Enter, room: str) -> None:
    user = f"ann-{uuid.uuid4().hex[:6]}"
    ann = await enter(user)
    await ann.command("set_presence", state="away")
    await ann.wait_for("presence_changed")
    answer = await site.api.ask(f"/api/v1/rooms/{room}/presence")
    assert answer.body["members"] == [{"userId": user, "state": "away"}]


async def test_a_stream_tells_of_states(site: Site, enter: Enter, room: str) -> None:
    async with await site.api.stream(room) as stream:
        ann = await enter("ann")
        await ann.command("set_presence", state="away")
        event = (await stream.wait_for("presence_changed")).json
        assert (event["userId"], event["state"]) == ("ann", "away")
        await ann.command("set_presence", state="online")


async def test_a_token_tells_of_its_own_user_only(site: Site) -> None:
    answer = await site.api.ask(path_of("ben"), "ben")
    assert (answer.status, answer.body["userId"]) == (200, "ben")
    answer = await site.api.ask(path_of("ben"), "ann")
    assert (answer.status, answer.code) == (403, "forbidden")
    for key in (site.keys.make(Scope.PUBLISH), site.keys.make(Scope.READ, rooms=("lobby",))):
        await until(lambda key=key: _is_in_force(site, key))  # type: ignore[misc]
        answer = await site.api.read(path_of("ben"), key)
        assert (answer.status, answer.code) == (403, "forbidden")
    answer = await site.api.ask(path_of("x" * 129), "ann")
    assert (answer.status, answer.code) == (400, "invalid_message")
