"""Every key and channel in Redis, in one place.

All keys of a room share the hash tag `{room}`, so that its scripts stay within one slot of a
Redis Cluster.
"""


class Keys:
    """Names under one prefix, so that several systems can share a Redis."""

    def __init__(self, prefix: str, database: int = 0) -> None:
        self._prefix = prefix
        self._database = database  # pub/sub has no databases of its own
        self.leases = f"{prefix}:leases"
        #: Sorted set of worker ids by when they count as dead, and hash of their descriptions.
        self.nodes = f"{prefix}:{{nodes}}:ends", f"{prefix}:{{nodes}}:described"

    def stream(self, room_id: str) -> str:
        """Hash: epoch, seq and lineage of a room."""
        return f"{self._prefix}:{{{room_id}}}:stream"

    def history(self, room_id: str) -> str:
        """List: the last records of a room, oldest first."""
        return f"{self._prefix}:{{{room_id}}}:history"

    def channel(self, room_id: str) -> str:
        """Pub/sub channel of a room."""
        return f"{self._prefix}:{self._database}:{{{room_id}}}:live"

    def sent(self, room_id: str, user_id: str, client_message_id: str) -> str:
        """String: what became of a client message id.

        The length keeps user `a:b` with id `c` apart from user `a` with id `b:c`.
        """
        user = f"{len(user_id)}:{user_id}"
        return f"{self._prefix}:{{{room_id}}}:sent:{user}:{client_message_id}"

    def slow(self, room_id: str, user_id: str) -> str:
        """String that exists while a user has to wait in slow mode."""
        return f"{self._prefix}:{{{room_id}}}:slow:{user_id}"

    def members(self, room_id: str) -> str:
        """Hash: user id to how many leases hold it, and its display data."""
        return f"{self._prefix}:{{{room_id}}}:members"

    def held(self, room_id: str, lease: str) -> str:
        """Hash: the members of a room that one lease holds."""
        return f"{self._prefix}:{{{room_id}}}:held:{lease}"

    def lease_rooms(self, lease: str) -> str:
        """Set: the rooms in which a lease holds members."""
        return f"{self._prefix}:lease:{{{lease}}}:rooms"

    def sweep(self, lease: str) -> str:
        """String: which worker is cleaning up behind a dead lease."""
        return f"{self._prefix}:lease:{{{lease}}}:sweep"

    def budget(self, user_id: str) -> str:
        """Hash: a user's token buckets."""
        return f"{self._prefix}:budget:{{{user_id}}}"

    def probe(self, worker_id: str) -> str:
        """Channel on which a worker hears itself."""
        return f"{self._prefix}:{self._database}:probe:{worker_id}"
