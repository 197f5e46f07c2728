"""Which rooms are in slow mode, from a setting: patterns and seconds."""

from functools import lru_cache

from chat.protocol.patterns import Pattern
from chat.settings import SettingsError


class SlowMode:
    """Looks up how long a user waits between two messages in a room.

    Args:
        text: `pattern=seconds` pairs, comma-separated; the first pattern that matches counts.

    Raises:
        SettingsError: a pair is not of that form.
    """

    def __init__(self, text: str) -> None:
        self._rules = tuple(_parse(part) for part in text.split(",") if part.strip())
        self.wait_ms = lru_cache(maxsize=4096)(self._wait_ms)

    def _wait_ms(self, room_id: str) -> int:
        for pattern, wait_ms in self._rules:
            if pattern.matches(room_id):
                return wait_ms
        return 0


def _parse(part: str) -> tuple[Pattern, int]:
    pattern, found, seconds = part.strip().partition("=")
    try:
        wait_s = float(seconds)
    except ValueError:
        wait_s = -1.0
    if not found or not pattern or not 0 <= wait_s <= 86400:
        raise SettingsError(
            f"CHAT_SLOW_MODE: {part.strip()!r} is not of the form room-pattern=seconds."
        )
    return Pattern(pattern), int(wait_s * 1000)
