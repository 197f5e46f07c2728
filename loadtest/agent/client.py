"""One client and its room, as small as they can be: an agent holds tens of thousands.

An idle client is one object with slots and a few integers. What only some clients need now and
then (bytes of a frame that is not whole, messages without an `ack`, a time to come back) is kept
by who handles it, in dictionaries that are empty most of the time.
"""

from loadtest.agent.tracking import NO_POSITION, Head

# What a client is doing. From AUTHENTICATING on it speaks frames.
AWAY = 0  # not arrived yet, or waiting to come back
CONNECTING = 1
SECURING = 2  # TLS
UPGRADING = 3
AUTHENTICATING = 4  # waits for `connected`
JOINING = 5
LEAVING = 6
IN = 7
GAVE_UP = 8

NO_FD = -1


class Room:
    """What the members of a room on this agent have in common."""

    __slots__ = ("active", "epoch", "head", "number", "prefix", "room_id")

    def __init__(self, number: int, room_id: str) -> None:
        self.number = number
        self.room_id = room_id
        self.head = Head()
        self.active = False  # something was said in it
        self.epoch = ""
        #: How its messages begin, up to `"seq":`, in the newest epoch; a number follows.
        self.prefix = b""
        self.enter("")

    def enter(self, epoch: str) -> str:
        """Expect messages of this epoch; return the room's copy of its name."""
        if epoch != self.epoch or not self.prefix:
            self.epoch = epoch
            self.prefix = (
                f'{{"type":"chat_message","roomId":"{self.room_id}","epoch":"{epoch}","seq":'
            ).encode()
        return self.epoch


class Client:
    """One client; `epoch` and `seq` are its position in its room."""

    __slots__ = (
        "attempt",
        "epoch",
        "fd",
        "met",
        "number",
        "room",
        "seq",
        "since_ns",
        "slow",
        "state",
    )

    def __init__(self, number: int, room: Room, *, slow: bool) -> None:
        self.number = number
        self.room = room
        self.slow = slow
        self.fd = NO_FD
        self.state = AWAY
        self.met = False  # it was in its room already
        self.epoch = ""
        self.seq = NO_POSITION
        self.attempt = 0  # tries since it was last in for a while
        #: In: since when. Not in: since when it wants to be, which its latency counts from.
        self.since_ns = 0

    @property
    def settled(self) -> bool:
        """Whether it ought to have everything that was said in its room."""
        return self.state == IN and not self.slow
