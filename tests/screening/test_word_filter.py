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
