"""Up to where one has read a room: pure."""

from chat.client.events import Gap, Position, ReadMarker, RoomJoined


class Reading:
    """One's read marker, as this device and the others have moved it."""

    def __init__(self) -> None:
        self.user_id: str | None = None  # whose markers count
        self.is_private = False  # others are not told of the place that this device is at
        self._known: int | None = None  # what the server has said, and was told
        self._wanted: Position | None = None
        self._told: Position | None = None

    @property
    def seq(self) -> int | None:
        """Up to where one has read; None while nothing is known to be read."""
        if self._wanted is None:
            return self._known
        return max(self._wanted.seq, self._known or 0)

    def joined(self, event: RoomJoined) -> None:
        """The server says where the marker is; what was read here meanwhile stays read.

        It may know less than it was told: a worker was killed that had only taken note.
        """
        if event.read_seq is not None:
            self._forward(event.read_seq)
        if self._told is not None and self._told.seq > (event.read_seq or 0):
            self._told = None

    def heard(self, event: ReadMarker) -> None:
        """Somebody has read on."""
        if event.user_id == self.user_id:
            self._forward(event.read_seq)

    def lost(self, gap: Gap) -> None:
        """What was read after a reset is not there any more."""
        if gap.reason == "reset":
            seq = self.seq
            self._wanted = self._told = None
            self._known = None if seq is None else min(seq, gap.from_seq)

    def read(self, position: Position, *, is_private: bool = False) -> None:
        """One has read up to here, on this device."""
        if self._wanted is None or position.seq > self._wanted.seq:
            self._wanted = position
            self.is_private = is_private

    @property
    def untold(self) -> Position | None:
        """The place that the server has to be told, None if it knows."""
        return None if self._wanted == self._told else self._wanted

    def told(self, position: Position) -> None:
        """The server knows of it."""
        self._told = position
        self._forward(position.seq)

    def refused(self, position: Position) -> None:
        """The place means nothing to the server: it is of an epoch that is gone."""
        if self._wanted == position:
            self._wanted = self._told

    def _forward(self, seq: int) -> None:
        self._known = seq if self._known is None else max(self._known, seq)
