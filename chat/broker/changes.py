"""Edits, deletions and reactions: judged and folded here, stored where nobody can come between.

    read the record ─▶ may this user? ─▶ fold ─▶ script: still that record? ─▶ event and fold stored
                            ▲                          │ no
                            └──── the record it is now ┘

The fold is computed here and not in the script, so that no Lua parses what users wrote. A lost race
costs one more round trip. Changes of one message by this worker take turns, or a crowd that reacts
to one message would have one winner per round.
"""

import asyncio
import hashlib
import logging
from dataclasses import dataclass, replace
from typing import Any, Protocol
from weakref import WeakValueDictionary

import orjson

from chat.broker.broker import EXEMPT, Broker, Fold, Outcome, Publication, Published, Raced
from chat.broker.link import LinkError
from chat.broker.moderation import Moderation
from chat.broker.refusals import busy
from chat.broker.retries import stored, stored_before
from chat.moderation.acts import Kind
from chat.ops.stats import Stats
from chat.protocol.errors import CommandError, ErrorCode
from chat.protocol.folding import apply
from chat.protocol.records import ChangeRecord, Record, decode_record, encode_change
from chat.protocol.screening import Submission, Text
from chat.settings import Settings

log = logging.getLogger(__name__)

#: Rounds before a change is given up: each is lost to another worker that has stored a change.
TRIES = 16
#: What a message with its reactions may take, in sizes of a message from a client.
SIZE_MAX = 2

_LETTERS = {
    "message_edited": b"e",
    "message_deleted": b"d",
    "reaction_added": b"a",
    "reaction_removed": b"r",
}


class Screen(Protocol):
    """What texts go through on their way to be stored."""

    async def passed(self, submission: Submission) -> Text:
        """Return what is to be stored of a text.

        Raises:
            CommandError: it is refused.
        """


@dataclass(frozen=True, slots=True)
class Change:
    """What a user wants to happen to a message.

    Args:
        kind: type of the event.
        room_id: where.
        seq: place of the message.
        message_id: its id.
        user_id: who changes it.
        user: that user's display data.
        may_moderate: messages of others may be deleted too, at any time.
        client_message_id: makes a retry safe.
        details: what is particular to the kind, as on the wire.
        is_back_end: no user, and so without a seat in rooms with a roster.
    """

    kind: str
    room_id: str
    seq: int
    message_id: str
    user_id: str
    user: dict[str, Any] | None
    may_moderate: bool
    client_message_id: str | None
    details: dict[str, Any]
    is_back_end: bool = False


class Unchanged:
    """The message is already what the change would make of it; nothing was stored."""


class Changes:
    """Changes messages of any room.

    Args:
        broker: where they are.
        settings: windows and limits.
        moderation: hears of messages that moderators delete, before they do.
        stats: counts lost races and deletions by moderators; None where nobody asks.
        screen: what edits go through first; None where all pass.
    """

    def __init__(
        self,
        broker: Broker,
        settings: Settings,
        moderation: Moderation,
        stats: Stats | None = None,
        screen: Screen | None = None,
    ) -> None:
        self._broker = broker
        self._settings = settings
        self._moderation = moderation
        self._stats = stats
        self._screen = screen
        self._turns: WeakValueDictionary[tuple[str, int], asyncio.Lock] = WeakValueDictionary()

    async def make(self, change: Change) -> Outcome | Unchanged:
        """Store a change and what it makes of the message; `Raced` means that it was given up.

        Raises:
            CommandError: message_gone, not_author, too_many_reactions, busy, content_refused,
                unavailable; banned and muted for moderators who delete for others, while others
                get them as the outcome.
            LinkError: Redis is away; nothing was stored.

        Cancellation: safe; the change is stored or it is not.
        """
        if self._screen is not None and change.kind == "message_edited":
            if (before := await self._stored_before(change)) is not None:
                return before
            change = _with_text(change, await self._screen.passed(_submission(change)))
        turn = self._turns.setdefault((change.room_id, change.seq), asyncio.Lock())
        try:
            async with asyncio.timeout(self._settings.redis_timeout):
                await turn.acquire()
        except TimeoutError:
            raise busy("Too many change this message at once, try again.") from None
        try:
            return await self._make(change)
        finally:
            turn.release()

    async def barrier(self) -> None:
        """Wait until every change that is under way has its outcome."""
        for turn in list(self._turns.values()):
            async with turn:
                pass

    async def _make(self, change: Change) -> Outcome | Unchanged:
        page = await self._broker.read_page(change.room_id, change.seq, 1)
        record = page.records[0] if page.records else None
        outcome: Outcome = Raced(None)
        is_noted = False
        for _ in range(TRIES):
            try:
                fold = judge(record, change, self._settings)
            except CommandError:
                # A retry may find the message as the first attempt has left it: gone, say.
                before = await self._stored_before(change)
                if before is None:
                    raise
                return before
            if fold is None:
                return await self._stored_before(change) or Unchanged()
            if not is_noted and (author := _deleted_for(record, change)) is not None:
                await self._moderation.note_deletion(
                    author, change.message_id, change.room_id, by=change.user_id
                )
                is_noted = True
            outcome = await self._store(change, fold)
            if not isinstance(outcome, Raced):
                if is_noted and isinstance(outcome, Published) and self._stats is not None:
                    self._stats.moderation_acts.add(Kind.DELETE_MESSAGE)
                if isinstance(outcome, Published) and change.kind == "message_deleted":
                    await self._drop_files(record, change.room_id)
                return outcome
            record = None if outcome.record is None else decode_record(outcome.record)
            if self._stats is not None:
                self._stats.changes_raced += 1
        return outcome

    async def _drop_files(self, record: Record | None, room_id: str) -> None:
        """Have the files of a deleted message removed."""
        if record is None or b'"attachments":[' not in record.body:
            return
        files = [each["id"] for each in record.fields().get("attachments", ())]
        try:
            await self._broker.files.drop(room_id, files)
        except LinkError as exc:  # the message is deleted: its files last until they are too old
            log.warning("files_not_dropped", extra={"room": room_id, "error": str(exc)})

    async def _stored_before(self, change: Change) -> Outcome | None:
        """Return the answer to a change that was stored already, under its client id."""
        return await stored_before(
            self._broker, change.room_id, change.user_id, change.client_message_id
        )

    async def _store(self, change: Change, fold: Fold) -> Outcome:
        body = encode_change(
            change.user_id,
            change.user,
            change.client_message_id,
            (change.seq, change.message_id),
            change.details,
        )
        publication = Publication(
            change.room_id,
            change.user_id,
            change.message_id,
            body,
            change.client_message_id,
            EXEMPT if change.may_moderate else 0,
            fold,
            needs_seat=not change.is_back_end,
        )
        return await stored(self._broker, publication)


