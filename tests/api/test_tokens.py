"""Minting tokens over HTTP: for back ends with a key, within what the key covers."""

import time
from pathlib import Path
from typing import Any

import jwt
import pytest
from jwt.algorithms import ECAlgorithm

from chat.identity.apikeys import Scope
from tests.api.conftest import Site, StartApi
from tests.api.keys import Keys
from tests.identity.key_material import EC, jwks
from tests.support.client import ChatClient
from tests.support.tokens import token

PATH = "/api/v1/tokens"
LOBBY = {"lobby": ["join", "publish"]}


async def test_a_minted_token_opens_a_websocket(site: Site, room: str) -> None:
    asked = {"userId": "ann", "rooms": {room: ["join", "publish"]}, "user": {"name": "Ann"}}
    answer = await site.api.send(PATH, asked, site.keys.all)
    assert answer.status == 201
    assert answer.body["userId"] == "ann"
    client = await ChatClient.connect(site.worker.url, answer.body["token"])
    async with client:
        assert client.connected["userId"] == "ann"
        assert client.connected["expiresAt"] == answer.body["expiresAt"]
        assert (await client.join(room))["type"] == "room_joined"
        assert (await client.say(room, "hi"))["type"] == "ack"
        assert (await client.join("other"))["code"] == "forbidden"


async def test_it_lives_as_long_as_was_asked_and_no_longer(site: Site) -> None:
    began_ms = time.time() * 1000
    short = await site.api.send(
        PATH, {"userId": "ann", "rooms": LOBBY, "expiresInMs": 60_000}, site.keys.all
    )
    assert short.body["expiresAt"] - began_ms >= 60_000 - 1_000
    assert short.body["expiresAt"] - time.time() * 1000 <= 60_000 + 1_000
    usual = await site.api.send(PATH, {"userId": "ann", "rooms": LOBBY}, site.keys.all)
    assert usual.body["expiresAt"] - began_ms >= 3_600_000 - 1_000
    assert usual.body["expiresAt"] - time.time() * 1000 <= 3_600_000 + 1_000
    long = await site.api.send(
        PATH, {"userId": "ann", "rooms": LOBBY, "expiresInMs": 3_600_001}, site.keys.all
    )
    assert (long.status, long.code) == (400, "invalid_message")
    assert "3600000" in long.body["detail"]


async def test_it_lives_no_longer_than_tokens_may(start_api: StartApi, keys: Keys) -> None:
    api = await start_api(api_keys_file=str(keys.path), jwt_max_lifetime_s=60)
    answer = await api.send(PATH, {"userId": "ann", "rooms": LOBBY}, keys.all)
    assert 30 < answer.body["expiresAt"] / 1000 - time.time() <= 61


@pytest.mark.parametrize(
    "body",
    [
        {"rooms": LOBBY},
        {"userId": "ann"},
        {"userId": "", "rooms": LOBBY},
        {"userId": "a\tb", "rooms": LOBBY},
        {"userId": "ann", "rooms": {"lobby": ["fly"]}},
        {"userId": "ann", "rooms": {"": ["join"]}},
        {"userId": "ann", "rooms": ["lobby"]},
        {"userId": "ann", "rooms": LOBBY, "user": {"x": "y" * 600}},
        {"userId": "ann", "rooms": LOBBY, "expiresInMs": 999},
        {"userId": "ann", "rooms": LOBBY, "expiresInMs": "soon"},
    ],
)
async def test_what_makes_no_token_is_refused(site: Site, body: dict[str, Any]) -> None:
    answer = await site.api.send(PATH, body, site.keys.all)
    assert (answer.status, answer.code) == (400, "invalid_message")


async def test_a_user_cannot_mint(site: Site) -> None:
    answer = await site.api.send(PATH, {"userId": "ben", "rooms": LOBBY}, token("ann"))
    assert (answer.status, answer.code) == (403, "forbidden")


async def test_a_token_covers_no_more_than_the_key(start_api: StartApi, keys: Keys) -> None:
    key = keys.make(Scope.TOKENS, rooms=("team-*", "lobby"))
    api = await start_api(api_keys_file=str(keys.path))

    async def status(rooms: dict[str, list[str]], of: str = key) -> int:
        return (await api.send(PATH, {"userId": "ann", "rooms": rooms}, of)).status

    assert await status({"team-*": ["join"], "lobby": ["join"]}) == 201
    assert await status({"team-7": ["join", "publish"]}) == 201
    assert await status({}) == 201
    for beyond in ("*", "team*", "lobby*", "*-team-1"):
        assert await status({beyond: ["join"]}) == 403
    assert await status({"team-1": ["moderate"]}) == 403
    assert await status({"team-1": ["moderate"]}, keys.all) == 201


async def test_a_private_key_signs_with_its_id(
    start_api: StartApi, keys: Keys, tmp_path: Path
) -> None:
    file = tmp_path / "jwks.json"
    file.write_bytes(jwks(ECAlgorithm.to_jwk(EC.private, as_dict=True) | {"kid": "k1"}))
    api = await start_api(
        api_keys_file=str(keys.path),
        jwt_keys_file=str(file),
        jwt_secret="",
        jwt_issuer="chat.example",
        jwt_audience="chat",
    )
    answer = await api.send(PATH, {"userId": "ann", "rooms": LOBBY}, keys.all)
    assert answer.status == 201
    minted = answer.body["token"]
    claims = jwt.decode(minted, options={"verify_signature": False})
    assert (claims["iss"], claims["aud"], claims["sub"]) == ("chat.example", "chat", "ann")
    assert jwt.get_unverified_header(minted)["kid"] == "k1"
    assert (await api.read("/api/v1/rooms/lobby/history", minted)).status == 200


async def test_a_server_that_only_verifies_says_so(
    start_api: StartApi, keys: Keys, tmp_path: Path
) -> None:
    file = tmp_path / "jwks.json"
    file.write_bytes(jwks(EC.jwk("k1")))
    api = await start_api(api_keys_file=str(keys.path), jwt_keys_file=str(file), jwt_secret="")
    answer = await api.send(PATH, {"userId": "ann", "rooms": LOBBY}, keys.all)
    assert (answer.status, answer.code) == (501, "not_configured")
