"""Whose turn it is to be looked at: pure, the time is given.

A user waits for a turn because something about the user may have changed, or because a connection
ended and the grace for coming back is running. Who had a turn lately has to wait longer.
"""

from collections import OrderedDict
from collections.abc import Callable
from itertools import islice


class Turns:
    """Users that wait.

    Args:
        grace_s: time between the end of a connection and its user's turn.
        most: users that have their turn at a time.
    """

    def __init__(self, grace_s: float, most: int) -> None:
        self._grace_s = grace_s
        self._most = most
        self._changed: dict[str, None] = {}
        self._leaving: OrderedDict[str, float] = OrderedDict()  # since when, longest first
        self._not_before_s: dict[str, float] = {}

    @property
    def has_changed(self) -> bool:
        """Whether anybody waits for anything but a grace."""
        return bool(self._changed)

    @property
    def is_empty(self) -> bool:
        """Whether nobody waits."""
        return not self._changed and not self._leaving

    def change(self, user_id: str) -> None:
        """Something about a user may have changed."""
        self._changed[user_id] = None

    def leave(self, user_id: str, since_s: float) -> None:
        """A connection of a user ended."""
        self._leaving[user_id] = since_s
        self._leaving.move_to_end(user_id)

    def come(self, user_id: str) -> None:
        """A user has a connection: no grace is running."""
        self._leaving.pop(user_id, None)

    def is_leaving(self, user_id: str) -> bool:
        """Whether the grace of a user is running."""
        return user_id in self._leaving

    def rest(self, user_id: str, until_s: float) -> None:
        """Let a user's next turn for a change not be before a time."""
        self._not_before_s[user_id] = until_s

    def forget(self, now_s: float) -> None:
        """Forget who need not rest any longer."""
        self._not_before_s = {
            user_id: at_s for user_id, at_s in self._not_before_s.items() if at_s > now_s
        }

    def take(self, now_s: float, reaches: Callable[[str], bool]) -> dict[str, float | None]:
        """Return whose turn it is, and since when the user has left, None for who has not.

        Args:
            now_s: the time.
            reaches: whether something can be done about a user; others go on waiting.
        """
        taken: dict[str, float | None] = {}
        for user_id in list(islice(self._changed, self._most)):
            del self._changed[user_id]
            if self._not_before_s.get(user_id, now_s) <= now_s and reaches(user_id):
                taken[user_id] = None
            else:
                self._changed[user_id] = None  # behind the others
        for user_id, since_s in list(islice(self._leaving.items(), self._most)):
            if since_s + self._grace_s > now_s:
                break
            if reaches(user_id):
                taken[user_id] = self._leaving.pop(user_id)
        return taken

    def take_leaving(self) -> dict[str, float]:
        """Return all whose grace is running, and since when; it runs no more."""
        leaving, self._leaving = dict(self._leaving), OrderedDict()
        return leaving
