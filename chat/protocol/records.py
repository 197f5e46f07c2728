"""What travels through a room's channel and lies in its history.

A record is `m<epoch>:<seq>:<timestamp>:<body>`, the same bytes in the list and on the channel.
The body is the part of the `chat_message` event that the sender's worker knows, without its
opening brace; what Redis assigns is put in front, so that no worker parses or encodes a message
it only passes on.
"""

from dataclasses import dataclass
from typing import Any

import orjson


@dataclass(frozen=True, slots=True)
class Record:
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


def event_head(room_id: str) -> bytes:
    """Return the front of every `chat_message` event of a room; room ids need no escaping."""
    return b'{"type":"chat_message","roomId":"%s","epoch":' % room_id.encode()


def encode_body(
    message_id: str,
    user_id: str,
    user: dict[str, Any] | None,
    client_message_id: str | None,
    content: str,
) -> bytes:
    """Encode the sender's part of a message."""
    fields: dict[str, Any] = {"messageId": message_id, "userId": user_id}
    if user is not None:
        fields["user"] = user
    if client_message_id is not None:
        fields["clientMessageId"] = client_message_id
    fields["content"] = content
    return orjson.dumps(fields)[1:]


def decode_record(data: bytes) -> Record:
    """Decode one record.

    Raises:
        ValueError: these bytes are not a record.
    """
    if data[:1] != b"m":
        raise ValueError("not a message record")
    epoch, seq, timestamp_ms, body = data[1:].split(b":", 3)
    return Record(epoch.decode(), int(seq), int(timestamp_ms), body)


@dataclass(frozen=True, slots=True)
class Page:
    """The head of a stream and a run of its records, read in one atomic step."""

    epoch: str
    head_seq: int
    lineage: tuple[tuple[str, int], ...]
    records: tuple[Record, ...]
    member_count: int
    acts: int | None = None  # the room's last act of moderation; None if that is not known

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
    epoch, head_seq, lineage, records, member_count, acts = reply
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
    )
