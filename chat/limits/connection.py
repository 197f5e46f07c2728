"""What one connection may do: commands, bytes and joins. Made at its first command."""

from chat.limits.buckets import spend, wait_s
from chat.settings import Settings


class ConnectionLimits:
    """Three buckets in three floats: a worker has one of these per connection."""

    __slots__ = ("_bytes_full_at_s", "_joins_full_at_s", "_messages_full_at_s", "_settings")

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._messages_full_at_s = 0.0
        self._bytes_full_at_s = 0.0
        self._joins_full_at_s = 0.0

    def charge(self, now_s: float, *, messages: int = 0, bytes_: int = 0, joins: int = 0) -> float:
        """Take the costs from all buckets and return 0.0, or nothing and the seconds to wait.

        Args:
            now_s: of the monotonic clock.
            messages: commands.
            bytes_: size of the commands.
            joins: rooms joined.
        """
        limits = self._settings
        wait = max(
            wait_s(
                self._messages_full_at_s,
                messages,
                limits.connection_messages_per_s,
                limits.connection_messages_burst,
                now_s,
            ),
            wait_s(
                self._bytes_full_at_s,
                bytes_,
                limits.connection_bytes_per_s,
                limits.connection_bytes_burst,
                now_s,
            ),
            wait_s(
                self._joins_full_at_s,
                joins,
                limits.connection_joins_per_s,
                limits.connection_joins_burst,
                now_s,
            ),
        )
        if wait == 0.0:
            self._messages_full_at_s = spend(
                self._messages_full_at_s, messages, limits.connection_messages_per_s, now_s
            )
            self._bytes_full_at_s = spend(
                self._bytes_full_at_s, bytes_, limits.connection_bytes_per_s, now_s
            )
            self._joins_full_at_s = spend(
                self._joins_full_at_s, joins, limits.connection_joins_per_s, now_s
            )
        return wait

    def is_full(self, now_s: float) -> bool:
        """Say whether this may be dropped: a new one would be the same."""
        latest_s = max(self._messages_full_at_s, self._bytes_full_at_s, self._joins_full_at_s)
        return latest_s <= now_s
