"""Files are uploaded, attached to messages, handed out safely, and removed with their messages."""

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.api.conftest import StartApi
from tests.api.site import Answer, Api, settings_of
from tests.support import http
from tests.support.client import ChatClient
from tests.support.cluster import NO_LIMITS, Cluster
from tests.support.pictures import GPS, exif, jpeg, png
from tests.support.processes import paused
from tests.support.redis_server import RedisServer
from tests.support.tokens import token
from tests.support.waiting import until
from tests.support.worker import Worker

Factory = pytest.TempPathFactory
ROOM = "lobby"
COUNTERS = (
    'chat_api_uploads_total{result="stored"}',
    'chat_api_uploads_total{result="file_type_refused"}',
    "chat_api_upload_bytes_total",
    "chat_api_uploads_in_flight",
)


async def upload(
    api: Api, data: bytes, name: str = "tea.png", user: str = "ann", /, room: str = ROOM, **of: Any
) -> Answer:
    """Upload as a user; `of` goes into the token."""
    path = f"/api/v1/rooms/{room}/files?name={name}"
    return await api.send(path, data, token(user, **of), {"Content-Type": "image/x-whatever"})


async def fetch(api: Api, url: str, method: str = "GET", **headers: str) -> http.Answer:
    return await http.exchange(method, api.port, url, headers=headers)


def value(page: str, name: str) -> float:
    """Return a sample of a page of metrics, 0 if it is not there."""
    return next(
        (float(line.split()[-1]) for line in page.splitlines() if line.startswith(name + " ")), 0
    )


async def metrics(api: Api) -> str:
    return (await http.get(api.ops_port, "/metrics")).body


@pytest.fixture(scope="module")
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner


@pytest.fixture(scope="module")
def prefix() -> str:
    return f"t{uuid.uuid4().hex[:12]}"


def shared(
    runner: asyncio.Runner, redis: RedisServer, prefix: str, **settings: Any
) -> Iterator[Api]:
    """An HTTP side for all tests of this module that do it no harm."""
    api = Api(settings_of(redis, prefix, **settings))
    try:
        yield runner.run(api.start())
    finally:
        runner.run(api.close())


@pytest.fixture(scope="module")
def api(
    runner: asyncio.Runner, redis_server: RedisServer, prefix: str, tmp_path_factory: Factory
) -> Iterator[Api]:
    """An HTTP side with a folder for files."""
    store = tmp_path_factory.mktemp("files")
    limits: dict[str, Any] = {**NO_LIMITS, "upload_files_per_s": 0, "upload_unused_ttl": 1000}
    yield from shared(runner, redis_server, prefix, upload_store=str(store), **limits)


@pytest.fixture(scope="module")
def tight(
    runner: asyncio.Runner, redis_server: RedisServer, tmp_path_factory: Factory
) -> Iterator[Api]:
    """One that takes small files, one at a time, and is impatient."""
    yield from shared(
        runner,
        redis_server,
        f"t{uuid.uuid4().hex[:12]}",
        upload_store=str(tmp_path_factory.mktemp("tight")),
        upload_concurrency=1,
        upload_max_bytes=1000,
        upload_bytes_per_s=1,
        upload_bytes_burst=1500,
        upload_files_per_s=0,
        handshake_timeout=3.0,
    )


@pytest.fixture(scope="module")
def worker(runner: asyncio.Runner, redis_server: RedisServer, prefix: str) -> Iterator[Worker]:
    no_limits: dict[str, Any] = NO_LIMITS
    cluster = Cluster(redis_server, 1, redis_prefix=prefix, **no_limits)
    runner.run(cluster.__aenter__())
    try:
        yield cluster[0]
    finally:
        runner.run(cluster.close())


