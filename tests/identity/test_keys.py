"""Keys: what a start refuses, and a JWKS URL that rotates, fails and is not hammered."""

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from chat.identity.keys import KeyRing
from chat.identity.tokens import Identity, InvalidTokenError, UnknownKeyError, Verifier, mint
from chat.settings import Settings, SettingsError
from tests.identity.jwks_server import JwksServer
from tests.identity.key_material import EC, ED, OCT, RSA, SECRET, Pair, jwks, rsa_pair, secret_pair
from tests.support.waiting import until


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[JwksServer]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with JwksServer() as made:
        yield made


def with_url(server: JwksServer, **settings: Any) -> tuple[KeyRing, Verifier]:
    made = Settings(jwt_jwks_url=server.url, **settings)
    ring = KeyRing.from_settings(made)
    return ring, Verifier(made, ring)


def token_of(pair: Pair, kid: str | None) -> str:
    rooms = {"*": ["join"]}
    return mint(pair.private, pair.algorithm, "ann", ttl_s=60, rooms=rooms, kid=kid)


async def verify(ring: KeyRing, verifier: Verifier, token: str) -> Identity:
    """Verify as callers do: refresh once for an unknown key."""
    with contextlib.suppress(UnknownKeyError):
        return verifier.verify(token)
    await ring.refresh_for_unknown_key()
    return verifier.verify(token)


# -------------------------------------------------------------- configuration


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({}, "CHAT_JWT_SECRET"),
        ({"jwt_secret": SECRET, "jwt_algorithms": "none"}, "CHAT_JWT_ALGORITHMS"),
        ({"jwt_secret": SECRET, "jwt_algorithms": "HS256,HS512"}, "HS512"),
        ({"jwt_secret": SECRET, "jwt_algorithms": " , "}, "CHAT_JWT_ALGORITHMS"),
        ({"jwt_secret": SECRET, "jwt_algorithms": "RS256"}, "RS256"),
        ({"jwt_jwks_url": "file:///etc/passwd"}, "CHAT_JWT_JWKS_URL"),
        ({"jwt_jwks_url": "ftp://host/keys"}, "CHAT_JWT_JWKS_URL"),
        ({"jwt_jwks_url": "http://"}, "CHAT_JWT_JWKS_URL"),
        ({"jwt_jwks_url": "http://[half"}, "CHAT_JWT_JWKS_URL"),
        ({"jwt_keys_file": "/nowhere/keys.json"}, "/nowhere/keys.json"),
    ],
)
def test_a_start_without_a_usable_key_is_refused_with_a_sentence(settings, sentence):
    made = Settings(**settings)
    with pytest.raises(SettingsError, match=sentence):
        Verifier(made, KeyRing.from_settings(made))


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"[]",
        b"{}",
        b'{"keys": {}}',
        b'{"keys": [1]}',
        jwks(),
        jwks({"kty": "RSA", "kid": "k", "n": "AQAB", "e": "AQAB"}),
        jwks({"kty": "RSA", "kid": "k"}),
        jwks({"kty": "oct", "kid": "k"}),
        jwks({"kty": "oct", "kid": "k", "k": "c2hvcnQtc2VjcmV0"}),
        jwks({"kty": "EC", "crv": "P-256", "alg": "ES256", "x": "AA", "y": "AA"}),
        jwks(RSA.jwk("k", alg="HS256")),
        jwks(OCT.jwk("k", alg="RS256")),
        jwks(rsa_pair(1024).jwk("k")),
    ],
    ids=range(14),  # with keys in their names they would be other tests in every process
)
def test_a_wrong_keys_file_is_refused_and_not_repeated(document, tmp_path):
    path = tmp_path / "keys.json"
    path.write_bytes(document)
    with pytest.raises(SettingsError) as refused:
        KeyRing.from_settings(Settings(jwt_keys_file=str(path)))
    assert "c2hvcnQtc2VjcmV0" not in str(refused.value)


def test_a_key_that_is_not_for_signatures_is_passed_over(tmp_path):
    path = tmp_path / "keys.json"
    path.write_bytes(jwks(EC.jwk("e", use="enc"), RSA.jwk("p", alg="PS256"), ED.jwk("d")))
    settings = Settings(jwt_keys_file=str(path))
    verifier = Verifier(settings, KeyRing.from_settings(settings))
    assert verifier.verify(token_of(ED, "d")).user_id == "ann"
    for token in (token_of(EC, "e"), token_of(RSA, "p")):
        with pytest.raises(InvalidTokenError):
            verifier.verify(token)


