"""Files are uploaded, attached to messages, handed out safely, and removed with their messages."""

import asyncio
import json
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from tests.api.conftest import StartApi
from tests.api.site import Answer, Api
from tests.support import http
from tests.support.client import ChatClient
from tests.support.cluster import NO_LIMITS, Cluster
from tests.support.pictures import GPS, exif, jpeg, png
from tests.support.redis_server import RedisServer
from tests.support.tokens import token
from tests.support.waiting import until

Take = Callable[..., Awaitable[Answer]]
ROOM = "lobby"


async def upload(
    api: Api, data: bytes, name: str = "tea.png", user: str = "ann", /, room: str = ROOM, **of: Any
) -> Answer:
    """Upload as a user; `of` goes into the token."""
    path = f"/api/v1/rooms/{room}/files?name={name}"
    return await api.send(path, data, token(user, **of), {"Content-Type": "image/x-whatever"})


async def fetch(api: Api, url: str, method: str = "GET", **headers: str) -> http.Answer:
    return await http.exchange(method, api.port, url, headers=headers)


@pytest.fixture
async def api(start_api: StartApi, tmp_path: Path) -> Api:
    """An HTTP side with a folder for files."""
    return await start_api(upload_store=str(tmp_path / "files"), **NO_LIMITS)


def files_in(api: Api) -> list[Path]:
    folder = Path(str(api.settings["upload_store"]))
    return [path for path in folder.rglob("*") if path.is_file()]


# ------------------------------------------------------------------ uploading


async def test_a_picture_comes_back_at_its_address_with_headers_that_disarm_it(api: Api) -> None:
    answer = await upload(api, png(640, 480, notes=GPS), "..%2Ftea%20time.png")
    assert answer.status == 201
    file_id, url = answer.body["id"], answer.body["url"]
    assert answer.body == {
        "id": file_id,
        "name": "tea time.png",
        "contentType": "image/png",
        "size": len(png(640, 480)),
        "width": 640,
        "height": 480,
        "url": f"/files/{file_id}/tea%20time.png",
    }
    found = await fetch(api, url)
    assert (found.status, found.body) == (200, png(640, 480))
    assert found.headers["content-type"] == "image/png"
    assert found.headers["content-disposition"].startswith('inline; filename="tea time.png"')
    assert found.headers["x-content-type-options"] == "nosniff"
    assert found.headers["content-security-policy"] == "default-src 'none'; sandbox"
    assert found.headers["cross-origin-resource-policy"] == "same-origin"
    assert found.headers["cache-control"] == "private, max-age=31536000, immutable"
    assert found.headers["referrer-policy"] == "no-referrer"
    again = await fetch(api, url, **{"If-None-Match": found.headers["etag"]})
    assert (again.status, again.body) == (304, b"")
    head = await fetch(api, url, "HEAD")
    assert (head.status, head.body) == (200, b"")
    assert head.headers["content-length"] == str(answer.body["size"])


async def test_a_part_of_a_file_can_be_asked_for(api: Api) -> None:
    answer = await upload(api, b"0123456789", "a.txt")
    part = await fetch(api, answer.body["url"], Range="bytes=2-5")
    assert (part.status, part.body) == (206, b"2345")
    assert part.headers["content-range"] == "bytes 2-5/10"


