"""What every session of a worker shares."""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from chat.broker.broker import Broker
from chat.broker.changes import Changes
from chat.broker.conversations import Conversations
from chat.broker.directory import Directory
from chat.broker.members import Members
from chat.broker.moderation import Moderation
from chat.broker.reports import Reports
from chat.broker.room_changes import RoomChanges
from chat.identity.keys import KeyRing
from chat.identity.tokens import Verifier
from chat.limits.addresses import AddressLimits
from chat.limits.slow_mode import SlowMode
from chat.limits.users import UserBudgets
from chat.ops.stats import Stats
from chat.rooms.attendance import Attendance
from chat.rooms.delivered_markers import DeliveredMarkers
from chat.rooms.enforcement import Enforcement
from chat.rooms.hub import Hub
from chat.rooms.participation import Participation
from chat.rooms.read_markers import ReadMarkers
from chat.rooms.typing import Typists
from chat.screening.screening import Screening
from chat.settings import Settings
from chat.worker.comings import Comings
from chat.worker.user_states import UserStates

if TYPE_CHECKING:
    from chat.worker.asking import Asking


class Tasks:
    """Short-lived tasks with an owner: nothing is forgotten, all end with the worker."""

    def __init__(self) -> None:
        self._running: set[asyncio.Task[None]] = set()

    def start(self, work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        """Run `work`; it must handle its own errors."""
        task = asyncio.create_task(work, name=name)
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return task

    async def stop(self) -> None:
        """Cancel what is still running and wait for it."""
        running = list(self._running)
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


@dataclass(slots=True)
class Services:
    """The parts of a worker that sessions use."""

    worker_id: str
    settings: Settings
    stats: Stats
    broker: Broker
    changes: Changes
    room_changes: RoomChanges
    hub: Hub
    attendance: Attendance
    members: Members  # to read those of any room
    typists: Typists
    read_markers: ReadMarkers
    delivered_markers: DeliveredMarkers
    user_states: UserStates
    keyring: KeyRing
    verifier: Verifier
    users: UserBudgets
    addresses: AddressLimits
    slow_mode: SlowMode
    moderation: Moderation
    enforcement: Enforcement
    reports: Reports
    screening: Screening | None  # None where there is neither a word filter nor a hook
    asking: "Asking"
    participation: Participation
    conversations: Conversations
    directory: Directory
    comings: Comings | None = None  # with webhooks only
    tasks: Tasks = field(default_factory=Tasks)
    recoveries: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(64))
    messages: int = 0  # numbers message ids and connection ids of this worker

    def next_id(self, kind: str) -> str:
        """Return an id no other worker gives: worker ids are unique across hosts."""
        self.messages += 1
        return f"{kind}_{self.worker_id}_{self.messages:x}"
