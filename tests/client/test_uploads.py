"""The Python client uploads files and hears of those of others."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from chat.client import ChatMessage, ConnectionLostError, LimitError, NotAllowedError
from tests.api.site import Api, settings_of
from tests.client.conftest import Open
from tests.support.cluster import NO_LIMITS, Cluster
from tests.support.pictures import png
from tests.support.ports import unused_port
from tests.support.redis_server import RedisServer


@pytest.fixture(scope="module")
def api(
    pair: Cluster, redis_server: RedisServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Api]:
    prefix = str(pair[0].settings["redis_prefix"])
    store = str(tmp_path_factory.mktemp("files"))
    settings: dict[str, Any] = {"upload_max_bytes": 200_000, **NO_LIMITS}
    api = Api(settings_of(redis_server, prefix, upload_store=store, **settings))
    with asyncio.Runner() as runner:
        try:
            yield runner.run(api.start())
        finally:
            runner.run(api.close())


async def test_a_file_is_uploaded_with_progress_and_comes_with_a_message(
    pair: Cluster, api: Api, open_client: Open, room: str, tmp_path: Path
) -> None:
    http = f"http://127.0.0.1:{api.port}"
    ann = await open_client(pair.urls[0], "ann", http=http)
    ben = await open_client(pair.urls[1], "ben", http=http)
    anns, bens = await ann.join(room), await ben.join(room)
    path = tmp_path / "words.txt"
    path.write_bytes(b"x" * 150_000)
    heard: list[tuple[int, int]] = []
    words = await anns.upload(path, on_progress=lambda *bytes_: heard.append(bytes_))
    assert (words.name, words.content_type, words.size) == ("words.txt", "text/plain", 150_000)
    assert heard == [(65536, 150_000), (131072, 150_000), (150_000, 150_000)]
    picture = await anns.upload(png(64, 48), name="tea.png")
    assert (picture.width, picture.height) == (64, 48)
    await anns.publish("", attachments=[words, picture])
    async for event in bens.events():
        if isinstance(event, ChatMessage):
            assert event.attachments == [words, picture]
            break
    [message] = [one async for one in bens.history()]
    assert message.attachments == [words, picture]
    await anns.delete(message)
    [message] = [one async for one in bens.history()]
    assert message.attachments is None


async def test_what_is_not_taken_says_why(
    pair: Cluster, api: Api, open_client: Open, room: str
) -> None:
    ann = await open_client(pair.urls[0], "ann", http=f"http://127.0.0.1:{api.port}")
    anns = await ann.join(room)
    with pytest.raises(NotAllowedError, match="file_type_refused"):
        await anns.upload(b"\x7fELF" + bytes(64))
    with pytest.raises(LimitError, match="file_too_large"):
        await anns.upload(b"x" * 200_001)
    with pytest.raises(FileNotFoundError):
        await anns.upload(Path("/nowhere/at-all"))


async def test_without_an_http_side_an_upload_is_lost_and_can_be_tried_again(
    pair: Cluster, open_client: Open, room: str
) -> None:
    nobody = f"http://127.0.0.1:{unused_port()}"
    anns = await (await open_client(pair.urls[0], "ann", http=nobody)).join(room)
    with pytest.raises(ConnectionLostError):
        await anns.upload(b"x")


async def test_an_upload_that_is_given_up_ends_at_once(
    pair: Cluster, open_client: Open, room: str
) -> None:
    asked, over = asyncio.Event(), asyncio.Event()

    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.set()
        await reader.read()
        writer.close()
        over.set()

    silent = await asyncio.start_server(say_nothing, "127.0.0.1", 0)
    async with silent:
        port = silent.sockets[0].getsockname()[1]
        ann = await open_client(pair.urls[0], "ann", http=f"http://127.0.0.1:{port}")
        anns = await ann.join(room)
        uploading = asyncio.create_task(anns.upload(b"x"))
        await asyncio.wait_for(asked.wait(), 30)
        uploading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(uploading, 30)
        await asyncio.wait_for(over.wait(), 30)
