"""What a client is told when Redis does not answer, or does not take its message."""

from chat.broker.broker import (
    NotReplicated,
    Outcome,
    Outside,
    Raced,
    ReadOnly,
    TooLate,
    TooSoon,
)
from chat.broker.link import LinkBusyError, LinkDownError
from chat.conversations.rules import OUTSIDE
from chat.moderation.standing import Sanctioned
from chat.protocol.errors import CommandError, ErrorCode
from chat.settings import Settings

#: When to try again after a refusal that is nobody's fault.
RETRY_MS = 1000


def busy(message: str = "The server is busy, try again.") -> CommandError:
    """Say that too much waits already."""
    return CommandError(ErrorCode.BUSY, message, retry_after_ms=RETRY_MS)


def unavailable(exc: object) -> CommandError:
    """Say that Redis is away, or that too much waits for it."""
    if isinstance(exc, LinkBusyError):
        return busy()
    return CommandError(
        ErrorCode.UNAVAILABLE,
        "The message store is away, try again.",
        retry_after_ms=RETRY_MS,
    )


def check_content(content: str, settings: Settings, *, may_be_empty: bool = False) -> None:
    """Refuse what cannot be a message's content; a message with files needs none.

    Raises:
        CommandError: invalid_message, content_too_long.
    """
    if not content and not may_be_empty:
        raise CommandError(ErrorCode.INVALID_MESSAGE, "The content is empty.")
    if len(content) > settings.max_content_chars:
        raise CommandError(
            ErrorCode.CONTENT_TOO_LONG,
            f"The content has more than {settings.max_content_chars} characters.",
        )


def checked_mentions(mentions: list[str] | None, settings: Settings) -> list[str]:
    """Return whom a message mentions, each user once.

    Raises:
        CommandError: invalid_message.
    """
    if not mentions:
        return []
    users = list(dict.fromkeys(mentions))
    if len(users) > settings.max_mentions:
        raise CommandError(
            ErrorCode.INVALID_MESSAGE, f"More than {settings.max_mentions} users are mentioned."
        )
    return users


def is_uncertain(outcome: Outcome) -> bool:
    """Whether a publish that failed may have taken effect all the same."""
    if isinstance(outcome, NotReplicated):
        return True
    return isinstance(outcome, Exception) and not isinstance(outcome, LinkDownError | LinkBusyError)


def not_published(outcome: Outcome) -> CommandError:
    """Say why a message, or an event about one, was not stored, and whether that is certain."""
    if isinstance(outcome, Sanctioned):
        return outcome.error()
    if isinstance(outcome, TooSoon):
        return CommandError(
            ErrorCode.SLOW_MODE, "This room is in slow mode.", retry_after_ms=outcome.wait_ms
        )
    if isinstance(outcome, ReadOnly):
        return CommandError(ErrorCode.READ_ONLY, "In this room only moderators write.")
    if isinstance(outcome, TooLate):
        return CommandError(ErrorCode.TOO_LATE, "The message is too old for that.")
    if isinstance(outcome, Raced):
        return busy("Too many change this at once, try again.")
    if isinstance(outcome, Outside):
        return CommandError(ErrorCode.FORBIDDEN, OUTSIDE)
    if isinstance(outcome, NotReplicated):
        return CommandError(
            ErrorCode.NOT_REPLICATED,
            "The message is stored, but not on enough replicas yet.",
            retry_after_ms=RETRY_MS,
            uncertain=True,
        )
    error = unavailable(outcome)
    error.uncertain = is_uncertain(outcome)
    return error
