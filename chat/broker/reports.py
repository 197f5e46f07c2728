"""Messages that members report: a bounded stream of them, each with a copy, for moderators to read.

All of it lies in the slot of the audit trail, so that one script keeps a report, notes it there and
tells `chat hooks` of it.
"""

import asyncio
from collections.abc import Sequence
from typing import Any, Literal

import orjson
from msgspec import Raw, Struct, json

from chat.broker.audit import encode_act, just_before
from chat.broker.keys import CONTROL_TAG
from chat.broker.link import LinkError
from chat.broker.store import Store
from chat.moderation.acts import Act, Kind
from chat.protocol.errors import CommandError, ErrorCode

#: How often the open ones are counted, and how soon again if that failed.
COUNT_S, AGAIN_S = 30.0, 1.0
#: Fields of a message that its copy goes without: they say nothing of what it says.
_LEFT_OUT = ("reactions",)

Resolved = Literal["ok", "dup", "gone"]


class Reported(Struct, frozen=True, kw_only=True):
    """A report as it is kept.

    Args:
        by: user id of who reports.
        reason: in that user's words.
        message: the `chat_message` event as it was then.
    """

    by: str
    reason: str
    message: Raw


class Resolving(Struct, frozen=True, kw_only=True):
    """What came of a report, as it is kept."""

    by: str
    note: str | None


class Entry(Struct, frozen=True, kw_only=True):
    """A report and its place.

    Args:
        entry_id: its place, which names it.
        at_ms: when it was made, by Redis' clock.
        reported: what is reported.
        resolved: when it was resolved and what came of it; None while it is open.
    """

    entry_id: str
    at_ms: int
    reported: Reported
    resolved: tuple[int, Resolving] | None


class Reports:
    """Writes and reads them; `open` is how many are open, where `run` runs."""

    def __init__(self, store: Store) -> None:
        self.open = 0
        self._store = store
        settings, keys = store.settings, store.keys
        self._keys = keys.reports, keys.reports_resolved
        self._bounds = settings.reports_size, int(settings.reports_ttl * 1000)

    async def add(self, by: str, message: dict[str, Any], reason: str) -> bool:
        """Keep a report and note it in the audit trail; return whether it is a new one.

        Args:
            by: who reports.
            message: the `chat_message` event.
            reason: in the words of who reports.

        Raises:
            CommandError: rate_limited.
            LinkError: no answer; it may have been kept. Asking again does no harm.
        """
        store, keys, settings = self._store, self._store.keys, self._store.settings
        room_id, message_id = message["roomId"], message["messageId"]
        copy = {name: value for name, value in message.items() if name not in _LEFT_OUT}
        act = Act(
            kind=Kind.REPORT_MESSAGE,
            by=by,
            on=message["userId"],
            room_id=room_id,
            reason=reason,
            message_id=message_id,
        )
        lane = None if store.news is None else store.news.lane_of(CONTROL_TAG)
        reply = await store.evaluated(
            store.scripts.report_add,
            CONTROL_TAG,
            (
                *self._keys,
                keys.audit,
                keys.reported(by, room_id, message_id),
                keys.reports_by(by),
                *(() if lane is None else lane.report_keys),
            ),
            *self._bounds,
            orjson.dumps({"by": by, "reason": reason, "message": copy}),
            settings.audit_size,
            encode_act(act),
            settings.reports_per_hour,
            *(() if lane is None else (lane.channel,)),
        )
        if reply[0] == b"many":
            raise CommandError(
                ErrorCode.RATE_LIMITED,
                f"You may report {settings.reports_per_hour} messages an hour.",
                retry_after_ms=max(1, reply[1]),
            )
        return bool(reply[0] == b"ok")

    async def has(self, by: str, room_id: str, message_id: str) -> bool:
        """Whether a user has reported a message, and the report is kept.

        Raises:
            LinkError: no answer.
        """
        key = self._store.keys.reported(by, room_id, message_id)
        return bool(await self._store.ask(CONTROL_TAG, "EXISTS", key))

    async def page(self, before: str | None, limit: int) -> list[Entry]:
        """Return reports, newest first.

        Args:
            before: only those older than this one.
            limit: how many at most.

        Raises:
            LinkError: no answer.
        """
        end = "+" if before is None else just_before(before)
        return await self._range("XREVRANGE", end, "-", "COUNT", limit)

    async def find(self, entry_id: str) -> Entry | None:
        """Return one report, None if it is not there, or not any more.

        Raises:
            LinkError: no answer.
        """
        found = await self._range("XRANGE", entry_id, entry_id)
        return found[0] if found else None

    async def resolve(self, entry: Entry, by: str, note: str | None) -> Resolved:
        """Note what came of a report, in the audit trail too.

        Raises:
            LinkError: no answer; it may have been noted. Asking again does no harm.
        """
        store = self._store
        message = orjson.loads(bytes(entry.reported.message))
        act = Act(
            kind=Kind.RESOLVE_REPORT,
            by=by,
            on=message["userId"],
            room_id=message["roomId"],
            reason=note,
            message_id=message["messageId"],
        )
        reply = await store.evaluated(
            store.scripts.report_resolve,
            CONTROL_TAG,
            (*self._keys, store.keys.audit),
            *self._bounds,
            entry.entry_id,
            json.encode(Resolving(by=by, note=note)),
            store.settings.audit_size,
            encode_act(act),
        )
        resolved: Resolved = reply.decode()
        return resolved

    async def count(self) -> int:
        """Return how many are open.

        Raises:
            LinkError: no answer.
        """
        store = self._store
        found: int = await store.evaluated(
            store.scripts.report_count, CONTROL_TAG, self._keys, *self._bounds
        )
        return found

    async def run(self) -> None:
        """Count the open ones now and then, until cancelled."""
        while True:
            wait_s = COUNT_S
            try:
                self.open = await self.count()
            except LinkError:  # said by who keeps the connection
                wait_s = AGAIN_S
            await asyncio.sleep(wait_s)

    async def _range(self, *command: str | int) -> list[Entry]:
        name, *of = command
        store, (reports, resolved) = self._store, self._keys
        found = await store.ask(CONTROL_TAG, name, reports, *of)
        if not found:
            return []
        entry_ids = [entry_id for entry_id, _ in found]
        outcomes = await store.ask(CONTROL_TAG, "HMGET", resolved, *entry_ids)
        return [
            _entry(entry_id.decode(), fields, outcome)
            for (entry_id, fields), outcome in zip(found, outcomes, strict=True)
        ]


_reported = json.Decoder(Reported)
_resolving = json.Decoder(Resolving)


def _entry(entry_id: str, fields: Sequence[bytes], outcome: bytes | None) -> Entry:
    resolved = None
    if outcome is not None:
        at_ms, _, rest = outcome.partition(b":")
        resolved = int(at_ms), _resolving.decode(rest)
    return Entry(
        entry_id=entry_id,
        at_ms=int(entry_id.partition("-")[0]),
        reported=_reported.decode(fields[1]),
        resolved=resolved,
    )
