"""What every request of the HTTP side shares."""

import asyncio
from dataclasses import dataclass, field

from chat.api.feed import Feed
from chat.api.stats import ApiStats
from chat.api.streams import Streams
from chat.broker.broker import Broker
from chat.broker.changes import Changes
from chat.broker.conversations import Conversations
from chat.broker.directory import Directory
from chat.broker.markers import Markers
from chat.broker.members import Members
from chat.broker.moderation import Moderation
from chat.broker.registry import Registry
from chat.broker.reports import Reports
from chat.broker.room_changes import RoomChanges
from chat.broker.user_presence import UserPresence
from chat.files.intake import Intake
from chat.gateway.address import Network
from chat.gateway.origin import OriginPolicy
from chat.identity.keyfile import KeyFile
from chat.identity.tokens import Verifier
from chat.limits.slow_mode import SlowMode
from chat.limits.users import UserBudgets
from chat.rooms.enforcement import Enforcement
from chat.rooms.participation import Participation
from chat.screening.screening import Screening
from chat.settings import Settings

#: Streams that may read what they missed at a time; what they read is in memory meanwhile.
RECOVERIES_MAX = 64


@dataclass(slots=True)
class ApiServices:
    """The parts that requests use."""

    api_id: str
    settings: Settings
    stats: ApiStats
    broker: Broker
    changes: Changes
    room_changes: RoomChanges
    members: Members
    markers: Markers
    presence: UserPresence
    registry: Registry
    verifier: Verifier
    keys: KeyFile
    users: UserBudgets
    key_budgets: UserBudgets
    slow_mode: SlowMode
    origins: OriginPolicy
    trusted_proxies: tuple[Network, ...]
    feed: Feed
    streams: Streams
    moderation: Moderation
    enforcement: Enforcement
    intake: Intake | None  # None: nothing can be uploaded
    upload_budgets: UserBudgets
    reports: Reports
    screening: Screening | None  # None where there is neither a word filter nor a hook
    participation: Participation
    conversations: Conversations
    directory: Directory
    recoveries: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(RECOVERIES_MAX))
    connections: int = 0  # open ones, kept by the server
    draining: bool = False
    ids: int = 0  # numbers what this process names

    def next_id(self, kind: str) -> str:
        """Return an id that no other process gives: `api_id` is unique across hosts."""
        self.ids += 1
        return f"{kind}_{self.api_id}_{self.ids:x}"