@asynccontextmanager
async def begun(
    api: Api, length: str, begin: bytes, user: str
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """Begin to upload, and hang up at the end of the block."""
    reader, writer = await asyncio.open_connection("127.0.0.1", api.port)
    head = [
        "POST /api/v1/rooms/lobby/files HTTP/1.1",
        "Host: x",
        f"Authorization: Bearer {token(user)}",
        length,
    ]
    writer.write("\r\n".join([*head, "", ""]).encode() + begin)
    try:
        yield reader, writer
    finally:
        writer.close()
        await asyncio.gather(writer.wait_closed(), return_exceptions=True)


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
    assert [path for path in files_in(api) if path.parent.name == "incoming"] == []


async def test_an_empty_file_is_refused(api: Api) -> None:
    answer = await upload(api, b"")
    assert (answer.status, answer.code) == (400, "invalid_message")


async def test_who_may_not_publish_may_not_upload(api: Api) -> None:
    answer = await upload(api, png(), rooms={"*": ["join"]})
    assert (answer.status, answer.code) == (403, "forbidden")
    nobody = await api.send(f"/api/v1/rooms/{ROOM}/files", png(), None)
    assert nobody.code == "not_authenticated"
    assert (await upload(api, png(), room="no%20room")).code == "invalid_room"


async def test_a_file_that_is_too_large_is_refused_as_soon_as_that_is_known(tight: Api) -> None:
    before = len(files_in(tight))
    assert (await upload(tight, b"x" * 1000, "a.txt", "eve")).status == 201
    answer = await upload(tight, b"x" * 1001, "a.txt", "eve")
    assert (answer.status, answer.code) == (413, "file_too_large")
    async with begun(tight, "Transfer-Encoding: chunked", b"", "fay") as (reader, writer):
        writer.write(b"800\r\n" + b"x" * 0x800 + b"\r\n")  # no length, and no end
        assert b" 413 " in await asyncio.wait_for(reader.readuntil(b"\r\n"), 20)
    assert len(files_in(tight)) == before + 1


async def test_an_upload_that_stalls_or_breaks_off_leaves_nothing(tight: Api) -> None:
    before = len(files_in(tight))
    async with begun(tight, "Content-Length: 900", b"some", "gus") as (reader, _):
        await until(lambda: len(files_in(tight)) == before + 1, what="a file on its way")
        busy = await upload(tight, b"x", "a.txt", "cat")
        assert (busy.status, busy.code) == (503, "busy")
        assert busy.headers["retry-after"] == "1"
        assert b" 408 " in await asyncio.wait_for(reader.readuntil(b"\r\n"), 20)
        assert len(files_in(tight)) == before
    async with begun(tight, "Content-Length: 900", b"some", "ian"):
        await until(lambda: len(files_in(tight)) == before + 1, what="a file on its way")
    await until(lambda: len(files_in(tight)) == before, what="an empty spool")


async def test_a_user_uploads_so_many_bytes_at_a_time(tight: Api) -> None:
    assert (await upload(tight, b"x" * 1000, "a.txt")).status == 201
    answer = await upload(tight, b"x" * 1000, "a.txt")
    assert (answer.status, answer.code) == (429, "rate_limited")
    assert int(answer.headers["retry-after"]) > 100
    assert (await upload(tight, b"x" * 1000, "a.txt", "dan")).status == 201


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
    secret = Path(str(api.settings["upload_store"])).parent / "secret"
    secret.write_text("x")
    unknown = "/files/" + "A" * 32 + ".image.png/x.png"
    for path in ("/files/secret/x", "/files/..%2fsecret/x", "/files/%2e%2e/secret", unknown):
        answer = await fetch(api, path)
        assert answer.status == 404, path


async def test_uploads_are_counted(tight: Api) -> None:
    before = await metrics(tight)
    await upload(tight, b"hello", "a.txt", "hal")
    await upload(tight, bytes(300), "a.txt", "hal")
    after = await metrics(tight)
    grown = {name: value(after, name) - value(before, name) for name in COUNTERS}
    assert list(grown.values()) == [1, 1, 5, 0]


# ------------------------------------------------------------------ attaching


async def attach(client: ChatClient, room: str, *file_ids: str) -> dict[str, Any]:
    """Publish a message of files only; return the answer."""
    return await client.command("chat_message", roomId=room, content="", attachments=list(file_ids))


async def enter(worker: Worker, user: str, room: str) -> ChatClient:
    client = await ChatClient.connect(worker.url, token(user))
    await client.join(room)
    return client


async def test_a_message_carries_its_files_live_in_history_and_on_a_stream(
    api: Api, worker: Worker, room: str
) -> None:
    picture = (await upload(api, png(640, 480), room=room)).body
    text = (await upload(api, b"hello", "a.txt", room=room)).body
    stream = await api.stream(room, "cat")
    async with await enter(worker, "ann", room) as ann, await enter(worker, "bob", room) as bob:
        assert (await attach(ann, room, picture["id"]))["type"] == "ack"
        live = await bob.wait_for("chat_message")
        assert live["attachments"] == [picture]
        assert live["content"] == ""
        both = {"content": "look", "attachments": [text["id"], picture["id"], text["id"]]}
        path = f"/api/v1/rooms/{room}/messages"
        assert (await api.send(path, both, token("ann"))).status == 201
        second = await bob.wait_for(lambda event: event.get("content") == "look")
        assert second["attachments"] == [text, picture]
    history = (await api.ask(f"/api/v1/rooms/{room}/history")).body["messages"]
    assert [message["attachments"] for message in history] == [[picture], [text, picture]]
    told = [(await stream.wait_for("chat_message")).json["attachments"] for _ in range(2)]
    assert told == [[picture], [text, picture]]
    await stream.close()


async def test_only_who_uploaded_a_file_attaches_it_and_only_in_its_room(
    api: Api, worker: Worker, room: str
) -> None:
    mine = (await upload(api, png(), room=room)).body["id"]
    elsewhere = (await upload(api, png(), room="tea")).body["id"]
    async with await enter(worker, "ann", room) as ann, await enter(worker, "bob", room) as bob:
        for client, file_id in ((bob, mine), (ann, elsewhere), (ann, "no-file"), (ann, mine[:-1])):
            assert (await attach(client, room, file_id))["code"] == "no_such_file"
        assert (await attach(ann, room))["code"] == "invalid_message"
        assert (await attach(ann, room, *[mine] * 11))["code"] == "invalid_message"
    body = {"content": "x", "attachments": [mine]}
    answer = await api.send(f"/api/v1/rooms/{room}/messages", body, token("bob"))
    assert (answer.status, answer.code) == (404, "no_such_file")


async def test_messages_keep_their_order_whether_they_have_files_or_not(
    api: Api, worker: Worker, room: str
) -> None:
    picture = (await upload(api, png(), room=room)).body["id"]
    async with await enter(worker, "ann", room) as ann:
        for number in range(20):
            files = {"attachments": [picture]} if number % 3 == 0 else {}
            await ann.send(type="chat_message", roomId=room, content=str(number), **files)
        await until(lambda: len(ann.messages(room)) == 20, what="all messages")
        assert [message["content"] for message in ann.messages(room)] == [
            str(number) for number in range(20)
        ]


async def test_an_edit_keeps_files_and_a_deletion_takes_them_along(
    api: Api, worker: Worker, room: str
) -> None:
    first = (await upload(api, png(), room=room)).body
    async with await enter(worker, "ann", room) as ann:
        ack = await attach(ann, room, first["id"])
        about = {"roomId": room, "seq": ack["seq"], "messageId": ack["messageId"]}
        assert (await ann.command("edit_message", content="b", **about))["type"] == "ack"
        [edited] = (await api.ask(f"/api/v1/rooms/{room}/history")).body["messages"]
        assert (edited["content"], edited["attachments"]) == ("b", [first])
        assert (await ann.command("delete_message", **about))["type"] == "ack"
        [gone] = (await api.ask(f"/api/v1/rooms/{room}/history")).body["messages"]
        assert gone["deleted"]
        assert "attachments" not in gone
        assert (await attach(ann, room, first["id"]))["code"] == "no_such_file"


async def test_files_go_with_their_message_or_unused_or_old_and_no_others(
    api: Api, worker: Worker, room: str, redis_server: RedisServer, start_api: StartApi
) -> None:
    uploaded = [(await upload(api, png(), room=room)).body["id"] for _ in range(4)]
    of_author, of_other, kept, unused = uploaded
    due = f"{api.settings['redis_prefix']}:files:due"
    lease = f"{api.settings['redis_prefix']}:files:sweep"
    redis_server.run("SET", lease, "the test")  # so that nobody looks before we have
    now = time.time()
    assert 1500 < float(redis_server.run("ZSCORE", due, unused)) - now < 1650
    async with await enter(worker, "ann", room) as ann:
        ack = await attach(ann, room, of_author)
        about = {"seq": ack["seq"], "messageId": ack["messageId"]}
        await ann.command("delete_message", roomId=room, **about)
        ack = await attach(ann, room, of_other)
        await attach(ann, room, kept)
    bearer = token("mod", rooms={"*": ["join", "moderate"]})
    path = f"/api/v1/rooms/{room}/messages/{ack['messageId']}?seq={ack['seq']}"
    headers = {"Authorization": f"Bearer {bearer}"}
    assert (await http.request("DELETE", api.port, path, headers=headers)).status == 200
    assert 2_591_990 < float(redis_server.run("ZSCORE", due, kept)) - now < 2_592_100
    redis_server.run("ZADD", due, str(now - 1), unused)
    gone = [f"/files/{file_id}/x.png" for file_id in (of_author, of_other, unused)]
    for url in gone:
        assert (await fetch(api, url)).status == 200

    prefix = str(api.settings["redis_prefix"])

    async def swept() -> bool:
        return not {of_author, of_other, unused} & set(redis_server.run("ZRANGE", due, "0", "-1"))

    with paused(api.pid):  # or it could be the one who looks
        redis_server.run("DEL", lease)
        other = await start_api(upload_store=api.settings["upload_store"], redis_prefix=prefix)
        await until(swept, what="files removed")
    for url in gone:
        assert (await fetch(api, url)).status == 404
    assert (await fetch(api, f"/files/{kept}/x.png")).status == 200
    assert "chat_api_files_removed_total 0.0\n" not in await metrics(other)
    holder = redis_server.run("GET", lease)
    assert holder in other.log()  # and nobody else looks meanwhile
