"""What is written goes through before others see it: the word filter, and messages then the hook.

Words are looked up at once. The hook is asked for rooms of a pattern only, and all others are told
so by one look: they never wait.
"""

import asyncio
import hashlib
import logging
import secrets
import time
from collections.abc import Callable, Coroutine
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import json, structs

from chat.ops.stats import Stats
from chat.protocol.errors import CommandError, ErrorCode
from chat.protocol.patterns import Pattern
from chat.protocol.screening import Allow, Refuse, Replace, Submission, Text, Verdict
from chat.protocol.signature import SecretError, parse_secrets
from chat.screening.memory import Memory
from chat.screening.slots import FullError
from chat.screening.unanswered import AwayError, UnusableError
from chat.screening.word_file import WordFile
from chat.settings import Settings, SettingsError

if TYPE_CHECKING:
    from chat.screening.remote import Remote

log = logging.getLogger(__name__)

#: When to try again after a refusal that is nobody's fault.
RETRY_MS = 1000
#: Verdicts on messages with a client id that are remembered.
MEMORY_MAX = 4096
#: How long a retry may come after the first attempt, at most.
MEMORY_S = 300.0

_encode = json.Encoder(order="deterministic").encode


class Screening:
    """Lets messages pass, changes them, or refuses them.

    Args:
        settings: where the words are and where the hook is.
        stats: counts what becomes of messages.

    Raises:
        SettingsError: the words or a secret cannot be used.
    """

    def __init__(self, settings: Settings, stats: Stats) -> None:
        self._settings = settings
        self._stats = stats
        self._word_file: WordFile | None = None
        if settings.word_filter_file:
            self._word_file = WordFile(Path(settings.word_filter_file), stats)
        self._remote = _remote(settings, stats)
        self._passes_when_away = settings.publish_hook_when_away == "pass"
        self._memory = Memory(MEMORY_MAX, min(settings.idempotency_window, MEMORY_S))
        self._asking: dict[str, asyncio.Future[Verdict]] = {}
        self._is_filtered = _any_of(settings.word_filter_rooms)
        is_asked = _any_of(settings.publish_hook_rooms)
        #: Whether the hook is asked about messages of a room.
        self.asks: Callable[[str], bool] = is_asked if self._remote is not None else _never

    @classmethod
    def from_settings(cls, settings: Settings, stats: Stats) -> "Screening | None":
        """Return what the settings ask for; None, which costs nothing, if that is neither.

        Raises:
            SettingsError: the words or a secret cannot be used.
        """
        is_wanted = settings.word_filter_file or settings.publish_hook_url
        return cls(settings, stats) if is_wanted else None

    def loops(self) -> list[Coroutine[Any, Any, None]]:
        """Return what has to run all the while."""
        parts = (self._word_file, self._remote)
        return [part.run() for part in parts if part is not None]

    def filtered(self, room_id: str | None, words: str, what: str = "message") -> str:
        """Return what somebody wrote as the word filter leaves it. Does not wait.

        Args:
            room_id: where it is seen; None for what is seen in all rooms, and always filtered.
            words: the text.
            what: what it is, in the words of the refusal.

        Raises:
            CommandError: content_refused.
        """
        if self._word_file is None or not (room_id is None or self._is_filtered(room_id)):
            return words
        passed = self._word_file.words.applied(words)
        if passed is None:
            self._stats.word_filter_hits.add("blocked")
            raise refused(f"The {what} has a word that is not allowed here.")
        if passed != words:
            self._stats.word_filter_hits.add("masked")
        return passed

    async def passed(self, submission: Submission) -> Text:
        """Take a message through the word filter, and where it is asked through the hook.

        Raises:
            CommandError: content_refused, busy, unavailable.
        """
        content = self.filtered(submission.roomId, submission.content)
        filtered = structs.replace(submission, content=content)
        if self.asks(submission.roomId):
            return await self.ask(filtered)
        return _unchanged(filtered)

    async def ask(self, submission: Submission) -> Text:
        """Ask the hook about a message that has passed the word filter.

        Raises:
            CommandError: content_refused, with the words of the hook; busy; unavailable.

        Cancellation: safe; somebody else with the same question gets `busy`.
        """
        try:
            verdict = await self._verdict(submission)
        except FullError:
            self._stats.publish_hook_answers.add("busy")
            raise _too_many() from None
        except AwayError:
            self._stats.publish_hook_answers.add("away")
            if self._passes_when_away:
                return _unchanged(submission)
            raise CommandError(
                ErrorCode.UNAVAILABLE,
                "Messages cannot be checked just now, try again.",
                retry_after_ms=RETRY_MS,
            ) from None
        self._stats.publish_hook_answers.add(_OUTCOMES[type(verdict)])
        if isinstance(verdict, Refuse):
            raise refused(verdict.message)
        if isinstance(verdict, Replace):
            mentions = submission.mentions if verdict.mentions is None else verdict.mentions
            return Text(verdict.content, list(dict.fromkeys(mentions or ())))
        return _unchanged(submission)

    async def _verdict(self, submission: Submission) -> Verdict:
        """Return the hook's verdict; a retry gets that of the first attempt, or waits for it."""
        body = _encode(submission)
        if submission.clientMessageId is None:
            return await self._usable(submission.roomId, secrets.token_hex(16), body)
        question = hashlib.sha256(body).hexdigest()[:32]
        if (known := self._memory.find(question, time.monotonic())) is not None:
            return known
        if (asking := self._asking.get(question)) is not None:
            return await asyncio.shield(asking)
        answer = self._asking[question] = asyncio.get_running_loop().create_future()
        try:
            verdict = await self._usable(submission.roomId, question, body)
        except BaseException as exc:
            answer.set_exception(exc if isinstance(exc, AwayError) else FullError())
            answer.exception()  # as a rule nobody else waits for it
            raise
        finally:
            del self._asking[question]
        answer.set_result(verdict)
        self._memory.keep(question, verdict, time.monotonic())
        return verdict

    async def _usable(self, room_id: str, question: str, body: bytes) -> Verdict:
        """Ask, and take no content that nobody could have sent."""
        if self._remote is None:
            raise AwayError("there is none")
        verdict = await self._remote.ask(room_id, question, body)
        if isinstance(verdict, Replace) and (
            len(verdict.content) > self._settings.max_content_chars
            or len(verdict.mentions or ()) > self._settings.max_mentions
        ):
            log.warning("publish_hook_exceeds", extra={"roomId": room_id})
            raise UnusableError("its content or its mentions are too long")
        return verdict


