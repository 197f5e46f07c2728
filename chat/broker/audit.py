"""The audit trail: every act of a moderator, in the order of the acts, in one capped stream."""

from msgspec import Struct, json

from chat.broker.keys import CONTROL_TAG
from chat.broker.store import Store
from chat.moderation.acts import Act


class Entry(Struct, frozen=True, kw_only=True):
    """An act as it was noted.

    Args:
        entry_id: its place in the trail.
        at_ms: when, by Redis' clock.
        act: who did what to whom, where and why.
    """

    entry_id: str
    at_ms: int
    act: Act


encode_act = json.Encoder().encode
_decoder = json.Decoder(Act)


class Audit:
    """Writes and reads it."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def write(self, act: Act) -> None:
        """Note an act. The trail holds no tokens and no messages.

        Raises:
            LinkError: no answer; it may have been noted.
        """
        store = self._store
        most = ("MAXLEN", "~", store.settings.audit_size)
        await store.ask(CONTROL_TAG, "XADD", store.keys.audit, *most, "*", "a", encode_act(act))

    async def page(self, before: str | None, limit: int) -> list[Entry]:
        """Return entries, newest first.

        Args:
            before: only those older than this entry.
            limit: how many at most.

        Raises:
            LinkError: no answer.
        """
        end = "+" if before is None else just_before(before)
        found = await self._store.ask(
            CONTROL_TAG, "XREVRANGE", self._store.keys.audit, end, "-", "COUNT", limit
        )
        return [_entry(entry_id.decode(), fields[1]) for entry_id, fields in found]


def just_before(entry_id: str) -> str:
    """Return the greatest id below another."""
    at_ms, number = map(int, entry_id.split("-"))
    return f"{at_ms}-{number - 1}" if number else str(max(0, at_ms - 1))


def _entry(entry_id: str, act: bytes) -> Entry:
    at_ms = int(entry_id.partition("-")[0])
    return Entry(entry_id=entry_id, at_ms=at_ms, act=_decoder.decode(act))
