"""What Redis knows of uploaded files: what one may attach, and when each is to be removed.

The note about a file lies under the tag of its room for as long as the file may be attached, so it
is attached in that room or nowhere. When a file is to be removed stands in a sorted set: soon, in
case that nobody attaches it; once attached, when it is too old; now, once its message is deleted. A
file is in there from before it is stored until after it is removed, so that no crash leaves one
behind. Whoever holds the lease of the sweep removes what is due.

The time of a removal is by the clock of whoever asks for it: minutes do not matter.
"""

import asyncio
import time
from collections.abc import Sequence
from typing import Any

import orjson

from chat.broker.store import Store
from chat.protocol.errors import CommandError, ErrorCode

#: How much longer a file lives than the note without which nobody can attach it.
MARGIN_S = 600.0

#: What a message says of a file, as on the wire.
Attachment = dict[str, Any]


class Files:
    """The files of all rooms.

    Args:
        store: the Redis connection.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._keys = store.keys

    async def expect(self, room_id: str, file_id: str) -> None:
        """Note when a file is to be removed if nobody attaches it; before it is stored.

        Raises:
            LinkError: no answer.
        """
        life_s = self._store.settings.upload_unused_ttl + MARGIN_S
        await self._remove_at(room_id, [file_id], time.time() + life_s)

    async def offer(self, room_id: str, user_id: str, attachment: Attachment) -> None:
        """Let the user who uploaded a file attach it.

        Raises:
            LinkError: no answer.
        """
        note = orjson.dumps({"by": user_id, "attachment": attachment})
        life_ms = int(self._store.settings.upload_unused_ttl * 1000)
        key = self._keys.file(room_id, attachment["id"])
        await self._store.ask(room_id, "SET", key, note, "PX", life_ms)

    async def attached(
        self, room_id: str, user_id: str, file_ids: Sequence[str]
    ) -> list[Attachment]:
        """Return what a message says of its files, and keep these from now on.

        Raises:
            CommandError: no_such_file.
            LinkError: no answer.
        """
        wanted = list(dict.fromkeys(file_ids))
        if not wanted:
            return []
        notes = await asyncio.gather(
            *(self._store.ask(room_id, "GET", self._keys.file(room_id, one)) for one in wanted)
        )
        found = [orjson.loads(note) for note in notes if note is not None]
        if len(found) < len(wanted) or any(note["by"] != user_id for note in found):
            raise CommandError(
                ErrorCode.NO_SUCH_FILE, "There is no such file of yours for this room any more."
            )
        retention_s = self._store.settings.upload_retention
        if retention_s:
            await self._remove_at(room_id, wanted, time.time() + retention_s)
        else:
            await self._ask(self._keys.group(room_id), "ZREM", *wanted)
        return [note["attachment"] for note in found]

    async def drop(self, room_id: str, file_ids: Sequence[str]) -> None:
        """Have files removed with the next sweep; nobody can attach them any more.

        Raises:
            LinkError: no answer.
        """
        await self._remove_at(room_id, file_ids, 0.0)
        for file_id in file_ids:
            await self._store.ask(room_id, "DEL", self._keys.file(room_id, file_id))

    # --------------------------------------------------------------------- sweep

    async def may_sweep(self, group: int, holder: str, lease_s: float) -> bool:
        """Take the lease of a group's sweep, if nobody holds it.

        Raises:
            LinkError: no answer.
        """
        lease = self._keys.files_sweep(group)
        return bool(
            await self._ask(group, "SET", holder, "NX", "PX", int(lease_s * 1000), key=lease)
        )

    async def due(self, group: int, limit: int) -> list[str]:
        """Return files that are to be removed, the longest due first.

        Raises:
            LinkError: no answer.
        """
        until = str(time.time())
        found = await self._ask(group, "ZRANGEBYSCORE", "-inf", until, "LIMIT", 0, limit)
        return [member.decode() for member in found]

    async def removed(self, group: int, file_ids: Sequence[str]) -> None:
        """Forget files that are gone.

        Raises:
            LinkError: no answer.
        """
        await self._ask(group, "ZREM", *file_ids)

    async def _remove_at(self, room_id: str, file_ids: Sequence[str], at_s: float) -> None:
        places = [word for file_id in file_ids for word in (f"{at_s:.0f}", file_id)]
        await self._ask(self._keys.group(room_id), "ZADD", *places)

    async def _ask(self, group: int, command: str, *args: str | int, key: str = "") -> Any:
        key = key or self._keys.files_due(group)
        return await self._store.ask(self._keys.lease_tag(group), command, key, *args)