def test_a_private_key_in_the_file_verifies_too(tmp_path):
    from jwt.algorithms import RSAAlgorithm

    path = tmp_path / "keys.json"
    path.write_bytes(jwks(RSAAlgorithm.to_jwk(RSA.private, as_dict=True) | {"kid": "k"}))
    settings = Settings(jwt_keys_file=str(path))
    verifier = Verifier(settings, KeyRing.from_settings(settings))
    assert verifier.verify(token_of(RSA, "k")).user_id == "ann"


def test_a_secret_that_is_another_kind_of_key_is_refused():
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    public = RSA.private.public_key()
    pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    with pytest.raises(SettingsError, match="CHAT_JWT_SECRET"):
        KeyRing.from_settings(Settings(jwt_secret=pem))


# ----------------------------------------------------------------------- file


@contextlib.asynccontextmanager
async def with_file(path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Verifier]:
    """A verifier whose ring looks at its file all the time."""
    monkeypatch.setattr("chat.identity.keys.FILE_CHECK_S", 0.01)
    settings = Settings(jwt_keys_file=str(path))
    ring = KeyRing.from_settings(settings)
    running = asyncio.create_task(ring.run())
    yield Verifier(settings, ring)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


def replaced(path: Path, document: bytes) -> None:
    """Write a file so that the ring never sees half of it."""
    part = path.with_name("part")
    part.write_bytes(document)
    part.replace(path)


def accepts(verifier: Verifier, pair: Pair, kid: str) -> bool:
    with contextlib.suppress(InvalidTokenError):
        return verifier.verify(token_of(pair, kid)).user_id == "ann"
    return False


async def test_a_file_is_read_again_when_it_is_written_or_replaced(tmp_path, monkeypatch):
    path, new = tmp_path / "keys.json", tmp_path / "new.json"
    path.write_bytes(jwks(RSA.jwk("one")))
    async with with_file(path, monkeypatch) as verifier:
        assert not accepts(verifier, EC, "two")
        replaced(path, jwks(RSA.jwk("one"), EC.jwk("two")))
        await until(lambda: accepts(verifier, EC, "two"), what="the new key")
        assert accepts(verifier, RSA, "one")
        new.write_bytes(jwks(EC.jwk("two")))
        new.replace(path)
        await until(lambda: not accepts(verifier, RSA, "one"), what="the old key's end")
        assert accepts(verifier, EC, "two")


@pytest.mark.parametrize("fault", [b'{"keys": [', jwks(), jwks({"kty": "RSA", "kid": "k"}), None])
async def test_keys_stay_in_force_while_their_file_is_wrong(fault, tmp_path, monkeypatch, caplog):
    path = tmp_path / "keys.json"
    path.write_bytes(jwks(RSA.jwk("one")))
    async with with_file(path, monkeypatch) as verifier:
        if fault is None:
            path.unlink()
        else:
            replaced(path, fault)
        await until(lambda: "keys_file_refused" in caplog.messages, what="the complaint")
        assert accepts(verifier, RSA, "one")
        await asyncio.sleep(0.05)
        assert caplog.messages == ["keys_file_refused"]
        replaced(path, jwks(EC.jwk("two")))
        await until(lambda: accepts(verifier, EC, "two"), what="the mended file")


# ------------------------------------------------------------------- JWKS URL


async def test_a_rotated_key_is_found_without_a_restart(server):
    server.body = jwks(RSA.jwk("one"))
    ring, verifier = with_url(server, jwt_jwks_cooldown_s=0.001)
    assert (await verify(ring, verifier, token_of(RSA, "one"))).user_id == "ann"
    server.body = jwks(EC.jwk("two"))
    assert (await verify(ring, verifier, token_of(EC, "two"))).user_id == "ann"
    with pytest.raises(UnknownKeyError):
        verifier.verify(token_of(RSA, "one"))


async def test_a_key_that_is_known_causes_no_fetch(server):
    server.body = jwks(RSA.jwk("one"))
    ring, verifier = with_url(server)
    for _ in range(3):
        await verify(ring, verifier, token_of(RSA, "one"))
    assert server.requests == 1


async def test_unknown_keys_cause_one_fetch_per_cooldown(server):
    server.body = jwks(RSA.jwk("one"))
    ring, verifier = with_url(server, jwt_jwks_cooldown_s=3600)
    for number in range(20):
        with pytest.raises(UnknownKeyError):
            await verify(ring, verifier, token_of(EC, f"made-up-{number}"))
    assert server.requests == 1


