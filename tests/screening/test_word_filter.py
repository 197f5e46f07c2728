"""The word filter holds on every way in, and follows its file."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from chat.ops.stats import Stats
from chat.screening.word_file import WordFile
from chat.settings import SettingsError
from tests.screening.conftest import Site
from tests.support.client import ChatClient
from tests.support.hook_server import HookServer
from tests.support.tokens import token
from tests.support.waiting import until

Connect = Callable[..., Awaitable[ChatClient]]
EDITOR: dict[str, Any] = {"rooms": {"*": ["join", "publish", "edit"]}}
OWNER: dict[str, Any] = {"rooms": {"*": ["join", "publish", "create", "moderate"]}}


def replaced(path: Path, text: str) -> None:
    """Write a file so that nobody ever sees half of it."""
    part = path.with_name("part")
    part.write_text(text)
    part.rename(path)


async def test_words_are_masked_and_blocked_on_every_way_in(
    site: Site, connect: Connect, room: str
) -> None:
    ann = await connect(site.worker, "ann", room, **EDITOR)
    said = await ann.say(room, "Darn, sh0ot!")
    assert (await ann.wait_for("chat_message"))["content"] == "****, *****!"
    place = {"roomId": room, "seq": said["seq"], "messageId": said["messageId"]}
    await ann.command("edit_message", **place, content="darn it")
    assert (await ann.wait_for("message_edited"))["content"] == "**** it"
    path, bearer = f"/api/v1/rooms/{room}/messages", token("ann", **EDITOR)
    assert (await site.api.send(path, {"content": "DARN"}, bearer)).status == 201
    assert (await ann.wait_for("chat_message"))["content"] == "****"
    edit = f"{path}/{said['messageId']}?seq={said['seq']}"
    assert (await site.api.send(edit, {"content": "x darn"}, bearer, method="PATCH")).status == 200
    assert (await ann.wait_for("message_edited"))["content"] == "x ****"
    for answer in (
        await ann.say(room, "Rubbish."),
        await ann.command("edit_message", **place, content="RUBBISH"),
    ):
        assert answer["code"] == "content_refused"
        assert answer["message"] == "The message has a word that is not allowed here."
    for refused in (
        await site.api.send(path, {"content": "rubbish"}, bearer),
        await site.api.send(edit, {"content": "rubbish"}, bearer, method="PATCH"),
    ):
        assert (refused.status, refused.code) == (422, "content_refused")


async def test_titles_and_topics_are_filtered_where_they_are_set(
    site: Site, connect: Connect, room: str
) -> None:
    ann = await connect(site.worker, "ann", room, **OWNER)
    await ann.command("change_room", roomId=room, title="Darn room", topic="sh0ot\nme")
    told = await ann.wait_for("room_changed")
    assert told["room"] == {"title": "**** room", "topic": "*****\nme"}
    path, bearer = f"/api/v1/rooms/{room}", token("ann", **OWNER)
    changed = await site.api.send(path, {"title": "darn"}, bearer, method="PATCH")
    assert changed.status == 200
    assert (await ann.wait_for("room_changed"))["room"]["title"] == "****"
    assert (await ann.command("change_room", roomId=room, title=None))["type"] == "ack"
    for what in ("title", "topic"):
        wanted: Any = {"roomId": room, what: "my rubbish"}
        refused = await ann.command("change_room", **wanted)
        assert refused["code"] == "content_refused"
        assert refused["message"] == f"The {what} has a word that is not allowed here."
        answer = await site.api.send(path, {what: "rubbish"}, bearer, method="PATCH")
        assert (answer.status, answer.code) == (422, "content_refused")
    assert (await site.api.read(path, bearer)).body["room"] == {"topic": "*****\nme"}


async def test_a_room_with_a_refused_title_is_not_made_and_one_with_a_masked_one_says_so(
    site: Site, connect: Connect, room: str
) -> None:
    ann, bearer = await connect(site.worker, f"ann-{room}", **OWNER), token("ann", **OWNER)
    ours, theirs = f"private:a-{room}", f"private:b-{room}"
    refused = await ann.command("create_room", roomId=ours, title="Rubbish")
    assert refused["code"] == "content_refused"
    answer = await site.api.send("/api/v1/rooms", {"roomId": theirs, "topic": "rubbish"}, bearer)
    assert (answer.status, answer.code) == (422, "content_refused")
    made = await ann.command("create_room", roomId=ours, title="Darn!", topic="fine")
    assert made["room"] == {"title": "****!", "topic": "fine"}
    assert (await ann.join(ours))["room"] == made["room"]
    answer = await site.api.send("/api/v1/rooms", {"roomId": theirs, "title": "Darn"}, bearer)
    assert (answer.status, answer.body["room"]) == (201, {"title": "****"})


async def test_a_status_is_filtered_whatever_the_rooms(
    site: Site, connect: Connect, room: str
) -> None:
    ann = await connect(site.worker, f"ann-{room}", room)
    refused = await ann.command("set_presence", state="busy", status="rubbish")
    assert refused["code"] == "content_refused"
    assert refused["message"] == "The status has a word that is not allowed here."
    assert (await ann.command("set_presence", state="away", status="darn it"))["type"] == "ack"
    told = await ann.wait_for(lambda event: "status" in event, 10.0)
    assert (told["state"], told["status"]) == ("away", "**** it")


async def test_the_name_of_a_file_is_filtered_before_the_file_is_taken(
    site: Site, hook: HookServer, connect: Connect, asked: str
) -> None:
    path, bearer = f"/api/v1/rooms/{asked}/files?name=", token("ann", **EDITOR)
    refused = await site.api.send(f"{path}my_rubbish.txt", b"x", bearer)
    assert (refused.status, refused.code) == (422, "content_refused")
    taken = await site.api.send(f"{path}so_darn_good.txt", b"words", bearer)
    assert (taken.status, taken.body["name"]) == (201, "so_****_good.txt")
    assert taken.body["url"].endswith("/so_%2A%2A%2A%2A_good.txt")
    ann = await connect(site.worker, "ann", asked, **EDITOR)
    said = await ann.command(
        "chat_message", roomId=asked, content="", attachments=[taken.body["id"]]
    )
    assert said["type"] == "ack"
    assert [question["attachments"] for question in hook.asked] == [[taken.body]]


async def test_the_hook_is_asked_about_what_the_filter_has_left(
    site: Site, hook: HookServer, connect: Connect, asked: str
) -> None:
    ann = await connect(site.worker, "ann", asked, **EDITOR)
    assert (await ann.say(asked, "rubbish"))["code"] == "content_refused"
    said = await ann.say(asked, "darn")
    place = {"roomId": asked, "seq": said["seq"], "messageId": said["messageId"]}
    await ann.command("edit_message", **place, content="darn!")
    assert [question["content"] for question in hook.asked] == ["****", "****!"]


async def test_a_process_follows_its_file(site: Site, connect: Connect, room: str) -> None:
    ann = await connect(site.worker, "ann", room)
    before = site.words.read_text()
    assert (await ann.say(room, "nonsense"))["type"] == "ack"
    replaced(site.words, before + "block nonsense\n")

    async def is_blocked() -> bool:
        return (await ann.say(room, "nonsense")).get("code") == "content_refused"

    await until(is_blocked, interval_s=0.1)
    replaced(site.words, before)


async def test_a_slip_in_the_file_leaves_the_words_in_force(tmp_path: Path) -> None:
    path, stats = tmp_path / "words", Stats()
    path.write_text("block rubbish\nmask darn\n")
    file = WordFile(path, stats)
    for document in ("block (\nforbid what\n", None):
        if document is None:
            path.unlink()
        else:
            path.write_text(document)
        await file.look()
        assert (stats.word_filter_stale, stats.word_filter_rules) == (1, 2)
        assert file.words.applied("rubbish") is None
    path.write_text("mask rubbish\n")
    await file.look()
    assert (stats.word_filter_stale, stats.word_filter_rules) == (0, 1)
    assert file.words.applied("rubbish") == "*******"


def test_a_file_that_cannot_be_used_stops_the_start(tmp_path: Path) -> None:
    path = tmp_path / "words"
    for document in (None, b"\xff", b"nothing", b"mask /(/", b"#" * (1024 * 1024 + 1)):
        if document is not None:
            path.write_bytes(document)
        with pytest.raises(SettingsError, match="CHAT_WORD_FILTER_FILE"):
            WordFile(path, Stats())
