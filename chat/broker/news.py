"""Where a system with webhooks notes what `chat hooks` has to tell: lanes of rooms.

A room's news are noted by the script that makes them, so the note must be in the room's slot. A
*lane* is what shares one set of notes: in a Redis Cluster a slot, elsewhere a sixteenth of all
rooms. Lanes belong to *groups*, sixteen in any case, which the processes of `chat hooks` share.
"""

from functools import cache

from chat.broker.keys import GROUPS, SLOTS_PER_GROUP, Keys
from chat.broker.slots import SLOTS, slot_of_tag
from chat.settings import Settings

#: Hash tag of what processes of `chat hooks` share. No room has it: `/` is in no room id.
SHARES_TAG = "/hooks"
#: The log of a lane has this name among the rooms: no room can have it.
LOG = "/"
#: And so have the reports, which are told in the lane of their slot.
REPORTS = "/reports"
#: Events that the log of a lane keeps in any case.
EVENTS_MIN = 100


class Lane:
    """Keys of one lane.

    Args:
        tag: its hash tag.
        group: whose it is.
        prefix: first part of every key.
        database: part of the channel.

    Attributes:
        news: sorted set of rooms by the first seq that nobody has taken note of.
        channel: on which that is told.
        log_keys: of the log: hash with its last seq, list of events, and the news.
    """

    __slots__ = ("_prefix", "channel", "group", "log_keys", "news", "tag")

    def __init__(self, tag: str, group: int, prefix: str, database: int) -> None:
        self.tag = tag
        self.group = group
        self._prefix = f"{prefix}:{{{tag}}}:hooks"
        self.news = f"{self._prefix}:news"
        self.channel = f"{prefix}:{database}:{{{tag}}}:hooks"
        self.log_keys = f"{self._prefix}:log", f"{self._prefix}:events", self.news

    @property
    def report_keys(self) -> tuple[str, str, str]:
        """Of the reports: hash with the seq of the last one, list of ids, the news; in one lane."""
        return f"{self._prefix}:reported", f"{self._prefix}:report-ids", self.news

    def due(self, endpoint: str) -> str:
        """Sorted set: rooms with news for an endpoint, by the next seq it is to be told."""
        return f"{self._prefix}:due:{endpoint}"


class News:
    """All lanes.

    Args:
        keys: names in Redis.
        settings: how much is kept.
        sharded: the keys are in a Redis Cluster.
    """

    def __init__(self, keys: Keys, settings: Settings, *, sharded: bool) -> None:
        named = keys.prefix, keys.database
        if sharded:
            tags = slot_tags()
            self.lanes = [
                Lane(tags[slot], slot // SLOTS_PER_GROUP, *named) for slot in range(SLOTS)
            ]
        else:
            self.lanes = [Lane(f"{SHARES_TAG}/{group}", group, *named) for group in range(GROUPS)]
        self._slots_per_lane = SLOTS // len(self.lanes)
        self.groups = GROUPS
        self.events_max = max(EVENTS_MIN, settings.webhook_events_kept // len(self.lanes))
        #: Sorted set of the processes by when they count as dead, and hash of the groups' owners.
        self.shares = tuple(
            f"{keys.prefix}:{{{SHARES_TAG}}}:{name}" for name in ("processes", "owners")
        )

    def lane_of(self, tag: str) -> Lane:
        """Return the lane of a room, or of what has another hash tag."""
        return self.lanes[slot_of_tag(tag) // self._slots_per_lane]


@cache
def slot_tags() -> list[str]:
    """Return a hash tag for each slot of a Redis Cluster, always the same ones.

    Cost: a fifth of a second, once; about 160,000 tries.
    """
    tags = [""] * SLOTS
    missing, number = SLOTS, 0
    while missing:
        slot = slot_of_tag(str(number))
        if not tags[slot]:
            tags[slot] = str(number)
            missing -= 1
        number += 1
    return tags
