"""Nothing of a room is shown without a token that allows it."""

from typing import Any

import pytest

from tests.api.conftest import Site, StartApi
from tests.support import http
from tests.support.tokens import token
from tests.support.waiting import until

PATHS = ["/api/v1/rooms/lobby/history", "/api/v1/rooms/lobby/presence"]


@pytest.mark.parametrize("path", PATHS)
async def test_nobody_gets_nothing(site: Site, path: str) -> None:
    answer = await site.api.ask(path, None)
    assert (answer.status, answer.code) == (401, "not_authenticated")
    assert answer.headers["www-authenticate"] == 'Bearer realm="chat"'


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "claims",
    [
        {"ttl_s": -60.0},
        {"secret": "another key, and long enough for HS256"},
        {"rooms": {"*": ["fly"]}},
    ],
)
async def test_a_bad_token_is_refused_and_the_reason_said(
    site: Site, path: str, claims: dict[str, Any]
) -> None:
    answer = await site.api.ask(path, "ann", **claims)
    assert (answer.status, answer.code) == (401, "invalid_token")
    assert 'error="invalid_token"' in answer.headers["www-authenticate"]
    assert len(answer.body["detail"]) > 10


@pytest.mark.parametrize("value", ["Bearer", "Bearer ", "Basic YW5uOmFubg==", "eyJhbGciOi"])
async def test_other_schemes_are_no_token(site: Site, value: str) -> None:
    answer = await site.api.ask(PATHS[0], None, {"Authorization": value})
    assert (answer.status, answer.code) == (401, "not_authenticated")


@pytest.mark.parametrize("value", ["Bearer x", "bearer é", "Bearer a.b.c"])
async def test_what_is_no_token_is_refused(site: Site, value: str) -> None:
    answer = await site.api.ask(PATHS[0], None, {"Authorization": value})
    assert (answer.status, answer.code) == (401, "invalid_token")


async def test_a_token_in_the_query_is_not_looked_at(start_api: StartApi) -> None:
    api = await start_api(token_in_query=True)
    answer = await api.ask(f"{PATHS[0]}?token={token('ann')}", None)
    assert (answer.status, answer.code) == (401, "not_authenticated")
    assert "token=" not in api.log()
    assert "eyJ" not in api.log()


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "rooms", [None, {"news-*": ["join"]}, {"lobby": ["publish", "moderate"]}, {"lobby": []}]
)
async def test_the_token_has_to_allow_joining_that_room(
    site: Site, path: str, rooms: dict[str, list[str]] | None
) -> None:
    answer = await site.api.ask(path, "ann", rooms=rooms)
    assert (answer.status, answer.code) == (403, "forbidden")


@pytest.mark.parametrize("path", PATHS)
async def test_joining_is_enough(site: Site, path: str) -> None:
    assert (await site.api.ask(path, "ann", rooms={"lob*": ["join"]})).status == 200


@pytest.mark.slow
async def test_a_user_who_asks_too_often_is_told_how_long_to_wait(start_api: StartApi) -> None:
    api = await start_api(user_messages_per_s=1.0, user_messages_burst=4)
    admitted = 0
    while (refused := await api.ask(PATHS[admitted % len(PATHS)], "ann")).status == 200:
        admitted += 1
    assert admitted >= 4
    assert (refused.status, refused.code) == (429, "rate_limited")
    assert refused.headers["retry-after"] == "1"
    assert 0 < refused.body["retryAfterMs"] <= 1000
    assert (await api.ask(PATHS[0], "ben")).status == 200

    async def is_admitted() -> bool:
        return (await api.ask(PATHS[0], "ann")).status == 200

    await until(is_admitted, interval_s=0.2)
    page = (await http.get(api.ops_port, "/metrics")).body
    assert "\nchat_api_rate_limited_total " in page
    assert "\nchat_api_rate_limited_total 0.0" not in page


@pytest.mark.slow
async def test_budgets_are_one_with_those_of_other_processes(start_api: StartApi) -> None:
    limits = {"user_messages_per_s": 0.01, "user_messages_burst": 20, "limits_sync_interval": 0.05}
    here, there = await start_api(**limits), await start_api(**limits)
    while (await here.ask(PATHS[1])).status == 200:
        pass
    asked = 0

    async def is_refused() -> bool:
        nonlocal asked
        asked += 1
        return (await there.ask(PATHS[1])).status == 429

    await until(is_refused, interval_s=0.5)
    assert asked < 20  # as many as it would admit by itself
