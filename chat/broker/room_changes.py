"""What is set of rooms: checked, noted and merged here, stored where nobody can come between.

    read what is set ─▶ merge the change ─▶ script: still that? ─▶ rules, event and seq stored
                             ▲                    │ no
                             └── what is set now ─┘

Words are checked and filtered before. Merged here as messages are (`chat.broker.changes`), and for
the same reason: no Lua parses what users wrote.
"""

import asyncio
import unicodedata
from dataclasses import dataclass, replace
from typing import Any, Protocol

from msgspec import structs

from chat.broker.broker import Broker
from chat.broker.changes import Unchanged
from chat.broker.moderation import Moderation
from chat.broker.outcomes import Outcome, Raced
from chat.broker.publication import EXEMPT, Publication, Setting
from chat.protocol.about import (
    NOTHING,
    About,
    AboutChange,
    changed,
    decode_about,
    encode_about,
    rules_of,
)
from chat.protocol.errors import CommandError, ErrorCode
from chat.protocol.records import encode_room_change
from chat.settings import Settings

#: Rounds before a change is given up: each is lost to somebody else's.
TRIES = 8
#: What is never set of a room, as it is no JSON: who brings it gets no further than being told
#: whether the change was stored before.
_NEVER = b"?"


@dataclass(frozen=True, slots=True)
class RoomChange:
    """What somebody who may moderate a room wants to be set of it.

    Args:
        room_id: where.
        user_id: who sets it.
        user: that user's display data.
        client_message_id: makes a retry safe.
        change: what is to be set.
        is_back_end: no user, and so without a seat in rooms with a roster.
        is_birth: it comes with the making of the room, and is nothing for the audit trail.
    """

    room_id: str
    user_id: str
    user: dict[str, Any] | None
    client_message_id: str | None
    change: AboutChange
    is_back_end: bool = False
    is_birth: bool = False


class WordFilter(Protocol):
    """What titles and topics go through on their way to be stored."""

    def filtered(self, room_id: str, words: str, what: str) -> str:
        """Return what is to be stored of a text.

        Raises:
            CommandError: it is refused.
        """


class RoomChanges:
    """Changes what is set of any room.

    Args:
        broker: where it is kept.
        settings: how much may be set.
        moderation: hears of changes before they are made.
        words: what titles and topics go through; None where all pass.
    """

    def __init__(
        self,
        broker: Broker,
        settings: Settings,
        moderation: Moderation,
        words: WordFilter | None = None,
    ) -> None:
        self._broker = broker
        self._settings = settings
        self._moderation = moderation
        self._words = words

    def checked(self, room_id: str, change: AboutChange) -> AboutChange:
        """Return what is to be set of a room as the word filter leaves it.

        Raises:
            CommandError: invalid_message, content_refused.
        """
        check(change, self._settings)
        if self._words is None:
            return change
        named = {"title": change.title, "topic": change.topic}
        return structs.replace(
            change,
            **{
                name: self._words.filtered(room_id, words, name)
                for name, words in named.items()
                if isinstance(words, str)
            },
        )

    async def make(self, wanted: RoomChange) -> Outcome | Unchanged:
        """Store a change and tell it; `Raced` means that it was given up.

        Raises:
            CommandError: invalid_message, content_refused; banned, muted.
            LinkError: Redis is away; nothing was stored.

        Cancellation: safe; the change is stored or it is not.
        """
        if not wanted.is_birth:  # who makes a room has had it checked before
            wanted = replace(wanted, change=self.checked(wanted.room_id, wanted.change))
        about = (await self._broker.read_page(wanted.room_id)).about
        before = _stored(about)
        outcome: Outcome = Raced(None)
        is_noted = wanted.is_birth
        for _ in range(TRIES):
            after = changed(about, wanted.change)
            if after == about:
                return await self._stored_before(wanted) or Unchanged()
            if not is_noted:
                await self._moderation.note_room_change(
                    wanted.room_id, wanted.change, by=wanted.user_id
                )
                is_noted = True
            outcome = await self._store(wanted, before, after)
            if not isinstance(outcome, Raced):
                return outcome
            before = outcome.record or b""
            about = decode_about(before) if before else NOTHING
        return outcome

    async def _stored_before(self, wanted: RoomChange) -> Outcome | None:
        """Return the answer to a change that was stored already, under its client id."""
        if wanted.client_message_id is None:
            return None
        outcome = await self._store(wanted, _NEVER, NOTHING)
        return None if isinstance(outcome, Raced) else outcome

    async def _store(self, wanted: RoomChange, before: bytes, after: About) -> Outcome:
        outcome: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()

        def done(result: Outcome) -> None:
            if not outcome.done():
                outcome.set_result(result)

        body = encode_room_change(
            wanted.user_id, wanted.user, wanted.client_message_id, encode_about(after)
        )
        publication = Publication(
            wanted.room_id,
            wanted.user_id,
            "-",
            body,
            wanted.client_message_id,
            EXEMPT,
            Setting(before, _stored(after), rules_of(after)),
            needs_seat=not wanted.is_back_end,
        )
        self._broker.publish(publication, done)
        return await outcome


def _stored(about: About) -> bytes:
    return b"" if about == NOTHING else encode_about(about)


def check(change: AboutChange, settings: Settings) -> None:
    """Refuse what is more than may be set.

    Raises:
        CommandError: invalid_message.
    """
    _check_words("title", change.title, settings.room_title_chars)
    _check_words("topic", change.topic, settings.room_topic_chars, line_ends="\n")
    for name, most in (
        ("slowModeMs", int(settings.room_slow_mode_longest * 1000)),
        ("historySize", settings.room_history_largest),
        ("historyMs", int(settings.room_history_longest * 1000)),
    ):
        value = getattr(change, name)
        if isinstance(value, int) and value > most:
            raise CommandError(ErrorCode.INVALID_MESSAGE, f"`{name}` is at most {most}.")


def _check_words(name: str, words: object, most: int, line_ends: str = "") -> None:
    if not isinstance(words, str):
        return
    if len(words) > most:
        raise CommandError(ErrorCode.INVALID_MESSAGE, f"`{name}` has more than {most} characters.")
    if not words.strip() or any(
        unicodedata.category(char) == "Cc" and char not in line_ends for char in words
    ):
        raise CommandError(
            ErrorCode.INVALID_MESSAGE, f"`{name}` has nothing to read, or control characters."
        )