def _submission(change: Change) -> Submission:
    return Submission(
        kind="edit_message",
        roomId=change.room_id,
        userId=change.user_id,
        user=change.user,
        content=change.details["content"],
        mentions=change.details.get("mentions"),
        clientMessageId=change.client_message_id,
        seq=change.seq,
        messageId=change.message_id,
    )


def _with_text(change: Change, text: Text) -> Change:
    details: dict[str, Any] = {"content": text.content}
    return replace(change, details=details | ({"mentions": text.mentions} if text.mentions else {}))


def judge(record: Record | None, change: Change, settings: Settings) -> Fold | None:
    """Return what a change makes of a message; None if it is so already.

    Raises:
        CommandError: message_gone, not_author, too_many_reactions.
    """
    message = found_message(record, change.seq, change.message_id)
    if record is None or message is None:
        raise CommandError(ErrorCode.MESSAGE_GONE, "That message is not there any more.")
    is_edit, is_deletion = change.kind == "message_edited", change.kind == "message_deleted"
    window_s = 0.0
    if is_edit or (is_deletion and not change.may_moderate):
        if message["userId"] != change.user_id:
            raise CommandError(ErrorCode.NOT_AUTHOR, "That message is someone else's.")
        window_s = settings.edit_window if is_edit else settings.delete_window
    folded = apply(message, {"type": change.kind, "userId": change.user_id, **change.details})
    if folded is None:
        return None
    folded.pop("version", None)  # the script knows the new one
    body = orjson.dumps(folded)[1:]
    if change.kind == "reaction_added":
        _check_reactions(folded["reactions"], change.details["reaction"], len(body), settings)
    return Fold(
        letter=_LETTERS[change.kind],
        seq=change.seq,
        digest=hashlib.sha1(record.encode(), usedforsecurity=False).hexdigest(),
        body=body,
        is_edit=is_edit,
        overtaken_seq=message.get("editedSeq", 0) if is_edit or is_deletion else 0,
        latest_ms=record.timestamp_ms + int(window_s * 1000) if window_s else 0,
    )


def found_message(record: Record | None, seq: int, message_id: str) -> dict[str, Any] | None:
    """Return the message of a record, if that is the one that is meant and it is not deleted."""
    if record is None or record.seq != seq or isinstance(record, ChangeRecord):
        return None
    message = record.fields()
    if message["messageId"] != message_id or message.get("deleted"):
        return None
    return message


def _deleted_for(record: Record | None, change: Change) -> str | None:
    """Return whose message a moderator deletes; None if it is the moderator's own, or an edit."""
    if record is None or change.kind != "message_deleted":
        return None
    author: str = record.fields()["userId"]
    return None if author == change.user_id else author


def _check_reactions(
    reactions: dict[str, list[str]], reaction: str, size: int, settings: Settings
) -> None:
    if (
        len(reactions) > settings.max_reactions
        or len(reactions[reaction]) > settings.max_reaction_users
        or size > SIZE_MAX * settings.max_message_bytes
    ):
        raise CommandError(
            ErrorCode.TOO_MANY_REACTIONS, "That message has as many reactions as it may have."
        )
