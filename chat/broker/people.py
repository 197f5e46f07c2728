"""The parts that know of rosters, put together once for workers and the HTTP side."""

from typing import NamedTuple

from chat.broker.audit import Audit
from chat.broker.broker import Broker
from chat.broker.conversations import Conversations
from chat.broker.directory import Directory
from chat.broker.listings import Listings
from chat.broker.room_changes import RoomChanges
from chat.broker.rosters import Rosters
from chat.broker.settling import Settling
from chat.broker.store import Store
from chat.ops.stats import Stats


class People(NamedTuple):
    """What asks for rosters and changes them."""

    rosters: Rosters
    settling: Settling
    conversations: Conversations
    directory: Directory


def people_of(
    store: Store, broker: Broker, room_changes: RoomChanges, audit: Audit, stats: Stats
) -> People:
    """Return the parts over one store."""
    settings = store.settings
    rosters, listings = Rosters(store), Listings(store)
    settling = Settling(broker, rosters, listings, settings, stats)
    return People(
        rosters,
        settling,
        Conversations(broker, room_changes, rosters, listings, settling, audit, settings, stats),
        Directory(broker, rosters, listings, settling, stats),
    )
