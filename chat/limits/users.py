"""What one user may do on all connections and workers together: messages, bytes and joins.

Asking the cluster about every message would cost a round trip each, so a worker admits from
buckets of its own, notes what was spent and settles later: the cluster's bucket (in Redis) gives
up what was spent, which may put it into debt, and the worker's bucket is lowered to what is left
there. Notes of less than a sixteenth of a burst wait for more, or until the user has been idle:
an ordinary chatter costs Redis little.

The bound. Let W workers see a user, and a worker settle at most T seconds after a note is due
(the sync interval, times the batches that wait before it). Between two settlements a worker
admits at most m = 17/16 * burst + rate * T and one largest cost. Over any time t from a full
bucket on, the cluster admits at most

    burst + rate * t + W * m

because when a user's spending since the cluster's bucket was last not in debt is S, look at the
last worker to have settled twice: it spent in between only what the bucket's state at its first
settlement allowed, so S up to there is paid by `rate * t`, and since then every worker has
settled at most once. This needs the debt to be kept whole, which is why neither side cuts it off;
it cannot exceed W * m. While Redis is away each worker holds a user to burst + rate * t.
"""

from collections import OrderedDict
from itertools import islice

from chat.limits.buckets import lower, spend, wait_s
from chat.settings import Settings

MAX_USERS = 100_000
BATCH = 1000
SWEEP = 1024
LINGER_S = 30.0
_NOTE_SHARE = 1 / 16

Owed = tuple[str, int, int, int]
#: Rate and burst of messages, bytes and joins.
Limits = tuple[tuple[float, int], tuple[float, int], tuple[float, int]]


def user_limits(settings: Settings) -> Limits:
    """Return what a user may do."""
    return (
        (settings.user_messages_per_s, settings.user_messages_burst),
        (settings.user_bytes_per_s, settings.user_bytes_burst),
        (settings.user_joins_per_s, settings.user_joins_burst),
    )


class _User:
    """Buckets and unsettled notes of one user, for messages, bytes and joins."""

    __slots__ = ("full_at_s", "spent")

    def __init__(self) -> None:
        self.full_at_s = [0.0, 0.0, 0.0]
        self.spent = [0, 0, 0]


class UserBudgets:
    """The users of one worker.

    Args:
        settings: rates and bursts.
        max_users: entries kept; beyond it the one looked at longest ago is forgotten.
        limits: instead of those of the settings, for others than users.
    """

    def __init__(
        self, settings: Settings, max_users: int = MAX_USERS, *, limits: Limits | None = None
    ) -> None:
        self.limits = limits or user_limits(settings)
        self._max_users = max_users
        self._users: OrderedDict[str, _User] = OrderedDict()
        self._owing: dict[str, None] = {}  # users whose notes are due, oldest first
        self.forgotten = 0  # entries that `max_users` cost, with what they had spent

    def __len__(self) -> int:
        return len(self._users)

    def charge(self, user_id: str, messages: int, bytes_: int, joins: int, now_s: float) -> float:
        """Take the costs from all budgets and return 0.0, or nothing and the seconds to wait."""
        user = self._entry(user_id)
        costs = (messages, bytes_, joins)
        wait = 0.0
        for kind, (rate, burst) in enumerate(self.limits):
            wait = max(wait, wait_s(user.full_at_s[kind], costs[kind], rate, burst, now_s))
        if wait > 0.0:
            return wait
        for kind, (rate, burst) in enumerate(self.limits):
            if costs[kind] <= 0 or rate <= 0:
                continue
            user.full_at_s[kind] = spend(user.full_at_s[kind], costs[kind], rate, now_s)
            user.spent[kind] += costs[kind]
            if user.spent[kind] >= burst * _NOTE_SHARE:
                self._owing[user_id] = None
        return 0.0

    def owed(self, limit: int = BATCH) -> list[Owed]:
        """Hand out notes that are due, oldest first, and forget them.

        Returns:
            Up to `limit` of (user id, messages, bytes, joins); each is to be settled.
        """
        batch: list[Owed] = []
        for user_id in list(islice(self._owing, limit)):
            del self._owing[user_id]
            user = self._users[user_id]
            messages, bytes_, joins = user.spent
            batch.append((user_id, messages, bytes_, joins))
            user.spent = [0, 0, 0]
        return batch

    def settle(
        self, user_id: str, left_messages: int, left_bytes: int, left_joins: int, now_s: float
    ) -> None:
        """Lower a user's budgets here to what the cluster has left; negative is a debt.

        What was spent here since the notes were handed out is not in those figures yet.
        """
        user = self._entry(user_id)
        left = (left_messages, left_bytes, left_joins)
        for kind, (rate, burst) in enumerate(self.limits):
            here = left[kind] - user.spent[kind]
            user.full_at_s[kind] = lower(user.full_at_s[kind], here, rate, burst, now_s)

    def sweep(self, now_s: float, limit: int = SWEEP) -> None:
        """Look at the next `limit` users and drop the idle ones; those with notes settle first."""
        for _ in range(min(limit, len(self._users))):
            user_id, user = next(iter(self._users.items()))
            self._users.move_to_end(user_id)
            if max(user.full_at_s) + LINGER_S > now_s:
                continue
            if any(user.spent):
                self._owing[user_id] = None
            else:
                del self._users[user_id]

    def _entry(self, user_id: str) -> _User:
        user = self._users.get(user_id)
        if user is None:
            if len(self._users) >= self._max_users:
                dropped, _ = self._users.popitem(last=False)
                self._owing.pop(dropped, None)
                self.forgotten += 1
            user = self._users[user_id] = _User()
        return user
