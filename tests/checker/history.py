"""What clients did and saw, in order, with monotonic times: the only input of the rules.

One send is one `cmid` (client message id): a message, or a change of one. It may take several
attempts: each is an `Invoke` with its outcome: `Ok` (acknowledged), `Fail` (refused for certain) or
`Info` (nobody knows).

A `digest` names what was said. It is empty where a later change has taken that away, as an edit or
a deletion does with the content of a message.
"""

from collections.abc import Iterable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import msgspec
from msgspec import Struct


class Position(NamedTuple):
    """A place in a room's order."""

    epoch: str
    seq: int


class Op(Struct, frozen=True, kw_only=True, tag_field="op", omit_defaults=True):
    """One thing that happened, at a monotonic time in seconds."""

    at: float


class ClientOp(Op, frozen=True, kw_only=True):
    """Something a client did or saw in a room."""

    client: str
    room: str

    @property
    def actor(self) -> tuple[str, str]:
        """Client and room: the unit that has a position."""
        return self.client, self.room


class Invoke(ClientOp, frozen=True, kw_only=True, tag="invoke"):
    """One attempt to send something; `session` counts the client's connections."""

    cmid: str
    digest: str
    session: int
    is_change: bool = False


class Ok(ClientOp, frozen=True, kw_only=True, tag="ok"):
    """The attempt was acknowledged with a place in the room."""

    cmid: str
    epoch: str
    seq: int
    message_id: str
    duplicate: bool = False


class Fail(ClientOp, frozen=True, kw_only=True, tag="fail"):
    """The attempt was refused, for certain without effect."""

    cmid: str
    code: str


class Info(ClientOp, frozen=True, kw_only=True, tag="info"):
    """The outcome of the attempt is unknown: no answer, or an uncertain one."""

    cmid: str
    why: str


class Entry(Struct, frozen=True, kw_only=True):
    """One stored message, as a history page shows it; `state` is the digest of all that it is."""

    epoch: str
    seq: int
    message_id: str
    cmid: str
    sender: str
    digest: str
    state: str = ""


class Recv(ClientOp, frozen=True, kw_only=True, tag="recv"):
    """A message, or a change of the message with this id, reached the client's application."""

    epoch: str
    seq: int
    message_id: str
    cmid: str
    sender: str
    digest: str


class Joined(ClientOp, frozen=True, kw_only=True, tag="joined"):
    """The client is a member; with `since_seq` it asked to resume from there."""

    epoch: str
    seq: int
    since_epoch: str | None = None
    since_seq: int | None = None
    recovered: bool | None = None


class Gap(ClientOp, frozen=True, kw_only=True, tag="gap"):
    """The client was told that it will not receive some messages."""

    reason: str
    epoch: str
    from_seq: int
    to_seq: int
    previous_epoch: str | None = None


class Read(ClientOp, frozen=True, kw_only=True, tag="read"):
    """All of a room's history that can be read at the end."""

    head: int
    entries: tuple[Entry, ...]


class State(ClientOp, frozen=True, kw_only=True, tag="state"):
    """What a client has made of each message, event by event; by id, the digest of all it is."""

    messages: dict[str, str]


class Presence(ClientOp, frozen=True, kw_only=True, tag="presence"):
    """The members of a room as one client was told."""

    members: tuple[str, ...]
    count: int


class Members(Op, frozen=True, kw_only=True, tag="members"):
    """From now on these are the members of a room, in truth."""

    room: str
    members: tuple[str, ...]


class Mark(ClientOp, frozen=True, kw_only=True, tag="mark"):
    """The client says that its user has read up to here."""

    epoch: str
    seq: int


class Marked(ClientOp, frozen=True, kw_only=True, tag="marked"):
    """That was acknowledged."""

    epoch: str
    seq: int


class Marker(ClientOp, frozen=True, kw_only=True, tag="marker"):
    """The client was told that a marker has moved; `session` counts its connections."""

    user: str
    epoch: str
    read_seq: int
    session: int | None = None


class Progress(ClientOp, frozen=True, kw_only=True, tag="progress"):
    """How far its user has read, as the client was told when it asked at `asked_at`, or joined.

    `held` is there in the end, when all is settled: what the client itself takes for read.
    """

    asked_at: float
    epoch: str
    head: int
    read_seq: int | None = None
    unread: int | None = None
    held: int | None = None
    is_last: bool = False


class Closed(Op, frozen=True, kw_only=True, tag="closed"):
    """A connection ended."""

    client: str
    code: int


class Fault(Op, frozen=True, kw_only=True, tag="fault"):
    """A fault began (`on`) or was over."""

    name: str
    on: bool
    detail: str = ""


AnyOp = (
    Invoke
    | Ok
    | Fail
    | Info
    | Recv
    | Joined
    | Gap
    | Read
    | State
    | Presence
    | Mark
    | Marked
    | Marker
    | Progress
    | Members
    | Closed
    | Fault
)
T = TypeVar("T", bound=Op)

_decoder = msgspec.json.Decoder(AnyOp)


class History:
    """An append-only list of operations that can be written to a file and judged again."""

    def __init__(self, ops: Iterable[Any] = ()) -> None:
        self.ops: list[Any] = list(ops)

    def add(self, op: Op) -> None:
        """Append what just happened."""
        self.ops.append(op)

    def of(self, kind: type[T]) -> Iterator[T]:
        """Yield the operations of one kind in order."""
        return (op for op in self.ops if isinstance(op, kind))

    def dump(self, path: Path) -> None:
        """Write one JSON object per line."""
        path.write_bytes(msgspec.json.Encoder().encode_lines(self.ops))

    @classmethod
    def load(cls, path: Path) -> "History":
        """Read what `dump` wrote."""
        return cls(_decoder.decode_lines(path.read_bytes()))

    def __len__(self) -> int:
        return len(self.ops)


def user_of(client: str) -> str:
    """Return the user of a client: `ann` has another device `ann.phone`."""
    return client.partition(".")[0]


def digest(content: str) -> str:
    """Return a short name for a payload."""
    return sha256(content.encode()).hexdigest()[:16]
