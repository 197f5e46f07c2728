"""A user's state, of all that is known of the user in the whole cluster: pure.

What a user chose, away or busy, holds for all of the user's devices until the user takes it back.
Where nothing is chosen the most available device decides: who uses a phone is not away because a
laptop at home has been left alone. docs/decisions/0025-user-states.md says why.
"""

from collections.abc import Iterable
from typing import Literal, NamedTuple

from chat.protocol.errors import CommandError, ErrorCode

#: What a user can choose. `online` takes a choice back.
State = Literal["online", "away", "busy"]
#: What others see.
Shown = Literal["online", "away", "busy", "offline"]

STATUS_MAX = 100
#: Join letters and parts of emoji; the other format characters turn text around or hide.
_JOINERS = "\u200c\u200d"


class Availability(NamedTuple):
    """What others see of a user.

    Args:
        state: of all devices together.
        status: a text the user wrote; empty for none.
    """

    state: Shown
    status: str = ""


#: What nearly everybody is; nothing is kept for it.
PLAIN = Availability("online")


def combined(choice: State | None, are_idle: Iterable[bool]) -> Shown:
    """Return the state of a user.

    Args:
        choice: what the user chose last, on whichever device; None or `online` for nothing.
        are_idle: for each place where the user is connected, whether its devices are all idle.
    """
    places = list(are_idle)
    if not places:
        return "offline"
    if choice not in (None, "online"):
        return choice
    return "away" if all(places) else "online"


def checked_status(status: str) -> str:
    """Return a status text without the space around it.

    Raises:
        CommandError: invalid_message, when it has characters that cannot be seen.
    """
    status = status.strip(" ")
    if not all(char.isprintable() or char in _JOINERS for char in status):
        raise CommandError(
            ErrorCode.INVALID_MESSAGE, "The status has characters that cannot be printed."
        )
    return status
