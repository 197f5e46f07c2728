"""What one device knows of its user's read marker in a room: pure, as docs/protocol.md asks."""

from tests.checker.history import Position


class Marking:
    """The furthest place that this device has said, and the furthest it knows to be read."""

    def __init__(self) -> None:
        self.held = 0
        self._said: Position | None = None

    def said(self, place: Position) -> None:
        """The user has read up to here on this device."""
        if self._said is None or place.seq > self._said.seq:
            self._said = place
        self.held = max(self.held, place.seq)

    def heard(self, read_seq: int) -> None:
        """The server says where the marker is."""
        self.held = max(self.held, read_seq)

    def reset(self, kept: int) -> None:
        """The store went back in time, to a seq."""
        self._said = None
        self.held = min(self.held, kept)

    def refused(self, place: Position) -> None:
        """The place means nothing any more."""
        if self._said == place:
            self._said = None

    def owed(self, read_seq: int) -> Position | None:
        """Return what has to be said again to a server that knows of so much."""
        return self._said if self._said and self._said.seq > read_seq else None
