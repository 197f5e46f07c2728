"""Up to where one has read a room: pure."""

from chat.client.events import Gap, Position, ReadMarker, RoomJoined


class Reading:
    """One's read marker, as this device and the others have moved it."""

    def __init__(self) -> None:
        self.seq: int | None = None  # None while nothing is known to be read
        self.user_id: str | None = None  # whose markers count
        self._wanted: Position | None = None
        self._told: Position | None = None

    def joined(self, event: RoomJoined) -> None:
        """The server says where the marker is; what was read here meanwhile stays read."""
        if event.read_seq is not None:
            self._forward(event.read_seq)

    def heard(self, event: ReadMarker) -> None:
        """Somebody has read on."""
        if event.user_id == self.user_id:
            self._forward(event.read_seq)

    def lost(self, gap: Gap) -> None:
        """What was read after a reset is not there any more."""
        if gap.reason == "reset":
            self._wanted = self._told = None
            if self.seq is not None:
                self.seq = min(self.seq, gap.from_seq)

    def read(self, position: Position) -> None:
        """One has read up to here, on this device."""
        if self._wanted is None or position.seq > self._wanted.seq:
            self._wanted = position
        self._forward(position.seq)

    @property
    def untold(self) -> Position | None:
        """The place that the server has to be told, None if it knows."""
        return None if self._wanted == self._told else self._wanted

    def told(self, position: Position) -> None:
        """The server knows of it."""
        self._told = position

    def _forward(self, seq: int) -> None:
        self.seq = seq if self.seq is None else max(self.seq, seq)
