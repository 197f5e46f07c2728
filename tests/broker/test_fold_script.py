"""Folding in a real Redis: event and fold together or neither, whatever comes between."""

import hashlib
import time
from typing import Any

import pytest

from chat.broker import scripts
from chat.protocol.records import Record, decode_record, encode_body, encode_change
from tests.support.redis_server import RedisServer

HISTORY_SIZE = 5
DAY_MS = 86_400_000


class Room:
    """One room's keys, and the scripts run on them as a worker runs them."""

    def __init__(self, redis: RedisServer, prefix: str) -> None:
        self.redis = redis
        self.keys = [f"{prefix}:{name}" for name in ("stream", "history", "sent")]
        self.channel = f"{prefix}:live"
        self.history_id = str(redis.run("INFO", "replication")["master_replid"])[:16]

    def say(self, message_id: str, content: str, user: dict[str, Any] | None = None) -> list[Any]:
        body = encode_body(message_id, "ann", user, None, content)
        return self._run(scripts.PLAIN.room_publish, message_id, body, 0, "slow", last=(0,))

    def change(
        self,
        letter: bytes,
        record: Record,
        body: bytes,
        details: dict[str, Any],
        *,
        is_edit: bool = False,
        overtaken: int = 0,
        latest_ms: int = 0,
        idempotency_ms: int = 0,
        history_id: str | None = None,
        user: dict[str, Any] | None = None,
    ) -> list[Any]:
        change = encode_change("ann", user, None, (record.seq, "m"), details)
        digest = hashlib.sha1(record.encode(), usedforsecurity=False).hexdigest()
        arguments = (letter, record.seq, digest, body, int(is_edit), overtaken, latest_ms, 0)
        return self._run(
            scripts.PLAIN.room_fold,
            "m",
            change,
            idempotency_ms,
            last=arguments,
            history_id=history_id,
        )

    def _run(
        self,
        script: scripts.Script,
        message_id: str,
        body: bytes,
        idempotency_ms: int,
        *keys: str,
        last: tuple[Any, ...],
        history_id: str | None = None,
    ) -> list[Any]:
        reply: list[Any] = self.redis.run(
            "EVAL",
            script.source,
            4 + len(keys),
            *self.keys,
            *keys,
            f"{self.channel}:sanctions",
            self.channel,
            history_id or self.history_id,
            "epoch",
            message_id,
            body,
            HISTORY_SIZE,
            DAY_MS,
            DAY_MS,
            idempotency_ms,
            *last,
            "ann",
        )
        return [part.decode() if isinstance(part, bytes) else part for part in reply]

    def records(self) -> list[Record]:
        with self.redis.connect() as client:
            return [decode_record(_bytes(data)) for data in client.lrange(self.keys[1], 0, -1)]

    def record(self, seq: int) -> Record:
        return next(record for record in self.records() if record.seq == seq)


def _bytes(data: Any) -> bytes:
    return data if isinstance(data, bytes) else str(data).encode()


@pytest.fixture
def room(redis_server: RedisServer, redis_prefix: str) -> Room:
    return Room(redis_server, redis_prefix)


def test_the_event_is_stored_and_the_message_has_it_folded_in(room: Room) -> None:
    room.say("m", "helo")
    room.say("n", "other")
    before = room.record(1)
    assert room.change(b"e", before, b'"content":"hello"}', {"content": "hello"}, is_edit=True)[
        :3
    ] == ["ok", "epoch", "3"]
    folded, other, event = room.records()
    assert (folded.epoch, folded.seq, folded.timestamp_ms) == ("epoch", 1, before.timestamp_ms)
    assert folded.fields() == {
        "version": 3,
        "editedAt": event.timestamp_ms,
        "editedSeq": 3,
        "content": "hello",
    }
    assert other.fields()["content"] == "other"
    assert event.encode().startswith(b"eepoch:3:")
    assert event.fields() == {
        "userId": "ann",
        "messageSeq": 1,
        "messageId": "m",
        "content": "hello",
    }


def test_a_fold_of_what_the_message_was_before_is_refused_and_told_what_it_is(room: Room) -> None:
    room.say("m", "helo")
    seen = room.record(1)
    room.change(b"a", seen, b'"content":"helo","reactions":{}}', {"reaction": "+1"})
    now = room.records()
    kind, record = room.change(b"e", seen, b'"content":"x"}', {"content": "x"}, is_edit=True)
    assert kind == "raced"
    assert decode_record(_bytes(record)) == now[0]
    assert room.records() == now


def test_a_message_that_fell_off_is_told_as_gone(room: Room) -> None:
    room.say("m", "1")
    seen = room.record(1)
    for number in range(HISTORY_SIZE):
        room.say(f"n{number}", "more")
    assert room.change(b"d", seen, b'"content":""}', {}) == ["raced", ""]


