"""From records to the body of a delivery: pure."""

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple

import orjson

from chat.protocol.records import Record, event_head
from chat.webhooks.kinds import GAP, REPORTED


class Event(NamedTuple):
    """One event as endpoints get it.

    Args:
        event_id: always the same for the same event.
        seq: its place in its room or lane, or among the reports.
        at_ms: when it was stored.
        kind: its type.
        room_id: where; None for what concerns no room.
        data: JSON.
    """

    event_id: str
    seq: int
    at_ms: int
    kind: str
    room_id: str | None
    data: bytes


class Found(NamedTuple):
    """What was read of a room or lane: the head, and events from a place on, without a hole."""

    head: int
    events: list[Event]
    epoch: str


class Delivery(NamedTuple):
    """One POST.

    Args:
        delivery_id: the same for the same events to the same endpoint.
        body: JSON.
        size: events in it.
    """

    delivery_id: str
    body: bytes
    size: int


def of_record(room_id: str, record: Record) -> Event:
    """Return the event of a record of a room's history."""
    event_id = f"{room_id}:{record.epoch}:{record.seq}"
    data = record.event(event_head(room_id))
    # The front is ours: {"type":"...", and no kind has a quotation mark in it.
    kind = data[len('{"type":"') :].partition(b'"')[0].decode()
    named = b'{"eventId":"%s",%s' % (event_id.encode(), data[1:])
    return Event(event_id, record.seq, record.timestamp_ms, kind, room_id, named)


def of_logged(tag: str, seq: int, entry: bytes) -> Event:
    """Return the event of an entry of a lane's log: `<ms>:<JSON without its opening brace>`.

    Its time is part of its id: Redis may lose the end of the log, and then gives places again.

    Raises:
        ValueError: it is nothing of ours.
    """
    at_ms, _, rest = entry.partition(b":")
    fields = orjson.loads(b"{" + rest)
    event_id = f"{tag}:{seq}:{int(at_ms)}"
    front = b'{"eventId":"%s","timestamp":%d,' % (event_id.encode(), int(at_ms))
    return Event(event_id, seq, int(at_ms), fields["type"], fields.get("roomId"), front + rest)


def of_report(where: str, seq: int, entry_id: str, report: bytes) -> Event:
    """Return the event of a report that is kept: JSON of who, why, and the message as it was.

    Args:
        where: the name of the reports.
        seq: its place among those noted.
        entry_id: `<ms>-<number>`, which names it.
        report: the report.

    Raises:
        ValueError, KeyError: it is nothing of ours.
    """
    event_id, at_ms = f"{where}:{entry_id}", int(entry_id.partition("-")[0])
    room_id: str = orjson.loads(report)["message"]["roomId"]
    front = orjson.dumps(
        {
            "eventId": event_id,
            "type": REPORTED,
            "timestamp": at_ms,
            "reportId": entry_id,
            "roomId": room_id,
        }
    )
    return Event(event_id, seq, at_ms, REPORTED, room_id, front[:-1] + b"," + report[1:])


def gap(
    where: str,
    room_id: str | None,
    epoch: str,
    first: int,
    last: int,
    *,
    reason: str,
    at_ms: int,
) -> Event:
    """Return the event that says what an endpoint will not be told.

    Args:
        where: room id, tag of a lane, or the name of the reports.
        room_id: the room, None for what is none.
        epoch: of the room now.
        first: seq of the first event that is gone.
        last: of the last one.
        reason: `trimmed`, or `reset` when Redis has lost its data.
        at_ms: when that turned out.
    """
    event_id = f"{where}:{epoch}:gap:{first}-{last}"
    fields: dict[str, object] = {"eventId": event_id, "type": GAP}
    if room_id is not None:
        fields |= {"roomId": room_id, "epoch": epoch}
    fields |= {"timestamp": at_ms, "reason": reason, "fromSeq": first, "toSeq": last}
    return Event(event_id, last, at_ms, GAP, room_id, orjson.dumps(fields))


def fitting(events: Sequence[Event], most_bytes: int) -> Sequence[Event]:
    """Return as many from the front as a delivery may hold; one in any case."""
    left = most_bytes
    for number, event in enumerate(events):
        left -= len(event.data) + 1
        if left < 0 and number:
            return events[:number]
    return events


def pack(endpoint: str, events: Sequence[Event]) -> Delivery:
    """Make the delivery of some events; there is at least one."""
    names = hashlib.sha256(endpoint.encode())
    for event in events:
        names.update(b"\n" + event.event_id.encode())
    at = datetime.fromtimestamp(max(event.at_ms for event in events) / 1000, UTC)
    body = b'{"type":"events","timestamp":"%s","data":{"events":[%s]}}' % (
        at.isoformat(timespec="milliseconds").replace("+00:00", "Z").encode(),
        b",".join(event.data for event in events),
    )
    return Delivery(f"msg_{names.hexdigest()[:32]}", body, len(events))
