"""Who is let in."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from msgspec import json

from loadtest.control import Challenge, Hello, Proof, ToAgent, Welcome
from loadtest.coordinator.server import JoinServer
from loadtest.joining import SecretError, digest, find_secret, new_nonce, new_secret, proves

SECRET = "a secret of the test, long enough"
HELLO = Hello(host="h", pid=1, boot_id="b", descriptors=1000, version="0")


@asynccontextmanager
async def listening(most: int = 2) -> AsyncIterator[tuple[JoinServer, int]]:
    server = JoinServer(SECRET, most, on_progress=lambda *_: None, on_gone=lambda _: None)
    _, port = await server.start("127.0.0.1", 0)
    try:
        yield server, port
    finally:
        await server.stop()


async def join(port: int, secret: str, hello: Any = HELLO) -> Any:
    """Return the last thing the coordinator says, or None when it closes the connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    decoder = json.Decoder(ToAgent)
    try:
        writer.write(json.encode(hello) + b"\n")
        challenge = await reader.readline()
        if not challenge:
            return None
        asked = decoder.decode(challenge)
        assert isinstance(asked, Challenge)
        writer.write(json.encode(Proof(digest=digest(secret, asked.nonce))) + b"\n")
        answer = await reader.readline()
        return decoder.decode(answer) if answer else None
    finally:
        writer.close()


async def test_an_agent_with_the_secret_is_welcome() -> None:
    async with listening() as (server, port):
        assert await join(port, SECRET) == Welcome(agent=0)
        assert [link.hello for link in server.links] == [HELLO]


async def test_an_agent_with_a_wrong_secret_is_refused_without_a_word() -> None:
    async with listening() as (server, port):
        assert await join(port, "another secret, long enough") is None
        assert server.links == []
        assert server.refused == 1


async def test_who_does_not_say_hello_is_refused() -> None:
    async with listening() as (server, port):
        assert await join(port, SECRET, {"type": "nonsense"}) is None
        assert await join(port, SECRET, Proof(digest="")) is None
        assert server.links == []


async def test_no_more_agents_are_let_in_than_were_asked_for() -> None:
    async with listening(most=1) as (server, port):
        assert await join(port, SECRET) == Welcome(agent=0)
        assert await join(port, SECRET) is None
        assert len(server.links) == 1


def test_a_proof_is_of_one_nonce_and_one_secret() -> None:
    nonce, secret = new_nonce(), new_secret()

    assert proves(secret, nonce, digest(secret, nonce))
    assert not proves(secret, new_nonce(), digest(secret, nonce))
    assert not proves(new_secret(), nonce, digest(secret, nonce))
    assert not proves(secret, nonce, "ü")


def test_the_secret_comes_from_a_file_or_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("LOADTEST_SECRET", raising=False)
    path = tmp_path / "secret"
    path.write_text(f"{SECRET}\n")

    assert find_secret(path) == SECRET
    assert find_secret(None) is None
    monkeypatch.setenv("LOADTEST_SECRET", "of the environment, long enough")
    assert find_secret(None) == "of the environment, long enough"


def test_a_secret_that_is_none_is_refused_and_not_repeated(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_text("short")

    with pytest.raises(SecretError) as refused:
        find_secret(path)
    assert "short" not in str(refused.value)
    with pytest.raises(SecretError):
        find_secret(tmp_path / "missing")
