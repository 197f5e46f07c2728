"""What a connection tells the layer above."""

from typing import Protocol


class Handler(Protocol):
    """The owner of a connection; every call is synchronous and must not block."""

    def on_text(self, text: str) -> None:
        """A complete text message arrived."""

    def on_binary(self, data: bytes) -> None:
        """A complete binary message arrived."""

    def on_visit(self, now_s: float) -> float:
        """The timer wheel came by; return in how many seconds at most to come again."""

    def on_direct(self, fd: int) -> None:
        """From now on frames may be written to descriptor `fd` as they are; -1: not any more."""

    def on_closed(self, code: int) -> None:
        """The connection is gone, once. `code` is what the closing side said, 1006 if nothing."""
