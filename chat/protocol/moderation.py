"""What the HTTP side takes and says about moderation.

As in commands, unknown fields are ignored and field names are the wire's.
"""

import re
from typing import Annotated

from msgspec import Meta, Struct

from chat.protocol.about import AboutChange
from chat.protocol.commands import (
    Command,
    DurationMs,
    MessageId,
    Reason,
    ReportReason,
    RoomId,
    Seq,
    UserId,
)
from chat.protocol.events import StoredMessage

TokenId = Annotated[str, Meta(min_length=1, max_length=256)]
ENTRY_ID = re.compile(r"[0-9]{1,15}-[0-9]{1,15}\Z")
EntryId = Annotated[str, Meta(pattern=r"^[0-9]{1,15}-[0-9]{1,15}$")]


class OnUser(Struct, frozen=True, kw_only=True):
    """Whom an act in a room concerns."""

    userId: UserId
    reason: Reason | None = None


class OnUserForAWhile(OnUser, frozen=True, kw_only=True):
    """Whom an act in a room concerns and for how long; without `durationMs` until it is lifted."""

    durationMs: DurationMs | None = None


class Why(Struct, frozen=True, kw_only=True):
    """Why a user is disconnected or signed out."""

    reason: Reason | None = None


class OnToken(Struct, frozen=True, kw_only=True):
    """Which token is revoked, by its `jti`."""

    tokenId: TokenId
    reason: Reason | None = None


class InRoom(Command, frozen=True, kw_only=True):
    """What the path of an act in a room says."""

    roomId: RoomId


class UserPath(Command, frozen=True, kw_only=True):
    """What the path of an act on a user says."""

    userId: UserId


class ListSanctions(Command, frozen=True, kw_only=True):
    """List the bans and mutes of a room, in pages."""

    roomId: RoomId
    cursor: Annotated[str, Meta(max_length=32)] = "0"
    limit: Annotated[int, Meta(ge=1, le=1000)] = 100


class ReadAudit(Command, frozen=True, kw_only=True):
    """Read the audit trail, newest first, in pages."""

    before: EntryId | None = None
    limit: Annotated[int, Meta(ge=1, le=1000)] = 100


class Sanction(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A ban or a mute that holds; without `endsAt` until it is lifted."""

    userId: str
    kind: str
    since: int
    endsAt: int | None = None
    by: str
    reason: str | None = None


class SanctionsPage(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Some bans and mutes; `cursor` continues the list, its absence ends it."""

    roomId: str
    sanctions: list[Sanction]
    cursor: str | None = None


class AuditEntry(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An act: who did what to which user or token, in which room or everywhere, when and why.

    Where a message was deleted, `userId` is who wrote it; where a room was changed, `room` is what
    was to be set.
    """

    entryId: str
    timestamp: int
    act: str
    by: str
    userId: str | None = None
    tokenId: str | None = None
    roomId: str | None = None
    messageId: str | None = None
    room: AboutChange | None = None
    durationMs: int | None = None
    role: str | None = None
    reason: str | None = None


class AuditPage(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Some entries, newest first; `before` continues the list, its absence ends it."""

    entries: list[AuditEntry]
    before: str | None = None


class ListReports(Command, frozen=True, kw_only=True):
    """Read reported messages, newest first, in pages."""

    before: EntryId | None = None
    limit: Annotated[int, Meta(ge=1, le=1000)] = 100
    state: Annotated[str, Meta(pattern="^(open|resolved)$")] | None = None


class ReportPath(Command, frozen=True, kw_only=True):
    """Which report is resolved."""

    reportId: EntryId


class ReportBody(Struct, frozen=True, kw_only=True):
    """Which message of the room is reported, and why; with an API key, `userId` says by whom."""

    seq: Seq
    messageId: MessageId
    reason: ReportReason
    userId: UserId | None = None


class Resolve(Struct, frozen=True, kw_only=True):
    """What came of a report, for who reads it later."""

    note: Reason | None = None


class Resolution(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Who resolved a report, when, and what came of it."""

    by: str
    timestamp: int
    note: str | None = None


class Report(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A reported message: who brings it up, why, and the message as it was then."""

    reportId: str
    timestamp: int
    by: str
    reason: str
    message: StoredMessage
    resolved: Resolution | None = None


class ReportsPage(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Some reports, newest first; `before` continues the list, its absence ends it."""

    reports: list[Report]
    before: str | None = None
