"""One room on this worker: who is in it here, and what waits to be written to them."""

from typing import TYPE_CHECKING, Protocol

from chat.protocol.about import NOTHING, About
from chat.protocol.records import Record, event_head

if TYPE_CHECKING:
    from asyncio import WriteTransport
    from collections.abc import Callable

    from chat.rooms.stream import Stream

#: Frames a member may miss while its history is read; past it the join starts over.
CATCH_UP_MAX = 4096
#: Whether anybody was ever sanctioned in a room has to be asked.
ACTS_UNKNOWN = -1


class Member(Protocol):
    """A connection, as far as fan-out is concerned."""

    def send(self, frame: bytes) -> None:
        """Write what the member must get."""

    def send_ephemeral(self, frame: bytes) -> None:
        """Write what may be left out if the member reads slowly."""

    @property
    def user_id(self) -> str:
        """Who it is."""

    @property
    def direct_fd(self) -> int:
        """The descriptor that takes frames as they are; negative while this one needs care."""

    @property
    def transport(self) -> "WriteTransport":
        """Takes what the descriptor does not."""


class Room:
    """State of a room with local members. The hub owns it and does the writing."""

    __slots__ = (
        "about",
        "about_seq",
        "acts",
        "catching_up",
        "checked_seq",
        "display",
        "early",
        "ephemeral",
        "event_head",
        "filling",
        "group",
        "held",
        "lease",
        "member_count",
        "member_count_told",
        "members",
        "muted",
        "pending",
        "pending_bytes",
        "refill",
        "room_id",
        "slot",
        "stream",
        "users",
    )

    def __init__(self, room_id: str, slot: int = 0, group: int = 0) -> None:
        self.room_id = room_id
        self.slot = slot  # of a Redis Cluster
        self.group = group  # whose leases hold its members
        self.event_head = event_head(room_id)
        self.stream: Stream | None = None  # None until the head has been read
        self.early: list[Record] = []  # live records from before the head was read
        self.members: dict[Member, int] = {}  # local connections and their `direct_fd`
        self.users: dict[str, int] = {}  # local connections per user
        self.display: dict[str, bytes] = {}  # JSON display data of users that have some
        self.catching_up: dict[Member, list[bytes]] = {}  # live frames for who reads history now
        self.pending: list[bytes] = []  # frames of this tick
        self.pending_bytes = 0  # how much that is
        self.ephemeral: list[bytes] = []  # frames of this tick that may be left out
        self.filling = False  # a page of history is on its way
        self.refill = False  # and has to be asked for again
        self.checked_seq = -1  # position at the last head check
        self.member_count = 0  # in the whole cluster, as last heard
        self.member_count_told = 0  # what members of a large room know
        self.acts = ACTS_UNKNOWN  # last act of moderation heard of, or that there was at opening
        self.about: About = NOTHING  # what is set of the room, as last heard
        self.about_seq = -1  # as of where in the order that is so
        self.muted: dict[str, float] = {}  # local users and until when, by the loop's clock
        self.held = 0  # members our lease holds here, as last heard
        self.lease = ""  # the lease under which this room is on the list for sweepers

    def is_large(self, threshold: int) -> bool:
        """Whether only the number of members is told: there are many, or a rule says so."""
        return self.about.large or self.member_count > threshold

    @property
    def is_idle(self) -> bool:
        """Nobody here needs the room."""
        return not self.members and not self.catching_up

    def add(self, member: Member) -> None:
        """Make a connection a member, from the present position on."""
        self.members[member] = member.direct_fd

    def set_direct_fd(self, member: Member, fd: int) -> None:
        """Note that a connection may now be written to directly, or no longer."""
        if member in self.members:
            self.members[member] = fd

    def remove(self, member: Member) -> None:
        """Take a connection out; harmless if it is not in."""
        self.members.pop(member, None)
        self.catching_up.pop(member, None)

    def user_arrived(self, user_id: str) -> bool:
        """Count a connection of a user; return whether it is the first one here."""
        count = self.users.get(user_id, 0)
        self.users[user_id] = count + 1
        return count == 0

    def user_departed(self, user_id: str) -> bool:
        """Count a connection of a user out; return whether it was the last one here."""
        count = self.users.get(user_id, 0)
        if count > 1:
            self.users[user_id] = count - 1
            return False
        self.users.pop(user_id, None)
        return count == 1

    def flush(self, write: "Callable[[int, bytes], int]") -> tuple[int, int, int]:
        """Write what this tick brought to every member; return (messages, members, direct bytes).

        Messages that meet in one tick leave in one write per member: the system call is the cost
        of fan-out, not the bytes. For a member that needs no care it is the only cost: neither
        the connection nor its transport is touched, which the caches could not hold for all.

        Args:
            write: `os.write`, on non-blocking sockets.
        """
        messages = len(self.pending)
        durable = b"".join(self.pending)
        ephemeral = b"".join(self.ephemeral)
        everything = durable + ephemeral
        self.pending = []
        self.pending_bytes = 0
        self.ephemeral = []
        size, direct = len(everything), 0
        for member, fd in self.members.items():
            if fd >= 0:
                direct += 1
                try:
                    written = write(fd, everything)
                except OSError:
                    written = 0  # full, or broken: the transport finds out which
                if written != size:
                    member.transport.write(everything[written:])
            else:
                if durable:
                    member.send(durable)
                if ephemeral:
                    member.send_ephemeral(ephemeral)
        return messages, len(self.members), direct * size