async def test_callers_at_once_share_one_fetch_and_one_that_leaves_takes_nothing_away(server):
    server.body, server.hold = jwks(RSA.jwk("one")), threading.Event()
    ring, verifier = with_url(server, jwt_jwks_cooldown_s=3600)
    token = token_of(RSA, "one")
    first, *others = [asyncio.create_task(verify(ring, verifier, token)) for _ in range(10)]
    await until(lambda: server.requests, what="the fetch")
    first.cancel()
    server.hold.set()
    assert [identity.user_id for identity in await asyncio.gather(*others)] == ["ann"] * 9
    with pytest.raises(asyncio.CancelledError):
        await first
    assert server.requests == 1


async def test_who_comes_while_a_fetch_is_under_way_waits_for_it(server):
    """The cooldown is between fetches, not a reason to refuse during one."""
    server.body, server.hold = jwks(RSA.jwk("one")), threading.Event()
    ring, verifier = with_url(server, jwt_jwks_cooldown_s=3600)
    token = token_of(RSA, "one")
    first = asyncio.create_task(verify(ring, verifier, token))
    await until(lambda: server.requests, what="the fetch")
    later = asyncio.create_task(verify(ring, verifier, token))
    await asyncio.sleep(0)  # it has asked by now, and has to wait
    server.hold.set()
    assert [identity.user_id for identity in await asyncio.gather(first, later)] == ["ann"] * 2
    assert server.requests == 1


@pytest.mark.parametrize(
    "fault",
    [
        {"status": 500},
        {"status": 302, "location": "/elsewhere"},
        {"body": b"not json"},
        {"body": jwks()},
        {"body": jwks({"kty": "oct", "kid": "k"})},
        {"body": jwks({"kty": ["RSA"]}, {"kty": "RSA", "kid": 7})},
        {"body": jwks(secret_pair().jwk("public-secret"))},
        {"body": b" " * 300_000},
        {"raw": b"this is not HTTP at all\r\n\r\n"},
        {"raw": b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"},
        {"raw": b""},
    ],
)
async def test_known_keys_stay_in_force_through_an_outage(server, fault, caplog):
    server.body = jwks(RSA.jwk("one"))
    ring, verifier = with_url(server, jwt_jwks_cooldown_s=0.001)
    await verify(ring, verifier, token_of(RSA, "one"))
    for name, value in fault.items():
        setattr(server, name, value)
    with pytest.raises(UnknownKeyError):
        await verify(ring, verifier, token_of(EC, "two"))
    assert verifier.verify(token_of(RSA, "one")).user_id == "ann"
    assert [record.levelname for record in caplog.records if record.levelno > 20] == ["WARNING"]


async def test_a_symmetric_key_that_anyone_can_fetch_verifies_nothing(server):
    server.body = jwks(secret_pair().jwk("k"), RSA.jwk("r"))
    ring, verifier = with_url(server)
    with pytest.raises(UnknownKeyError):
        await verify(ring, verifier, token_of(secret_pair(), "k"))


async def test_the_set_is_fetched_again_when_its_time_is_up(server):
    server.body = jwks(RSA.jwk("one"))
    ring, verifier = with_url(server, jwt_jwks_cache_s=0.05)
    running = asyncio.create_task(ring.run())
    await until(lambda: server.requests >= 2, what="a second fetch")
    server.body = jwks(EC.jwk("two"))

    def rotated() -> bool:
        with contextlib.suppress(UnknownKeyError):
            return verifier.verify(token_of(EC, "two")).user_id == "ann"
        return False

    await until(rotated, what="the rotated key")
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


async def test_an_issuer_that_is_away_at_the_start_is_tried_again(server):
    server.body, server.status = jwks(RSA.jwk("one")), 503
    ring, verifier = with_url(server, jwt_jwks_cache_s=0.05)
    running = asyncio.create_task(ring.run())
    await until(lambda: server.requests >= 2, what="a second attempt")
    server.status = 200
    await until(lambda: ring.find("one", "RS256"), what="the key")
    assert verifier.verify(token_of(RSA, "one")).user_id == "ann"
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


async def test_a_configured_key_needs_no_url(server):
    server.status = 500
    ring, verifier = with_url(server, jwt_secret=SECRET)
    assert (await verify(ring, verifier, token_of(OCT, None))).user_id == "ann"
    assert server.requests == 0
