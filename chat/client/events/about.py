"""What is set of a room."""

from msgspec import Struct


class About(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """Title, topic and rules of a room; for what is None, or false, the server's settings hold.

    Attributes:
        title: what it is called.
        topic: what it is about.
        slow_mode_ms: so long a user waits between two messages.
        history_size: so many events are kept.
        history_ms: and for so long.
        read_only: only moderators write.
        large: nobody is told who comes and goes.
    """

    title: str | None = None
    topic: str | None = None
    slow_mode_ms: int | None = None
    history_size: int | None = None
    history_ms: int | None = None
    read_only: bool = False
    large: bool = False
