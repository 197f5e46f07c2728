"""Who is typing, and when to say that one is: pure, with the time as an argument in seconds."""

from chat.client.events import ChatMessage, Event, TypingChanged, UserLeft

#: The server passes one on in two seconds; a client repeats it while typing goes on.
REPEAT_S = 3.0
_EXPIRES_MS = 6000
#: More are not worth remembering: nobody can show them.
MAX_TYPISTS = 50


class Typists:
    """Who is typing in a room."""

    def __init__(self) -> None:
        self._until: dict[str, float] = {}

    def apply(self, event: Event, now: float) -> None:
        """Take an event of the room."""
        match event:
            case TypingChanged(is_typing=True):
                if len(self._until) < MAX_TYPISTS or event.user_id in self._until:
                    expires_ms = event.expires_in_ms or _EXPIRES_MS
                    self._until[event.user_id] = now + expires_ms / 1000
            case TypingChanged() | ChatMessage() | UserLeft():
                self._until.pop(event.user_id, None)

    def now(self, now: float) -> tuple[str, ...]:
        """Return the user ids of those who type, in the order in which they began."""
        self._until = {user: until for user, until in self._until.items() if until > now}
        return tuple(self._until)

    def clear(self) -> None:
        """Nothing is known any more."""
        self._until.clear()


class TypingThrottle:
    """Which of a program's calls are worth telling the server."""

    def __init__(self) -> None:
        self._said_at: float | None = None

    def worth(self, is_typing: bool, now: float) -> bool:
        """Whether to send it; to be called for what will then be sent."""
        if not is_typing:
            was, self._said_at = self._said_at, None
            return was is not None
        if self._said_at is not None and now - self._said_at < REPEAT_S:
            return False
        self._said_at = now
        return True

    def published(self) -> None:
        """A message was sent: everyone takes its author to have stopped."""
        self._said_at = None
