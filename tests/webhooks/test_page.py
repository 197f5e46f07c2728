"""docs/webhooks.md is true: its receiver runs beside `chat up --local --webhook`."""

import asyncio
import json
import os
import re
import sys
from pathlib import Path

import pytest

from chat.protocol.signature import make_secret
from tests.support import http
from tests.support.client import ChatClient
from tests.support.cluster import Supervised
from tests.support.ports import unused_port
from tests.support.redis_server import RedisServer
from tests.support.worker import REPOSITORY

PAGE = (REPOSITORY / "docs" / "webhooks.md").read_text()


@pytest.mark.slow
async def test_the_receiver_of_the_page_prints_what_is_said_in_a_local_run(
    redis_server: RedisServer, redis_prefix: str, room: str, tmp_path: Path
) -> None:
    secret, port = make_secret(), unused_port()
    [source] = re.findall(r"```python\n(.+?)```", PAGE, re.DOTALL)
    receiver = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", source),
        env=os.environ | {"CHAT_WEBHOOK_SECRET": secret, "PORT": str(port)},
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        async with Supervised(
            redis_server,
            1,
            arguments=["--local", "--webhook", f"http://127.0.0.1:{port}/"],
            redis_prefix=redis_prefix,
            webhook_secret=secret,
        ) as up:
            answer = await http.get(up.port, "/local/token?user=ada", host="localhost")
            ada = await ChatClient.connect(up.url, json.loads(answer.body)["token"])
            await ada.join(room)
            await ada.say(room, "said aloud")
            assert receiver.stdout is not None
            async with asyncio.timeout(40.0):
                lines = [await receiver.stdout.readline() for _ in range(3)]
            assert sorted(line.decode().split()[0] for line in lines) == [
                "chat_message",
                "connected",
                "user_joined",
            ]
            assert f"chat_message {room} said aloud\n".encode() in lines
            await ada.close()
    finally:
        receiver.kill()
        await receiver.wait()


def test_every_kind_and_setting_of_the_page_exists() -> None:
    from chat.settings import describe
    from chat.webhooks.kinds import GAP, KINDS

    names = {name for name, _, _ in describe()}
    used = set(re.findall(r"CHAT_\w+", PAGE))
    assert used <= names | {"CHAT_WEBHOOK_SECRET_FILE"}
    table = PAGE.partition("| type | what |")[2].partition("\n\n")[0]
    firsts = "".join(line.split("|")[1] for line in table.splitlines() if line.startswith("| `"))
    assert set(re.findall(r"`(\w+)`", firsts)) <= {*KINDS, GAP}
