"""What can be asked for at all, wherever it is asked."""

from collections.abc import Iterable

from msgspec import UNSET

from chat.conversations.kinds import PRIVATE
from chat.identity.users import UserError, check_user_id
from chat.protocol.about import NOTHING, About, AboutChange, changed
from chat.protocol.errors import CommandError, ErrorCode

#: Rooms of a list that cost as much as one command more: each roster is asked.
ROOMS_PER_COMMAND = 10


def check_private(room_id: str) -> None:
    """Refuse what is not the id of a private room.

    Raises:
        CommandError: invalid_room.
    """
    if not room_id.startswith(PRIVATE) or room_id == PRIVATE:
        raise CommandError(
            ErrorCode.INVALID_ROOM, f"The id of a private room begins with `{PRIVATE}`."
        )


def described(title: str | None, topic: str | None) -> AboutChange:
    """Return what a new room is said to be about."""
    return AboutChange(
        title=UNSET if title is None else title, topic=UNSET if topic is None else topic
    )


def about_after(about: AboutChange) -> About | None:
    """Return what is set of a new room, None for nothing."""
    return None if about == AboutChange() else changed(NOTHING, about)


def check_users(user_ids: Iterable[str]) -> None:
    """Refuse what cannot be user ids.

    Raises:
        CommandError: invalid_message.
    """
    for user_id in user_ids:
        try:
            check_user_id(user_id, "a user id")
        except UserError as exc:
            raise CommandError(ErrorCode.INVALID_MESSAGE, f"{exc}.") from None


def direct_users(user_id: str, others: Iterable[str]) -> list[str]:
    """Return who is in a direct room.

    Raises:
        CommandError: invalid_message, when there is nobody else.
    """
    users = sorted({user_id, *others})
    if len(users) < 2:
        raise CommandError(ErrorCode.INVALID_MESSAGE, "A direct room takes somebody else.")
    return users
