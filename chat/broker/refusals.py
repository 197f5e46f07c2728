"""What a client is told when Redis does not answer."""

from chat.broker.link import LinkBusyError
from chat.protocol.errors import CommandError, ErrorCode

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
