"""What moderators do, from wherever they ask: checked, noted, done."""

from chat.broker.audit import Audit
from chat.broker.revocation_feed import token_life_s
from chat.broker.sanctions import Sanctions
from chat.broker.store import Store
from chat.broker.user_acts import UserActs
from chat.moderation.acts import OF_A_ROOM, Act, Kind
from chat.moderation.rules import check
from chat.protocol.about import AboutChange


class Moderation:
    """One way for all acts."""

    def __init__(self, store: Store) -> None:
        self.sanctions = Sanctions(store)
        self.audit = Audit(store)
        self._longest_s = store.settings.moderation_longest
        self._user_acts = UserActs(store, token_life_s(store.settings))

    async def act(self, act: Act) -> None:
        """Do something to a user; returns when it is stored and told.

        It is noted first, so that nothing is done without a trace. If it then fails, the trail has
        it all the same, and who asked again has it twice.

        Raises:
            CommandError: forbidden, invalid_message, banned.
            LinkError: no answer; it may have been done. Asking again does no harm.
        """
        check(act, self._longest_s)
        if act.kind not in OF_A_ROOM or act.room_id is None:
            await self.audit.write(act)
            await self._user_acts.add(act)
            return
        await self.sanctions.require_admitted(act.room_id, act.by)  # or the trail would fill up
        await self.audit.write(act)
        await self.sanctions.apply(act, act.room_id)

    async def note_room_change(self, room_id: str, change: AboutChange, by: str) -> None:
        """Note that somebody is about to set something of a room: retention can end messages.

        Raises:
            CommandError: banned, muted; nothing was noted, and the change would be refused.
            LinkError: no answer; it may have been noted.
        """
        await self.sanctions.require_heard(room_id, by)
        act = Act(kind=Kind.CHANGE_ROOM, by=by, on="", room_id=room_id, change=change)
        await self.audit.write(act)

    async def note_deletion(self, author: str, message_id: str, room_id: str, by: str) -> None:
        """Note that a moderator is about to delete a message; the trail gets nothing of its text.

        Raises:
            CommandError: banned, muted; nothing was noted, and the deletion would be refused.
            LinkError: no answer; it may have been noted.
        """
        await self.sanctions.require_heard(room_id, by)
        await self.audit.write(
            Act(
                kind=Kind.DELETE_MESSAGE,
                by=by,
                on=author,
                room_id=room_id,
                message_id=message_id,
            )
        )