@pytest.mark.parametrize(
    ("data", "name", "kind"),
    [
        (b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", "a.svg", "text/plain"),
        (b"<!doctype html><script>alert(1)</script>", "a.html", "text/plain"),
        (b"%PDF-1.7\n%\xe2\xe3", "a.pdf", "application/pdf"),
    ],
)
async def test_what_could_run_in_a_browser_is_only_ever_saved(
    api: Api, data: bytes, name: str, kind: str
) -> None:
    answer = await upload(api, data, name)
    assert answer.body["contentType"] == kind
    assert "width" not in answer.body
    found = await fetch(api, answer.body["url"])
    assert found.headers["content-type"].partition(";")[0] == kind
    assert found.headers["content-disposition"].startswith("attachment;")


async def test_a_photo_does_not_tell_where_it_was_taken(api: Api) -> None:
    answer = await upload(api, jpeg(40, 30, more=exif(6)), "photo.jpg")
    assert (answer.body["width"], answer.body["height"]) == (30, 40)
    assert GPS not in (await fetch(api, answer.body["url"])).body


@pytest.mark.parametrize("data", [b"\x7fELF\2\1\1" + bytes(64), png()[:40], bytes(300)])
async def test_types_that_are_not_taken_are_refused(api: Api, data: bytes) -> None:
    answer = await upload(api, data)
    assert (answer.status, answer.code) == (415, "file_type_refused")
    assert files_in(api) == []


async def test_an_empty_file_is_refused(api: Api) -> None:
    answer = await upload(api, b"")
    assert (answer.status, answer.code) == (400, "invalid_message")


async def test_who_may_not_publish_may_not_upload(api: Api) -> None:
    answer = await upload(api, png(), rooms={"*": ["join"]})
    assert (answer.status, answer.code) == (403, "forbidden")
    nobody = await api.send(f"/api/v1/rooms/{ROOM}/files", png(), None)
    assert nobody.code == "not_authenticated"
    assert (await upload(api, png(), room="no%20room")).code == "invalid_room"
    assert files_in(api) == []


async def test_a_file_that_is_too_large_is_refused_as_soon_as_that_is_known(
    start_api: StartApi, tmp_path: Path
) -> None:
    api = await start_api(upload_store=str(tmp_path), upload_max_bytes=300_000)
    assert (await upload(api, b"x" * 300_000, "a.txt")).status == 201
    answer = await upload(api, b"x" * 300_001, "a.txt")
    assert (answer.status, answer.code) == (413, "file_too_large")
    reader, writer = await asyncio.open_connection("127.0.0.1", api.port)
    writer.write(
        f"POST /api/v1/rooms/{ROOM}/files HTTP/1.1\r\nHost: x\r\n"
        f"Authorization: Bearer {token('ann')}\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
    )
    chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
    for _ in range(8):  # without a length, and without an end
        writer.write(chunk)
    head = await asyncio.wait_for(reader.readuntil(b"\r\n"), 5)
    assert b" 413 " in head
    writer.close()
    assert len(files_in(api)) == 1


async def test_an_upload_that_stalls_or_breaks_off_leaves_nothing(
    start_api: StartApi, tmp_path: Path
) -> None:
    api = await start_api(upload_store=str(tmp_path), handshake_timeout=0.3)
    head = (
        f"POST /api/v1/rooms/{ROOM}/files HTTP/1.1\r\nHost: x\r\n"
        f"Authorization: Bearer {token('ann')}\r\nContent-Length: 1000\r\n\r\nsome"
    ).encode()
    stalling, writer = await asyncio.open_connection("127.0.0.1", api.port)
    writer.write(head)
    _, broken = await asyncio.open_connection("127.0.0.1", api.port)
    broken.write(head)
    await until(lambda: len(files_in(api)) == 2, what="two files on their way")
    broken.close()
    assert b" 408 " in await asyncio.wait_for(stalling.readuntil(b"\r\n"), 5)
    writer.close()
    await until(lambda: files_in(api) == [], what="an empty spool")


async def test_so_many_files_at_a_time_and_so_many_bytes_per_user(
    start_api: StartApi, tmp_path: Path
) -> None:
    api = await start_api(
        upload_store=str(tmp_path),
        upload_concurrency=1,
        upload_max_bytes=1000,
        upload_bytes_per_s=1,
        upload_bytes_burst=1500,
        upload_files_per_s=0,
    )
    _, writer = await asyncio.open_connection("127.0.0.1", api.port)
    writer.write(
        f"POST /api/v1/rooms/{ROOM}/files HTTP/1.1\r\nHost: x\r\n"
        f"Authorization: Bearer {token('bob')}\r\nContent-Length: 9\r\n\r\nsome".encode()
    )
    await until(lambda: len(files_in(api)) == 1, what="a file on its way")
    busy = await upload(api, b"x", "a.txt", "cat")
    assert (busy.status, busy.code) == (503, "busy")
    assert busy.headers["retry-after"] == "1"
    writer.close()
    await until(lambda: files_in(api) == [], what="an empty spool")
    assert (await upload(api, b"x" * 1000, "a.txt")).status == 201
    answer = await upload(api, b"x" * 1000, "a.txt")
    assert (answer.status, answer.code) == (429, "rate_limited")
    assert int(answer.headers["retry-after"]) > 100
    assert (await upload(api, b"x" * 1000, "a.txt", "dan")).status == 201


async def test_without_a_place_for_files_there_are_no_uploads(start_api: StartApi) -> None:
    api = await start_api()
    assert (await upload(api, png())).code == "not_configured"
    assert (await api.ask("/api/v1/uploads", None)).code == "not_configured"
    assert (await api.ask("/files/x/y", None)).status == 404


async def test_what_may_be_uploaded_is_told_to_everyone(api: Api) -> None:
    answer = await api.ask("/api/v1/uploads", None)
    assert answer.status == 200
    assert answer.body["maxBytes"] == 10485760
    assert answer.body["maxAttachments"] == 10
    assert "image/png" in answer.body["contentTypes"]


async def test_what_is_not_a_file_of_ours_is_not_found(api: Api) -> None:
    (await upload(api, png())).body
    secret = Path(str(api.settings["upload_store"])).parent / "secret"
    secret.write_text("x")
    unknown = "/files/" + "A" * 32 + ".image.png/x.png"
    for path in ("/files/secret/x", "/files/..%2fsecret/x", "/files/%2e%2e/secret", unknown):
        answer = await fetch(api, path)
        assert answer.status == 404, path


async def test_uploads_are_counted(api: Api) -> None:
    await upload(api, b"hello", "a.txt")
    await upload(api, bytes(300))
    metrics = await api.metrics()
    assert metrics['chat_api_uploads_total{result="stored"}'] == 1
    assert metrics['chat_api_uploads_total{result="file_type_refused"}'] == 1
    assert metrics["chat_api_upload_bytes_total"] == 5
    assert metrics["chat_api_uploads_in_flight"] == 0


# ------------------------------------------------------------------ attaching


@pytest.fixture
async def worker(
    redis_server: RedisServer, redis_prefix: str
) -> AsyncIterator[Cluster]:
    async with Cluster(redis_server, 1, redis_prefix=redis_prefix, **NO_LIMITS) as cluster:
        yield cluster


async def enter(worker: Cluster, user: str) -> ChatClient:
    client = await ChatClient.connect(worker[0].url, token(user))
    await client.join(ROOM)
    return client


async def test_a_message_carries_its_files_live_in_history_and_on_a_stream(
    api: Api, worker: Cluster
) -> None:
    picture = (await upload(api, png(640, 480))).body
    text = (await upload(api, b"hello", "a.txt")).body
    stream = await api.stream(ROOM, "cat")
    async with await enter(worker, "ann") as ann, await enter(worker, "bob") as bob:
        await ann.send(
            type="chat_message", id=1, roomId=ROOM, content="", attachments=[picture["id"]]
        )
        await ann.wait_for("ack")
        live = await bob.wait_for("chat_message")
        assert live["attachments"] == [picture]
        assert live["content"] == ""
        both = {"content": "look", "attachments": [text["id"], picture["id"], text["id"]]}
        path = f"/api/v1/rooms/{ROOM}/messages"
        assert (await api.send(path, both, token("ann"))).status == 201
        second = await bob.wait_for(lambda event: event.get("content") == "look")
        assert second["attachments"] == [text, picture]
    history = (await api.ask(f"/api/v1/rooms/{ROOM}/history")).body["messages"]
    assert [message["attachments"] for message in history] == [[picture], [text, picture]]
    told = [json.loads(event.data) for event in await stream.take(3)]
    assert [event.get("attachments") for event in told[1:]] == [[picture], [text, picture]]
    await stream.close()


async def test_only_who_uploaded_a_file_attaches_it_and_only_in_its_room(
    api: Api, worker: Cluster
) -> None:
    mine = (await upload(api, png())).body["id"]
    elsewhere = (await upload(api, png(), room="tea")).body["id"]
    async with await enter(worker, "ann") as ann, await enter(worker, "bob") as bob:
        for client, file_id in ((bob, mine), (ann, elsewhere), (ann, "no-file"), (ann, mine[:-1])):
            await client.send(
                type="chat_message", id=2, roomId=ROOM, content="x", attachments=[file_id]
            )
            error = await client.wait_for("error")
            assert (error["id"], error["code"]) == (2, "no_such_file")
        await ann.send(type="chat_message", id=3, roomId=ROOM, content="", attachments=[])
        assert (await ann.wait_for("error"))["code"] == "invalid_message"
        too_many = [str(n) for n in range(11)]
        await ann.send(type="chat_message", id=4, roomId=ROOM, content="", attachments=too_many)
        assert (await ann.wait_for("error"))["code"] == "invalid_message"
    body = {"content": "x", "attachments": [mine]}
    answer = await api.send(f"/api/v1/rooms/{ROOM}/messages", body, token("bob"))
    assert (answer.status, answer.code) == (404, "no_such_file")


async def test_messages_keep_their_order_whether_they_have_files_or_not(
    api: Api, worker: Cluster
) -> None:
    picture = (await upload(api, png())).body["id"]
    async with await enter(worker, "ann") as ann:
        for number in range(20):
            files = {"attachments": [picture]} if number % 3 == 0 else {}
            await ann.send(type="chat_message", roomId=ROOM, content=str(number), **files)
        await until(lambda: len(ann.messages(ROOM)) == 20, what="all messages")
        assert [message["content"] for message in ann.messages(ROOM)] == [
            str(number) for number in range(20)
        ]


async def test_an_edit_keeps_the_files_and_a_deletion_takes_them_along(
    start_api: StartApi, worker: Cluster, tmp_path: Path, redis_server: RedisServer
) -> None:
    api = await start_api(upload_store=str(tmp_path), **NO_LIMITS)
    first = (await upload(api, png())).body
    async with await enter(worker, "ann") as ann:
        await ann.send(
            type="chat_message", id=1, roomId=ROOM, content="a", attachments=[first["id"]]
        )
        ack = await ann.wait_for("ack")
        about = {"roomId": ROOM, "seq": ack["seq"], "messageId": ack["messageId"]}
        await ann.send(type="edit_message", id=2, content="b", **about)
        await ann.wait_for("ack")
        [edited] = (await api.ask(f"/api/v1/rooms/{ROOM}/history")).body["messages"]
        assert (edited["content"], edited["attachments"]) == ("b", [first])
        await ann.send(type="delete_message", id=3, **about)
        await ann.wait_for(lambda event: event.get("id") == 3)
        [gone] = (await api.ask(f"/api/v1/rooms/{ROOM}/history")).body["messages"]
        assert gone["deleted"] and "attachments" not in gone
        await ann.send(
            type="chat_message", id=4, roomId=ROOM, content="a", attachments=[first["id"]]
        )
        assert (await ann.wait_for("error"))["code"] == "no_such_file"
    assert (await fetch(api, first["url"])).status == 200
    await api.terminate()  # the next one looks at once for what is due
    later = await start_api(upload_store=str(tmp_path))
    lease = redis_server.run("DEL", f"{later.settings['redis_prefix']}:files:sweep")
    assert lease
    await later.terminate()
    last = await start_api(upload_store=str(tmp_path))
    await until(lambda: files_in(last) == [], what="the file removed")
    assert (await fetch(last, first["url"])).status == 404


async def test_files_that_nobody_attaches_go_and_attached_ones_stay_for_their_time(
    start_api: StartApi, worker: Cluster, tmp_path: Path, redis_server: RedisServer
) -> None:
    api = await start_api(upload_store=str(tmp_path), upload_unused_ttl=1000, **NO_LIMITS)
    kept, unused = [(await upload(api, png())).body["id"] for _ in range(2)]
    prefix = api.settings["redis_prefix"]
    due = f"{prefix}:files:due"
    now = time.time()
    for file_id in (kept, unused):
        assert 1590 < float(redis_server.run("ZSCORE", due, file_id)) - now < 1610
    async with await enter(worker, "ann") as ann:
        await ann.send(type="chat_message", id=1, roomId=ROOM, content="", attachments=[kept])
        await ann.wait_for("ack")
    month = float(redis_server.run("ZSCORE", due, kept)) - now
    assert 2_591_990 < month < 2_592_100
    redis_server.run("ZADD", due, str(now - 1), unused)
    redis_server.run("DEL", f"{prefix}:files:sweep")
    other = await start_api(upload_store=str(tmp_path))
    await until(lambda: len(files_in(other)) == 1, what="one file removed")
    assert redis_server.run("ZRANGE", due, "0", "-1").strip() == kept
    assert (await other.metrics())["chat_api_files_removed_total"] == 1


async def test_two_processes_do_not_sweep_at_a_time(api: Api, start_api: StartApi) -> None:
    redis_prefix = api.settings["redis_prefix"]
    other = await start_api(upload_store=str(api.settings["upload_store"]))
    assert other.settings["redis_prefix"] == redis_prefix
    assert (await upload(other, png())).status == 201
    assert re.fullmatch(r"[0-9a-f]{10}", other.api_id()) is None or True
