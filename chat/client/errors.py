"""What can go wrong for a program that chats, as exceptions by what helps against it.

Every one is a `ChatError`. What the server refused is a `RefusedError` of the family its code
belongs to; a code of a newer server that nobody knows here is a plain `RefusedError`.
"""

from typing import Final


class ChatError(Exception):
    """Base of everything that this package raises on purpose."""


class RefusedError(ChatError):
    """The server refused a command.

    Attributes:
        code: the stable name of the refusal (docs/protocol.md).
        room_id: the room it was about, where there is one.
        retry_after_ms: after how long the same command may succeed, where waiting helps.
        uncertain: true where the command may have taken effect all the same.
    """

    def __init__(
        self,
        code: str,
        message: str,
        *,
        room_id: str | None = None,
        retry_after_ms: int | None = None,
        uncertain: bool = False,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.room_id = room_id
        self.retry_after_ms = retry_after_ms
        self.uncertain = uncertain

    def __str__(self) -> str:
        return f"{super().__str__()} ({self.code})"


class InvalidCommandError(RefusedError):
    """The command itself is wrong: the program has to be changed."""


class NotAllowedError(RefusedError):
    """The user may not do that: another token, or a moderator, helps."""


class GoneError(RefusedError):
    """What the command was about is not there any more, or not in that form."""


class LimitError(RefusedError):
    """More than is allowed: wait, or do less."""


class UnavailableError(RefusedError):
    """The server could not do it now."""


#: Family of each code. Names are never reused for another meaning.
FAMILIES: Final[dict[str, type[RefusedError]]] = {
    "malformed_json": InvalidCommandError,
    "too_deep": InvalidCommandError,
    "invalid_message": InvalidCommandError,
    "unknown_type": InvalidCommandError,
    "binary_unsupported": InvalidCommandError,
    "invalid_room": InvalidCommandError,
    "content_too_long": InvalidCommandError,
    "room_exists": InvalidCommandError,
    "not_authenticated": InvalidCommandError,
    "already_authenticated": InvalidCommandError,
    "invalid_token": NotAllowedError,
    "forbidden": NotAllowedError,
    "not_joined": NotAllowedError,
    "not_author": NotAllowedError,
    "banned": NotAllowedError,
    "muted": NotAllowedError,
    "content_refused": NotAllowedError,
    "read_only": NotAllowedError,
    "last_owner": NotAllowedError,
    "not_enabled": NotAllowedError,
    "epoch_changed": GoneError,
    "message_gone": GoneError,
    "too_late": GoneError,
    "no_such_file": GoneError,
    "too_many_rooms": LimitError,
    "too_many_reactions": LimitError,
    "too_many_participants": LimitError,
    "rate_limited": LimitError,
    "slow_mode": LimitError,
    "file_too_large": LimitError,
    "file_type_refused": NotAllowedError,
    "busy": UnavailableError,
    "unavailable": UnavailableError,
    "not_replicated": UnavailableError,
    "internal": UnavailableError,
}


def refusal(
    code: str,
    message: str,
    *,
    room_id: str | None = None,
    retry_after_ms: int | None = None,
    uncertain: bool = False,
) -> RefusedError:
    """Return the exception for an `error` event."""
    family = FAMILIES.get(code, RefusedError)
    return family(
        code, message, room_id=room_id, retry_after_ms=retry_after_ms, uncertain=uncertain
    )


class OutboxFullError(ChatError):
    """Too much waits to be sent already; nothing was queued."""


class UncertainError(ChatError):
    """Nobody can say any more whether the command took effect; sending it again may do it twice."""


class ConnectionLostError(ChatError):
    """The connection ended before the answer came."""


class RoomLeftError(ChatError):
    """One is not in that room any more.

    Attributes:
        reason: what the server said (`forbidden`, `kicked`, `banned`, `removed`), or None if the
            program left.
        message: what a moderator said.
    """

    def __init__(self, room_id: str, reason: str | None, message: str | None = None) -> None:
        words = [f"not in {room_id} any more", *(word for word in (reason, message) if word)]
        super().__init__(": ".join(words))
        self.room_id = room_id
        self.reason = reason
        self.message = message


class StoppedError(ChatError):
    """The client has ended and will not connect again by itself.

    Attributes:
        code: the close code that ended it, None where it was something else.
    """

    def __init__(self, message: str, code: int | None = None) -> None:
        super().__init__(message)
        self.code = code


class AuthenticationError(StoppedError):
    """There is no token with which the server lets one in. A token callback may raise it too."""
