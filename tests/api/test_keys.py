"""API keys at the door: which are let in, for what, how often, and what is told of them."""

import pytest

from chat.identity.apikeys import PREFIX, Scope
from tests.api.conftest import Site, StartApi
from tests.api.keys import Keys
from tests.support import http
from tests.support.waiting import until

HISTORY = "/api/v1/rooms/lobby/history"
PRESENCE = "/api/v1/rooms/lobby/presence"
MESSAGES = "/api/v1/rooms/lobby/messages"
SAID = {"content": "x", "userId": "ci"}


async def test_a_key_reads_publishes_and_counts(site: Site) -> None:
    for path in (HISTORY, PRESENCE, "/api/v1/statistics"):
        assert (await site.api.read(path, site.keys.all)).status == 200
    assert (await site.api.send(MESSAGES, SAID, site.keys.all)).status == 201


@pytest.mark.parametrize(
    "wrong",
    [
        f"{PREFIX}000000000000_{'A' * 43}",
        f"{PREFIX}000000000000_",
        f"{PREFIX}é",
        PREFIX,
    ],
)
async def test_a_wrong_key_is_refused(site: Site, wrong: str) -> None:
    answer = await site.api.read(HISTORY, wrong)
    assert (answer.status, answer.code) == (401, "invalid_token")
    assert 'error="invalid_token"' in answer.headers["www-authenticate"]


async def test_a_key_with_one_wrong_character_is_refused(site: Site) -> None:
    key = site.keys.all
    wrong = key[:-1] + ("A" if key[-1] != "A" else "B")
    assert (await site.api.read(HISTORY, wrong)).code == "invalid_token"


async def test_without_the_setting_no_key_is_accepted(start_api: StartApi, keys: Keys) -> None:
    api = await start_api()
    answer = await api.read(HISTORY, keys.all)
    assert (answer.status, answer.code) == (401, "invalid_token")
    assert (await api.ask(HISTORY)).status == 200


async def test_a_key_may_do_what_its_scopes_say_and_nothing_else(
    start_api: StartApi, keys: Keys
) -> None:
    made = {scope: keys.make(scope) for scope in Scope}
    api = await start_api(api_keys_file=str(keys.path))

    async def allowed(key: str) -> set[Scope]:
        answers = {
            Scope.READ: await api.read(HISTORY, key),
            Scope.PUBLISH: await api.send(MESSAGES, SAID, key),
            Scope.STATISTICS: await api.read("/api/v1/statistics", key),
            Scope.TOKENS: await api.send(
                "/api/v1/tokens", {"userId": "ann", "rooms": {"lobby": ["join"]}}, key
            ),
        }
        refused = [answer for answer in answers.values() if answer.status >= 300]
        assert all(answer.code == "forbidden" for answer in refused)
        return {scope for scope, answer in answers.items() if answer.status < 300}

    for scope, key in made.items():
        assert await allowed(key) == ({scope} if scope is not Scope.MODERATE else set())
    assert (await api.read(PRESENCE, made[Scope.READ])).status == 200
    assert (await api.read(PRESENCE, made[Scope.PUBLISH])).code == "forbidden"


async def test_a_key_is_bound_to_its_rooms(start_api: StartApi, keys: Keys) -> None:
    key = keys.make(Scope.READ, Scope.PUBLISH, rooms=("news-*",))
    api = await start_api(api_keys_file=str(keys.path))
    assert (await api.read("/api/v1/rooms/news-1/history", key)).status == 200
    assert (await api.send("/api/v1/rooms/news-1/messages", SAID, key)).status == 201
    assert (await api.read(HISTORY, key)).code == "forbidden"
    assert (await api.send(MESSAGES, SAID, key)).code == "forbidden"


@pytest.mark.slow
async def test_a_key_that_is_taken_out_stops_working_and_a_new_one_starts(
    start_api: StartApi, keys: Keys
) -> None:
    api = await start_api(api_keys_file=str(keys.path))
    assert (await api.read(HISTORY, keys.all)).status == 200
    new = Keys(keys.path.with_name("next"))
    new.path.rename(keys.path)

    async def is_replaced() -> bool:
        return (await api.read(HISTORY, keys.all)).status == 401

    await until(is_replaced, interval_s=0.2)
    assert (await api.read(HISTORY, new.all)).status == 200
    slip = keys.path.with_name("slip")
    slip.write_text("oops")
    slip.rename(keys.path)  # at once: an empty file is one without keys
    await until(lambda: "api_keys_not_read" in api.log())
    assert (await api.read(HISTORY, new.all)).status == 200
    page = (await http.get(api.ops_port, "/metrics")).body
    assert "\nchat_api_keys 1.0" in page
    assert "\nchat_api_keys_current 0.0" in page


async def test_a_file_that_cannot_be_used_keeps_it_from_starting(
    start_api: StartApi, keys: Keys
) -> None:
    keys.path.write_text("oops")
    with pytest.raises(RuntimeError, match=r"ended with 78:\n.*CHAT_API_KEYS_FILE.*line 1"):
        await start_api(api_keys_file=str(keys.path))


async def test_a_key_that_asks_too_often_is_told_how_long_to_wait(
    start_api: StartApi, keys: Keys
) -> None:
    other = keys.make(Scope.READ)
    api = await start_api(
        api_keys_file=str(keys.path), api_key_requests_per_s=0.01, api_key_requests_burst=3
    )
    answers = [await api.read(HISTORY, keys.all) for _ in range(4)]
    assert [answer.status for answer in answers] == [200, 200, 200, 429]
    assert answers[3].code == "rate_limited"
    assert 50 < int(answers[3].headers["retry-after"]) <= 100
    assert (await api.read(HISTORY, other)).status == 200
    page = (await http.get(api.ops_port, "/metrics")).body
    assert "\nchat_api_key_rate_limited_total 1.0" in page


@pytest.mark.slow
async def test_the_limit_of_a_key_is_one_for_all_processes(start_api: StartApi, keys: Keys) -> None:
    limits = {
        "api_keys_file": str(keys.path),
        "api_key_requests_per_s": 0.01,
        "api_key_requests_burst": 20,
        "limits_sync_interval": 0.05,
    }
    here, there = await start_api(**limits), await start_api(**limits)
    while (await here.read(HISTORY, keys.all)).status == 200:
        pass
    asked = 0

    async def is_refused() -> bool:
        nonlocal asked
        asked += 1
        return (await there.read(HISTORY, keys.all)).status == 429

    await until(is_refused, interval_s=0.5)
    assert asked < 20


async def test_a_key_does_not_get_into_the_log(start_api: StartApi, keys: Keys) -> None:
    api = await start_api(api_keys_file=str(keys.path), token_in_query=True, log_level="debug")
    await api.read(HISTORY, keys.all)
    await api.read(HISTORY, f"{keys.all}x")
    await api.ask(f"/{keys.all}", None)
    refused = await api.ask(f"/api/v1/rooms/lobby/events?token={keys.all}", None)
    assert (refused.status, refused.code) == (401, "not_authenticated")
    await until(lambda: "/events" in api.log(), what="the last line of the log")
    secret = keys.all.split("_", 2)[2]
    assert secret not in api.log()
    assert "[redacted]" in api.log()


async def test_a_page_of_another_origin_has_no_use_of_a_key(site: Site) -> None:
    headers = {"Authorization": f"Bearer {site.keys.all}", "Origin": "https://evil.example"}
    answer = await site.api.ask(HISTORY, None, headers)
    assert (answer.status, answer.code) == (403, "forbidden")
