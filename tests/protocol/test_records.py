"""Records and pages: what a worker stores is what every other worker reads."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.protocol.about import NOTHING, About, encode_about
from chat.protocol.records import (
    CHANGES,
    ChangeRecord,
    Page,
    Record,
    decode_page,
    decode_record,
    encode_body,
    encode_change,
    event_head,
)

SAFE = st.integers(0, 2**53 - 1)
EPOCHS = st.text("0123456789abcdef", min_size=1, max_size=32)
ROOMS = st.from_regex(r"[A-Za-z0-9_.:@+=~-]{1,128}", fullmatch=True)
DISPLAY = st.none() | st.dictionaries(st.text(), st.text() | SAFE | st.none() | st.booleans())


def stored(record: Record) -> bytes:
    """Return a record as the publish script writes it."""
    return b"m%s:%d:%d:%s" % (record.epoch.encode(), record.seq, record.timestamp_ms, record.body)


@given(
    room=ROOMS,
    epoch=EPOCHS,
    seq=SAFE,
    timestamp_ms=SAFE,
    message_id=st.text(),
    user_id=st.text(),
    user=DISPLAY,
    client_message_id=st.none() | st.text(),
    content=st.text(),
)
def test_the_event_is_what_was_sent_with_the_place_it_got(
    room: str,
    epoch: str,
    seq: int,
    timestamp_ms: int,
    message_id: str,
    user_id: str,
    user: dict[str, Any] | None,
    client_message_id: str | None,
    content: str,
) -> None:
    body = encode_body(message_id, user_id, user, client_message_id, content)
    record = Record(epoch, seq, timestamp_ms, body)
    assert decode_record(stored(record)) == record
    assert record.encode() == stored(record)
    expected = {
        "type": "chat_message",
        "roomId": room,
        "epoch": epoch,
        "seq": seq,
        "timestamp": timestamp_ms,
        "messageId": message_id,
        "userId": user_id,
        "user": user,
        "clientMessageId": client_message_id,
        "content": content,
    }
    absent = [name for name in ("user", "clientMessageId") if expected[name] is None]
    for name in absent:
        del expected[name]
    assert json.loads(record.event(event_head(room))) == expected


@given(
    letter=st.sampled_from([b"a", b"d", b"e", b"r"]),
    room=ROOMS,
    epoch=EPOCHS,
    seq=SAFE,
    user=DISPLAY,
    client_message_id=st.none() | st.text(),
    content=st.text(),
)
def test_an_event_about_a_message_is_what_was_said_with_the_place_it_got(
    letter: bytes,
    room: str,
    epoch: str,
    seq: int,
    user: dict[str, Any] | None,
    client_message_id: str | None,
    content: str,
) -> None:
    body = encode_change("ann", user, client_message_id, (7, "m7"), {"content": content})
    record = ChangeRecord(epoch, seq, 9, body, letter)
    assert decode_record(record.encode()) == record
    assert record.encode()[:1] == letter
    event = json.loads(record.event(event_head(room)))
    assert event.pop("type") in (
        "message_edited",
        "message_deleted",
        "reaction_added",
        "reaction_removed",
    )
    assert event.pop("user", None) == user
    assert event.pop("clientMessageId", None) == client_message_id
    assert event == {
        "roomId": room,
        "epoch": epoch,
        "seq": seq,
        "timestamp": 9,
        "userId": "ann",
        "messageSeq": 7,
        "messageId": "m7",
        "content": content,
    }


def test_a_reply_says_what_it_answers_and_its_content_last() -> None:
    body = encode_body(
        "m2", "ann", None, None, "yes", reply_to=(1, "m1"), thread_id="m0", mentions=["ben"]
    )
    assert json.loads(b"{" + body) == {
        "messageId": "m2",
        "userId": "ann",
        "replyTo": {"seq": 1, "messageId": "m1"},
        "threadId": "m0",
        "mentions": ["ben"],
        "content": "yes",
    }
    assert body.endswith(b'"content":"yes"}')


@given(st.binary())
def test_bytes_that_are_no_record_are_a_value_error(data: bytes) -> None:
    try:
        record = decode_record(data)
    except ValueError:
        return
    assert data.startswith((b"m", *CHANGES))
    assert data.endswith(record.body)


@pytest.mark.parametrize("data", [b"", b"j1:2:3:{", b"m", b"me:1:2", b"me:x:2:{", b"m\xff:1:2:{"])
def test_what_is_wrong_is_a_value_error(data: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - any of them
        decode_record(data)


@given(
    EPOCHS,
    SAFE,
    st.lists(st.tuples(EPOCHS, SAFE), max_size=8),
    st.lists(st.builds(Record, EPOCHS, SAFE, SAFE, st.binary()), max_size=5),
    SAFE,
    st.none() | SAFE,
    st.builds(About, title=st.none() | st.just("Lobby"), readOnly=st.booleans()),
)
def test_a_page_is_decoded_as_the_script_returns_it(
    epoch: str,
    head: int,
    lineage: list[tuple[str, int]],
    records: list[Record],
    members: int,
    acts: int | None,
    about: About,
) -> None:
    reply = [
        epoch.encode(),
        b"%d" % head,
        " ".join(f"{earlier}@{seq}" for earlier, seq in lineage).encode(),
        [stored(record) for record in records],
        members,
        b"" if acts is None else b"%d" % acts,
        b"" if about == NOTHING else encode_about(about),
    ]
    assert decode_page(reply) == Page(
        epoch, head, tuple(lineage), tuple(records), members, acts, about
    )


class Stream:
    """A room's messages, and what they were when each earlier epoch ended; simple and slow."""

    def __init__(self) -> None:
        self.epoch = 0
        self.messages: list[str] = []
        self.lineage: list[tuple[str, int]] = []  # newest first, as Redis keeps it
        self.before: dict[str, list[str]] = {}  # all that anyone ever saw of an epoch
        self._written = 0

    def publish(self, count: int) -> None:
        for _ in range(count):
            self._written += 1
            self.messages.append(f"message {self._written}")

    def lose(self, count: int) -> None:
        """Redis goes back in time by `count` messages and begins another epoch."""
        self.before[str(self.epoch)] = list(self.messages)
        del self.messages[max(0, len(self.messages) - count) :]
        self.lineage.insert(0, (str(self.epoch), len(self.messages)))
        self.epoch += 1

    def common(self, epoch: str) -> int:
        """Count the messages that are the same in that epoch and now."""
        pairs = zip(self.before[epoch], self.messages, strict=False)
        return next(
            (seq for seq, (then, now) in enumerate(pairs) if then != now),
            min(len(self.before[epoch]), len(self.messages)),
        )


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 8)), min_size=1, max_size=10))
def test_the_common_seq_is_the_last_one_that_means_the_same_in_both_epochs(
    steps: list[tuple[int, int]],
) -> None:
    stream = Stream()
    for published, lost in steps:
        stream.publish(published)
        stream.lose(lost)
    stream.publish(20)  # as many as were lost and more: the same seq, other messages
    page = Page(str(stream.epoch), len(stream.messages), tuple(stream.lineage), (), 0)
    for epoch in stream.before:
        assert page.common_seq(epoch) == stream.common(epoch)
    assert page.common_seq("never") is None