def test_a_place_beyond_the_end_is_no_message(room: Room) -> None:
    room.say("m", "1")
    beyond = Record("epoch", 2, 0, b"}")
    assert room.change(b"d", beyond, b"}", {}) == ["raced", ""]


def test_the_oldest_message_may_be_pushed_out_by_its_own_event(room: Room) -> None:
    for number in range(HISTORY_SIZE):
        room.say(f"n{number}", str(number))
    oldest = room.record(1)
    assert room.change(b"d", oldest, b'"content":""}', {})[0] == "ok"
    assert [record.seq for record in room.records()] == [2, 3, 4, 5, 6]
    assert room.record(2).fields()["content"] == "1"


def test_after_a_trim_the_place_is_still_the_message_s(room: Room) -> None:
    for number in range(HISTORY_SIZE + 3):
        room.say(f"n{number}", str(number))
    target = room.record(6)
    room.change(b"a", target, b'"content":"folded"}', {"reaction": "+1"})
    assert [record.fields().get("content") for record in room.records()] == [
        "4",
        "folded",
        "6",
        "7",
        None,
    ]


@pytest.mark.parametrize("content", ['x","content":"y', ',"content":', "}", "\\", 'e,"content":"'])
def test_an_edit_that_is_overtaken_loses_its_content_and_nothing_else(
    room: Room, content: str
) -> None:
    user = {"name": "Ann", "content": content}
    room.say("m", "1")
    details = {"content": content, "mentions": ["ben", content]}
    room.change(b"e", room.record(1), b'"content":"2"}', details, is_edit=True, user=user)
    assert room.record(2).fields()["content"] == content
    room.change(b"d", room.record(1), b'"content":""}', {}, overtaken=2)
    assert room.record(2).fields() == {
        "userId": "ann",
        "user": user,
        "messageSeq": 1,
        "messageId": "m",
    }


def test_nothing_of_a_deleted_message_stays_in_redis(room: Room) -> None:
    room.say("m", "first secret")
    for text, overtaken in (("second secret", 0), ("third secret", 2)):
        body = b'"content":"%s"}' % text.encode()
        room.change(
            b"e", room.record(1), body, {"content": text}, is_edit=True, overtaken=overtaken
        )
    room.change(b"d", room.record(1), b'"content":""}', {}, overtaken=3)
    assert not [record for record in room.records() if b"secret" in record.body]
    assert [record.seq for record in room.records()] == [1, 2, 3, 4]


def test_a_retry_is_answered_with_the_first_place_though_the_message_has_changed(
    room: Room,
) -> None:
    room.say("m", "1")
    seen = room.record(1)
    first = room.change(b"d", seen, b'"content":""}', {}, idempotency_ms=60_000)
    again = room.change(b"d", seen, b'"content":""}', {}, idempotency_ms=60_000)
    assert first[0] == "ok"
    assert again == ["dup", *first[1:]]
    assert len(room.records()) == 2


def test_an_outdated_history_id_changes_nothing(room: Room) -> None:
    room.say("m", "1")
    before = room.records()
    assert room.change(b"d", before[0], b"}", {}, history_id="another") == ["stale"]
    assert room.records() == before


def test_a_new_epoch_takes_the_messages_of_the_old_one_along(
    room: Room, redis_server: RedisServer
) -> None:
    room.say("m", "1")
    redis_server.run("HSET", room.keys[0], "e", "old", "h", "before")
    reply = room.change(b"d", room.record(1), b'"content":""}', {})
    assert reply[:3] == ["ok", "epoch", "2"]
    message, event = room.records()
    assert (message.epoch, message.fields()["version"]) == ("epoch", 2)
    assert event.epoch == "epoch"
    assert redis_server.run("HGET", room.keys[0], "l") == "old@1"


def test_a_change_that_comes_too_late_is_refused_by_the_clock_of_redis(room: Room) -> None:
    room.say("m", "1")
    record = room.record(1)
    now_ms = int(time.time() * 1000)
    assert room.change(b"d", record, b"}", {}, latest_ms=now_ms - 60_000) == ["late"]
    assert room.change(b"d", record, b"}", {}, latest_ms=now_ms + 60_000)[0] == "ok"


def test_an_event_keeps_a_room_as_long_as_a_message_does(
    room: Room, redis_server: RedisServer
) -> None:
    room.say("m", "1")
    redis_server.run("HSET", room.keys[0], "x", "0")
    redis_server.run("PERSIST", room.keys[1])
    room.change(b"a", room.record(1), b"}", {"reaction": "+1"})
    assert int(redis_server.run("PTTL", room.keys[1])) > DAY_MS
