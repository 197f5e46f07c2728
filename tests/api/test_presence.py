"""Who is in a room, over HTTP."""

from collections.abc import Awaitable, Callable

import pytest

from tests.api.conftest import Site
from tests.support.client import ChatClient
from tests.support.waiting import until

Enter = Callable[..., Awaitable[ChatClient]]


async def test_members_on_workers_are_seen_with_what_they_show(
    site: Site, enter: Enter, room: str
) -> None:
    await enter("ann", user={"name": "Ann"})
    ben = await enter("ben")
    answer = await site.api.ask(f"/api/v1/rooms/{room}/presence", "cleo")
    assert answer.status == 200
    page = await ben.command("presence", roomId=room)
    del page["id"]
    assert answer.body == page
    assert answer.body["memberCount"] == 2
    assert {"userId": "ann", "user": {"name": "Ann"}} in answer.body["members"]


async def test_reading_makes_nobody_a_member(site: Site, room: str) -> None:
    for _ in range(2):
        answer = await site.api.ask(f"/api/v1/rooms/{room}/presence")
        assert (answer.body["memberCount"], answer.body["members"]) == (0, [])


async def test_who_leaves_is_gone(site: Site, enter: Enter, room: str) -> None:
    ann = await enter("ann")
    await ann.command("leave_room", roomId=room)

    async def is_empty() -> bool:
        answer = await site.api.ask(f"/api/v1/rooms/{room}/presence")
        return bool(answer.body["memberCount"] == 0)

    await until(is_empty)


async def test_a_large_room_comes_in_pages_that_hold_everyone(site: Site, room: str) -> None:
    everyone = {f"user-{number}" for number in range(1000)}
    members = [part for user in sorted(everyone) for part in (user, "1|{}")]
    site.redis.run("HSET", f"{site.prefix}:{{{room}}}:members", *members)
    path = f"/api/v1/rooms/{room}/presence?limit=50"
    seen: set[str] = set()
    cursor, pages = "0", 0
    while cursor:
        page = (await site.api.ask(f"{path}&cursor={cursor}")).body
        assert page["memberCount"] == 1000
        assert len(page["members"]) < 200
        seen |= {member["userId"] for member in page["members"]}
        cursor = page.get("cursor", "")
        pages += 1
    assert seen == everyone
    assert pages > 5


@pytest.mark.parametrize("query", ["cursor=x", "cursor=-1", f"cursor={2**64}", "limit=0"])
async def test_a_query_that_is_wrong_is_refused(site: Site, room: str, query: str) -> None:
    answer = await site.api.ask(f"/api/v1/rooms/{room}/presence?{query}")
    assert (answer.status, answer.code) == (400, "invalid_message")
