"""How a user stands in a room, as Redis says it: durations, so that no two clocks are compared."""

from typing import NamedTuple

from chat.protocol.errors import CommandError, ErrorCode

#: A sanction without an end, where the time that is left is asked.
FOR_GOOD = -1

_SENTENCES = {
    ErrorCode.BANNED: "You are banned from this room.",
    ErrorCode.MUTED: "You are muted in this room.",
}


class Standing(NamedTuple):
    """What holds against one user in one room.

    Args:
        ban_ms: time left of a ban, FOR_GOOD, or 0 for none.
        mute_ms: the same of a mute.
        kicked: act of the last kick that is remembered, or 0.
    """

    ban_ms: int
    mute_ms: int
    kicked: int


class Sanctioned(NamedTuple):
    """Nothing was done, because something holds against who asked.

    Args:
        code: banned or muted.
        left_ms: for how long, FOR_GOOD for ever.
    """

    code: ErrorCode
    left_ms: int

    def error(self) -> CommandError:
        """Return what the user is told."""
        return refusal(self.code, self.left_ms)


def refusal(code: ErrorCode, left_ms: int) -> CommandError:
    """Say that a user is banned or muted, and for how long if there is an end."""
    return CommandError(
        code, _SENTENCES[code], retry_after_ms=None if left_ms == FOR_GOOD else max(1, left_ms)
    )
