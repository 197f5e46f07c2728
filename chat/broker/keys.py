"""Every key and channel in Redis, in one place.

All keys of a room share the hash tag `{room}`, so that its scripts stay within one slot of a
Redis Cluster. What belongs to the leases of workers is there once per *group* of rooms, with a tag
of its own: a group is a sixteenth of all slots, and its leases lie in one of these, so that as a
rule a shard that is away takes the leases of its own rooms with it and no others.
"""

from collections.abc import Set
from functools import cache

from chat.broker.slots import SLOTS, slot_of_tag, tag_within

#: Groups of rooms in a Redis Cluster; elsewhere there is one.
GROUPS = 16
SLOTS_PER_GROUP = SLOTS // GROUPS
#: Hash tag of what concerns users everywhere. No room has it: `/` is in no room id.
CONTROL_TAG = "/control"


@cache
def group_tag(group: int) -> str:
    """Return the hash tag of a group's leases, in the middle of its slots."""
    middle = group * SLOTS_PER_GROUP + SLOTS_PER_GROUP // 2
    return tag_within(range(middle - SLOTS_PER_GROUP // 4, middle + SLOTS_PER_GROUP // 4))


class Keys:
    """Names under one prefix, so that several systems can share a Redis.

    Args:
        prefix: first part of every name.
        database: in which the keys are; pub/sub has no databases of its own.
        sharded: the keys are in a Redis Cluster.
    """

    def __init__(self, prefix: str, database: int = 0, *, sharded: bool = False) -> None:
        self._prefix = self.prefix = prefix
        self._database = self.database = database
        #: Sorted set of worker ids by when they count as dead, and hash of their descriptions.
        self.nodes = f"{prefix}:{{nodes}}:ends", f"{prefix}:{{nodes}}:described"
        #: Sorted set of the acts on users and tokens, the channel that tells of them, and the
        #: stream of all acts of moderators. One tag: in a cluster they are on one shard.
        self.user_acts = f"{prefix}:{{{CONTROL_TAG}}}:acts"
        self.control = f"{prefix}:{database}:{{{CONTROL_TAG}}}:live"
        self.audit = f"{prefix}:{{{CONTROL_TAG}}}:audit"
        #: Stream of reported messages, and hash of what came of those that are resolved.
        self.reports = f"{prefix}:{{{CONTROL_TAG}}}:reports"
        self.reports_resolved = f"{prefix}:{{{CONTROL_TAG}}}:reports-resolved"
        self._sharded = sharded
        self.groups = GROUPS if sharded else 1

    def group(self, room_id: str) -> int:
        """Return the group of a room."""
        return slot_of_tag(room_id) // SLOTS_PER_GROUP if self._sharded else 0

    def groups_of(self, slots: Set[int]) -> set[int]:
        """Return the groups of rooms that have some of these slots."""
        return {slot // SLOTS_PER_GROUP for slot in slots} if self._sharded else {0}

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

    def reported(self, user_id: str, room_id: str, message_id: str) -> str:
        """String that exists while a report of a message by a user counts; in the audit's slot."""
        user = f"{len(user_id)}:{user_id}"
        return f"{self._prefix}:{{{CONTROL_TAG}}}:reported:{room_id}:{message_id}:{user}"

    def reports_by(self, user_id: str) -> str:
        """String: how many messages a user has reported in the last hour; in the audit's slot."""
        return f"{self._prefix}:{{{CONTROL_TAG}}}:reports-by:{user_id}"

    def absent(self, room_id: str) -> str:
        """A key that never exists, for messages without a client message id in a cluster.

        While a slot moves, a command with a missing key is turned away and one without is not.
        With this all messages are alike, so that none overtakes another.
        """
        return f"{self._prefix}:{{{room_id}}}:absent"

    def slow(self, room_id: str, user_id: str) -> str:
        """String that exists while a user has to wait in slow mode."""
        return f"{self._prefix}:{{{room_id}}}:slow:{user_id}"

    def sanctions(self, room_id: str) -> str:
        """Hash: who is banned or muted in a room; see `scripts/_sanctions.lua`."""
        return f"{self._prefix}:{{{room_id}}}:sanctions"

    def markers(self, room_id: str) -> str:
        """Hash: user id to the position up to which that user has read."""
        return f"{self._prefix}:{{{room_id}}}:markers"

    def delivered(self, room_id: str) -> str:
        """Hash: user id to the position up to which a device of that user has got all."""
        return f"{self._prefix}:{{{room_id}}}:delivered"

    def roster(self, room_id: str) -> str:
        """Hash: who belongs to a room, as what; see `scripts/roster_change.lua`."""
        return f"{self._prefix}:{{{room_id}}}:roster"

    def unsettled(self, room_id: str) -> str:
        """Hash: users whose own lists may not have what the roster has, and by whose doing."""
        return f"{self._prefix}:{{{room_id}}}:unsettled"

    def listing(self, inbox_id: str) -> str:
        """Hash: the rooms of a user, with the inbox of that user."""
        return f"{self._prefix}:{{{inbox_id}}}:listing"

    def members(self, room_id: str) -> str:
        """Hash: user id to how many leases hold it, and its display data."""
        return f"{self._prefix}:{{{room_id}}}:members"

    def held(self, room_id: str, lease: str) -> str:
        """Hash: the members of a room that one lease holds."""
        return f"{self._prefix}:{{{room_id}}}:held:{lease}"

    def lease_tag(self, group: int) -> str:
        """Return the hash tag of all that belongs to the leases of a group."""
        return group_tag(group) if self._sharded else ""

    def leases(self, group: int) -> str:
        """Sorted set: the leases of a group by the time they end."""
        return f"{self._lease_prefix(group)}:leases"

    def lease_rooms(self, group: int, lease: str) -> str:
        """Set: the rooms of a group in which a lease holds members."""
        return f"{self._lease_prefix(group)}:lease:{{{lease}}}:rooms"

    def sweep(self, group: int, lease: str) -> str:
        """String: which worker is cleaning up behind a dead lease."""
        return f"{self._lease_prefix(group)}:lease:{{{lease}}}:sweep"

    def file(self, room_id: str, file_id: str) -> str:
        """String: what is known of an uploaded file while it may be attached in a room."""
        return f"{self._prefix}:{{{room_id}}}:file:{file_id}"

    def files_due(self, group: int) -> str:
        """Sorted set: the uploaded files of a group's rooms by when they are to be removed."""
        return f"{self._lease_prefix(group)}:files:due"

    def files_sweep(self, group: int) -> str:
        """String: which process removes the uploaded files of a group that are due."""
        return f"{self._lease_prefix(group)}:files:sweep"

    def _lease_prefix(self, group: int) -> str:
        return f"{self._prefix}:{{{group_tag(group)}}}" if self._sharded else self._prefix

    def budget(self, user_id: str) -> str:
        """Hash: a user's token buckets."""
        return f"{self._prefix}:budget:{{{user_id}}}"

    def presence(self, user_id: str) -> str:
        """Hash: where a user is connected, what the user chose; see `scripts/user_presence.lua`."""
        return f"{self._prefix}:presence:{{{user_id}}}"

    def key_budget(self, key_id: str) -> str:
        """Hash: the token buckets of an API key."""
        return f"{self._prefix}:key-budget:{{{key_id}}}"

    def upload_budget(self, user_id: str) -> str:
        """Hash: the token buckets of a user's uploads."""
        return f"{self._prefix}:upload-budget:{{{user_id}}}"

    def mark(self, name: str, tag: str = "") -> str:
        """String that a worker writes behind its messages, to wait for replicas up to there."""
        shard = f"{{{tag}}}:" if tag else ""
        return f"{self._prefix}:{shard}mark:{name}"

    def probe(self, worker_id: str, tag: str = "") -> str:
        """Channel on which a worker hears itself; in a cluster, with a tag for each shard."""
        shard = f"{{{tag}}}:" if tag else ""
        return f"{self._prefix}:{self._database}:probe:{shard}{worker_id}"