def refused(words: str) -> CommandError:
    """Say that something may not be stored because of what it says."""
    return CommandError(ErrorCode.CONTENT_REFUSED, words)


def _too_many() -> CommandError:
    return CommandError(
        ErrorCode.BUSY, "Too many messages wait to be checked.", retry_after_ms=RETRY_MS
    )


def _unchanged(submission: Submission) -> Text:
    return Text(submission.content, submission.mentions or [])


def _remote(settings: Settings, stats: Stats) -> "Remote | None":
    if not settings.publish_hook_url:
        return None
    from chat.screening.remote import Remote  # its HTTP client takes a quarter second to import

    return Remote(settings, _secrets(settings), stats)


def _secrets(settings: Settings) -> tuple[bytes, ...]:
    try:
        return parse_secrets(settings.publish_hook_secret)
    except SecretError as exc:
        raise SettingsError(f"CHAT_PUBLISH_HOOK_SECRET: {exc}.") from None


def _any_of(patterns: str) -> Callable[[str], bool]:
    """Return what tells whether a room is of one of some patterns, with commas between them."""
    found = [Pattern(text.strip()) for text in patterns.split(",") if text.strip()]
    return lru_cache(maxsize=4096)(
        lambda room_id: any(pattern.matches(room_id) for pattern in found)
    )


def _never(_room_id: str) -> bool:
    return False


_OUTCOMES = {Allow: "allowed", Refuse: "refused", Replace: "replaced"}
