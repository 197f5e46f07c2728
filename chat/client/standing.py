"""What a room is like, and what one is in it: pure."""

from chat.client.events import About, Ordered, ParticipantChanged, RoomChanged, RoomJoined


class Standing:
    """What is set of a room, and one's own role, as last heard."""

    def __init__(self) -> None:
        self.about = About()
        self.role: str | None = None
        self._known_to = 0  # a join tells how it is: what led there and comes later is not news

    def joined(self, event: RoomJoined) -> None:
        """The server says how it is."""
        self.about = event.room
        self.role = event.role
        self._known_to = event.seq

    def lost(self, kept: int) -> None:
        """The store went back in time, to a seq."""
        self._known_to = min(self._known_to, kept)

    def apply(self, event: Ordered, user_id: str | None) -> None:
        """Take an event of the room.

        Args:
            event: at its place.
            user_id: who one is.
        """
        if event.seq <= self._known_to:
            return
        match event:
            case RoomChanged():
                self.about = event.room
            case ParticipantChanged() if event.participant.user_id == user_id:
                self.role = event.participant.role
