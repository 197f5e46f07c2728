"""What an operator does to a stack that serves, as docs/compose.md says, with people in it."""

import asyncio
import json
import secrets
import shutil
import ssl
from contextlib import AsyncExitStack, suppress
from pathlib import Path

import pytest
from jwt.algorithms import HMACAlgorithm

from tests.containers.stack import Stack, make_secrets, workers_behind_haproxy
from tests.integration.talk import insist
from tests.support.client import ChatClient, ClosedError
from tests.support.traffic import Traffic
from tests.support.waiting import until

pytestmark = [pytest.mark.containers, pytest.mark.slow, pytest.mark.timeout(900)]


async def connect(stack: Stack, user: str, secret: str = "") -> ChatClient:
    return await ChatClient.connect(stack.url, stack.token(user, secret), ssl=stack.tls())


async def texts(client: ChatClient, room: str) -> list[str]:
    answer = await client.command("history", roomId=room, limit=1000)
    return [message["content"] for message in answer["messages"]]


async def test_a_backup_goes_onto_an_empty_volume_and_everyone_is_told_the_truth(
    stack: Stack, tmp_path: Path
) -> None:
    room, archive = f"room-{secrets.token_hex(4)}", str(tmp_path / "chat.tgz")
    over = asyncio.Event()

    async def chatter(client: ChatClient) -> list[str]:
        said: list[str] = []
        while not over.is_set():
            said.append(f"during {len(said)}")
            assert (await client.say(room, said[-1]))["type"] == "ack"
            await asyncio.sleep(0.1)
        return said

    kept = [f"kept {number}" for number in range(20)]
    async with await connect(stack, "ann") as ann, await connect(stack, "eve") as eve:
        for client in (ann, eve):
            await client.join(room)
        async with await connect(stack, "ben") as ben:
            await ben.join(room)
            for text in kept[:-1]:
                await insist(ann, room, text)
            old = await insist(ann, room, kept[-1])
            await ben.wait_for(lambda event: event.get("content") == kept[-1])
            position = ben.position(room)
        chatting = asyncio.create_task(chatter(eve))
        await asyncio.to_thread(stack.script, "backup.sh", archive)
        over.set()
        during = await chatting
        await insist(ann, room, "after the backup, and lost")

        await asyncio.to_thread(stack.remove_data)
        await asyncio.to_thread(stack.script, "compose/restore.sh", archive)

        new = await insist(ann, room, "after the restore")
        assert new["epoch"] != old["epoch"]
        found = await texts(ann, room)
        assert found == [*kept, *during[: len(found) - len(kept) - 1], "after the restore"]
        for client in (ann, eve):  # they never lost their connection, and had seen more
            gap = await client.wait_for("gap", 40.0)
            assert (gap["reason"], gap["previousEpoch"]) == ("reset", old["epoch"])
        await workers_behind_haproxy(stack, 3)  # without Redis they were not ready
        async with await connect(stack, "ben") as ben:  # he had not
            answer = await ben.join(room, position)
            await ben.wait_for(lambda event: event.get("content") == "after the restore")
            assert answer["recovered"] is True
            assert [message["content"] for message in ben.messages(room)] == found[len(kept) :]
            assert not [event for event in ben.received if event["type"] == "gap"]


async def test_tokens_of_the_old_key_and_the_new_one_work_and_connections_stay(
    stack: Stack,
) -> None:
    path, old_secret, new_secret = stack.secrets / "jwt-keys.json", stack.secret, "n" * 48
    old = json.loads(path.read_text())["keys"]
    new = [HMACAlgorithm.to_jwk(new_secret, as_dict=True) | {"alg": "HS256", "kid": "next"}]

    async def are_taken(secret: str) -> bool:
        """Whether every worker takes tokens of a key; there are three."""
        async with AsyncExitStack() as clients:
            workers: set[str] = set()
            for number in range(6):
                with suppress(ClosedError):
                    client = await connect(stack, f"user{number}", secret)
                    clients.push_async_callback(client.close)
                    workers.add(client.connected["serverInfo"]["workerId"])
            return len(workers) == 3

    async def is_refused(secret: str) -> bool:
        try:
            await (await connect(stack, "eve", secret)).close()
        except ClosedError as exc:
            return exc.code == 4001
        return False

    async with await connect(stack, "ann") as ann:
        assert await is_refused(new_secret)
        path.write_text(json.dumps({"keys": [*old, *new]}))
        await until(lambda: are_taken(new_secret), 60.0, what="the new key", interval_s=0.3)
        # Whether all three are met is HAProxy's choice, so it takes more than one try.
        await until(lambda: are_taken(old_secret), 60.0, what="the old key too", interval_s=0.3)
        (stack.secrets / "loadtest-jwt-secret").write_text(new_secret)
        path.write_text(json.dumps({"keys": new}))
        await until(lambda: is_refused(old_secret), 60.0, what="the old key's end", interval_s=0.3)
        await ann.join("lobby")
        assert (await ann.say("lobby", "still here"))["type"] == "ack"


async def test_a_new_certificate_is_served_and_connections_stay(
    stack: Stack, tmp_path: Path
) -> None:
    old = stack.tls()
    make_secrets(tmp_path)

    async def is_served() -> bool:
        try:
            await (await connect(stack, "eve")).close()
        except ssl.SSLCertVerificationError:
            return False
        return True

    async with await connect(stack, "ann") as ann, await connect(stack, "ben") as ben:
        for client in (ann, ben):
            await client.join("lobby")
        shutil.copyfile(tmp_path / "certs" / "localhost.pem", stack.certificate)
        assert not await is_served()
        await asyncio.to_thread(stack.compose, "kill", "-s", "USR2", "haproxy")
        await until(is_served, 60.0, what="the new certificate", interval_s=0.2)
        with pytest.raises(ssl.SSLCertVerificationError):
            await ChatClient.connect(stack.url, stack.token("eve"), ssl=old)
        text = f"over the old certificate {secrets.token_hex(4)}"
        await ann.say("lobby", text)
        await ben.wait_for(lambda event: event.get("content") == text)


async def test_redis_gets_a_new_password_and_nobody_loses_a_message(stack: Stack) -> None:
    def ask(url: str) -> str:
        [redis] = stack.containers("redis")
        here = url.replace("@redis:", "@127.0.0.1:")
        return stack.execute(redis, "redis-cli", "--no-auth-warning", "-u", here, "PING")

    path = stack.secrets / "redis-url"
    old = path.read_text().strip()
    async with Traffic(4, lambda user: connect(stack, user)) as traffic:
        await asyncio.to_thread(stack.script, "compose/rotate-redis-password.sh")
    assert len(traffic.acknowledged()) > 20
    assert ask(path.read_text().strip()).strip() == "PONG"
    assert "NOAUTH" in ask(old)
