"""What a client has seen of a room: its position, and whether the next event follows from it."""

from enum import Enum, auto

from chat.client.events import Position


class Step(Enum):
    """What an event at some place means for a client at its position."""

    NEXT = auto()
    SEEN = auto()
    HOLE = auto()
    SKIPPED = auto()


class Walk:
    """One room's positions in rising order, across connections.

    While it is *listening*, every event follows from the one before. It stops listening when an
    event could not be taken, and starts again with the answer to a join from its position: what
    comes in between is skipped, because it comes again.
    """

    def __init__(self, position: Position | None = None) -> None:
        self.position = position
        self.listening = False

    def joined(self, at: Position, since: Position | None) -> None:
        """Take the answer to a join; `since` is what the join asked for."""
        if since is not None:
            self.listening = since == self.position
        elif self.position is None:
            self.position = at
            self.listening = True
        # else: a member again, but of a room that is behind: it has to ask from its position first

    def step(self, to: Position) -> Step:
        """Return what an event at a place means; moves nothing."""
        if not self.listening:
            return Step.SKIPPED
        here = self.position
        if here is None or to.seq == here.seq + 1:
            return Step.NEXT
        if to.epoch == here.epoch and to.seq <= here.seq:
            return Step.SEEN
        return Step.HOLE

    def advance(self, to: Position) -> None:
        """Stand at the place of an event, or of a gap's end, that was handed over."""
        self.position = to

    def fall_behind(self) -> None:
        """Something was not taken: nothing after it counts until the room is joined from here."""
        self.listening = False
