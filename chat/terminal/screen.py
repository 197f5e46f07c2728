"""Where events are shown."""

from collections.abc import Callable
from typing import TextIO

from chat.client import Event
from chat.client.events import encode
from chat.terminal.plain import plain_json
from chat.terminal.wording import happened, said


class Screen:
    """Standard output and standard error, with nothing in them that a terminal would obey.

    Args:
        json: events as JSON instead of text.
        out: for what was said.
        err: for everything about it.
        on_unread: called once when nobody reads `out` any more, as after `| head`; what comes
            later is not written.
    """

    def __init__(
        self, *, json: bool, out: TextIO, err: TextIO, on_unread: Callable[[], None]
    ) -> None:
        self._json = json
        self._out = out
        self._err = err
        self._on_unread = on_unread
        self._is_read = True

    def show(self, event: Event) -> None:
        """Show an event."""
        if self._json:
            self.put(plain_json(encode(event)))
            return
        line = said(event)
        if line is not None:
            self.put(line)
            return
        line = happened(event)
        if line is not None:
            self.tell(line)

    def put(self, line: str) -> None:
        """Write a line of output."""
        if not self._is_read:
            return
        try:
            self._out.write(line + "\n")
            self._out.flush()
        except BrokenPipeError:
            self._is_read = False
            self._on_unread()

    def tell(self, sentence: str) -> None:
        """Write a line about what is going on."""
        self._err.write(f"chat: {sentence}\n")
        self._err.flush()
