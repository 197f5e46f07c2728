"""What travels through a room's channel and lies in its history.

A record is `<letter><epoch>:<seq>:<timestamp>:<body>`, the same bytes in the list and on the
channel. The letter is `m` for a message, and another for an event about one or about the room. The
body is the part of the event that the sender's worker knows, without its opening brace; what Redis
assigns is put in front, so that no worker parses or encodes a record it only passes on.

The record of a message in the list is rewritten when something is folded into it
(docs/decisions/0016-fold-in-place.md); its place stays.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from msgspec import Struct

from chat.protocol.about import NOTHING, About, decode_about


class Record(Struct, frozen=True, gc=False):
    """One message at its place in the room's order."""

    epoch: str
    seq: int
    timestamp_ms: int
    body: bytes

    def event(self, head: bytes) -> bytes:
        """Return the `chat_message` event; `head` comes from `event_head`."""
        return b'%s"%s","seq":%d,"timestamp":%d,%s' % (
            head,
            self.epoch.encode(),
            self.seq,
            self.timestamp_ms,
            self.body,
        )

    def encode(self) -> bytes:
        """Return the bytes that this was decoded from."""
        return b"m%s:%d:%d:%s" % (self.epoch.encode(), self.seq, self.timestamp_ms, self.body)

    def fields(self) -> dict[str, Any]:
        """Return the body's fields.

        Raises:
            ValueError: it is not one of ours.
        """
        fields: dict[str, Any] = orjson.loads(b"{" + self.body)
        return fields


class ChangeRecord(Record, frozen=True, gc=False):
    """An event about a message or the room, at its own place in the room's order."""

    letter: bytes

    def event(self, head: bytes) -> bytes:
        """Return the event; `head` comes from `event_head`."""
        return Record.event(self, CHANGES[self.letter] + head[len(_MESSAGE) :])

    def encode(self) -> bytes:
        """Return the bytes that this was decoded from."""
        return self.letter + Record.encode(self)[1:]


def _front(kind: str) -> bytes:
    return b'{"type":"%s"' % kind.encode()


_MESSAGE = _front("chat_message")
#: The letter of what changes who belongs to the room.
ROSTER = b"g"
#: The front of the event that each letter stands for.
CHANGES = {
    b"e": _front("message_edited"),
    b"d": _front("message_deleted"),
    b"a": _front("reaction_added"),
    b"r": _front("reaction_removed"),
    b"c": _front("room_changed"),
    ROSTER: _front("participant_changed"),
    b"b": _front("membership_changed"),
}


def event_head(room_id: str) -> bytes:
    """Return the front of every `chat_message` event of a room; room ids need no escaping."""
    return b'%s,"roomId":"%s","epoch":' % (_MESSAGE, room_id.encode())


def encode_body(
    message_id: str,
    user_id: str,
    user: dict[str, Any] | None,
    client_message_id: str | None,
    content: str,
    *,
    reply_to: tuple[int, str] | None = None,
    thread_id: str | None = None,
    mentions: Sequence[str] = (),
    attachments: Sequence[dict[str, Any]] = (),
) -> bytes:
    """Encode the sender's part of a message.

    Args:
        message_id: its name.
        user_id: who sends it.
        user: the sender's display data.
        client_message_id: the sender's name for it.
        content: the text; the last field, which a load generator relies on.
        reply_to: seq and id of the message that this one answers.
        thread_id: id of the message that the thread began with.
        mentions: ids of the users it speaks of.
        attachments: what is known of the files that come with it.
    """
    fields: dict[str, Any] = {"messageId": message_id, "userId": user_id}
    if user is not None:
        fields["user"] = user
    if client_message_id is not None:
        fields["clientMessageId"] = client_message_id
    if reply_to is not None:
        fields["replyTo"] = {"seq": reply_to[0], "messageId": reply_to[1]}
    if thread_id is not None:
        fields["threadId"] = thread_id
    if mentions:
        fields["mentions"] = mentions
    if attachments:
        fields["attachments"] = attachments
    fields["content"] = content
    return orjson.dumps(fields)[1:]


def encode_change(
    user_id: str,
    user: dict[str, Any] | None,
    client_message_id: str | None,
    target: tuple[int, str],
    details: dict[str, Any],
) -> bytes:
    """Encode the sender's part of an event about a message.

    Args:
        user_id: who changes it.
        user: that user's display data.
        client_message_id: that user's name for the change.
        target: seq and id of the message.
        details: what is particular to the kind; `content` comes first among them, as an edit that
            is overtaken loses it and what follows it (`scripts/room_fold.lua`).
    """
    fields: dict[str, Any] = {"userId": user_id}
    if user is not None:
        fields["user"] = user
    if client_message_id is not None:
        fields["clientMessageId"] = client_message_id
    fields["messageSeq"], fields["messageId"] = target
    return orjson.dumps(fields | details)[1:]


def encode_room_change(
    user_id: str, user: dict[str, Any] | None, client_message_id: str | None, about: bytes
) -> bytes:
    """Encode the sender's part of the event that something was set of the room.

    Args:
        user_id: who has set it.
        user: that user's display data.
        client_message_id: that user's name for the change.
        about: what is set now, as JSON.
    """
    fields: dict[str, Any] = {"userId": user_id}
    if user is not None:
        fields["user"] = user
    if client_message_id is not None:
        fields["clientMessageId"] = client_message_id
    return orjson.dumps(fields | {"room": orjson.Fragment(about)})[1:]


def about_in(record: ChangeRecord) -> About:
    """Return what a `room_changed` event says is set.

    Raises:
        ValueError, KeyError: it is not one of ours.
    """
    return decode_about(orjson.dumps(record.fields()["room"]))


def decode_record(data: bytes) -> Record:
    """Decode one record.

    Raises:
        ValueError: these bytes are not a record.
    """
    letter = data[:1]
    epoch, seq, timestamp_ms, body = data[1:].split(b":", 3)
    if letter == b"m":
        return Record(epoch.decode(), int(seq), int(timestamp_ms), body)
    if letter in CHANGES:
        return ChangeRecord(epoch.decode(), int(seq), int(timestamp_ms), body, letter)
    raise ValueError("not a record")


@dataclass(frozen=True, slots=True)
class Page:
    """The head of a stream and a run of its records, read in one atomic step."""

    epoch: str
    head_seq: int
    lineage: tuple[tuple[str, int], ...]
    records: tuple[Record, ...]
    member_count: int
    acts: int | None = None  # the room's last act of moderation; None if that is not known
    about: About = NOTHING  # what is set of the room

    def common_seq(self, epoch: str) -> int | None:
        """Return the last seq this stream shares with an earlier epoch, None if it is unknown."""
        shared: int | None = None
        for earlier, last_seq in self.lineage:
            shared = last_seq if shared is None else min(shared, last_seq)
            if earlier == epoch:
                return shared
        return None


def decode_page(reply: list[Any]) -> Page:
    """Decode what `room_read.lua` returns; the reply must not be the empty one."""
    epoch, head_seq, lineage, records, member_count, acts, about = reply
    forks = []
    for entry in lineage.decode().split():
        earlier, last_seq = entry.split("@")
        forks.append((earlier, int(last_seq)))
    return Page(
        epoch.decode(),
        int(head_seq),
        tuple(forks),
        tuple(decode_record(data) for data in records),
        int(member_count),
        int(acts) if acts else None,
        decode_about(about) if about else NOTHING,
    )
