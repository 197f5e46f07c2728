"""Private rooms, direct rooms and invitations: one way for all changes, from wherever they come.

    read the roster ─▶ may this user? ─▶ script: still that roster? ─▶ stored, with its event
                            ▲                     │ no                          │
                            └─────────────────────┘             the list of each user it concerns

The list and the inbox of a user are on that user's shard, so they are written behind the roster
(`chat/broker/settling.py`).
"""

import asyncio
import secrets
from collections.abc import Sequence
from typing import NamedTuple

import orjson

from chat.broker.audit import Audit
from chat.broker.broker import Broker
from chat.broker.changes import Unchanged
from chat.broker.listings import Listings
from chat.broker.outcomes import Outcome, Published, Raced, Same
from chat.broker.publication import EXEMPT, Publication
from chat.broker.refusals import busy, not_published
from chat.broker.retries import stored
from chat.broker.room_changes import RoomChange, RoomChanges
from chat.broker.rosters import Reading, RosterChange, Rosters
from chat.broker.settling import Settling
from chat.conversations import rules
from chat.conversations.kinds import PRIVATE, has_roster
from chat.conversations.rules import Remove, SetRole, View, Wish
from chat.conversations.seats import Seat
from chat.moderation.acts import Act, Kind
from chat.ops.stats import Stats
from chat.protocol.about import AboutChange
from chat.protocol.commands import Role
from chat.protocol.errors import CommandError, ErrorCode
from chat.settings import Settings

#: Rounds before a change is given up: each is lost to another change of the same roster.
TRIES = 16
#: What stands where a message has its id.
NAMELESS = "-"
_NEW_ID_BYTES = 16


class Actor(NamedTuple):
    """Who changes a roster.

    Args:
        user_id: a user, or the name of an API key.
        is_trusted: a back end that may moderate.
    """

    user_id: str
    is_trusted: bool = False


class Conversations:
    """Changes rosters.

    Args:
        broker: stores events.
        room_changes: gives new rooms a title and a topic.
        rosters: what there is.
        listings: how many rooms a user has.
        settling: brings the lists of users up to date.
        audit: hears of what is done to others, before it is.
        settings: limits.
        stats: counts changes.
    """

    def __init__(
        self,
        broker: Broker,
        room_changes: RoomChanges,
        rosters: Rosters,
        listings: Listings,
        settling: Settling,
        audit: Audit,
        settings: Settings,
        stats: Stats,
    ) -> None:
        self.rosters = rosters
        self._broker = broker
        self._room_changes = room_changes
        self._listings = listings
        self._settling = settling
        self._audit = audit
        self._settings = settings
        self._stats = stats

    # ------------------------------------------------------------------- making

    def new_room_id(self) -> str:
        """Return an id that nobody guesses and no room has."""
        return PRIVATE + secrets.token_urlsafe(_NEW_ID_BYTES)

    async def create(
        self,
        owner: str,
        room_id: str,
        invited: Sequence[str],
        about: AboutChange,
        by: str | None = None,
    ) -> AboutChange:
        """Make a private room: `owner` owns it, others are invited as members.

        Returns what is set of it: title and topic as the word filter leaves them.

        Args:
            owner: the first participant.
            room_id: of the room.
            invited: who may answer.
            about: title and topic, known to who is invited.
            by: who makes it, if that is not the owner.

        Raises:
            CommandError: room_exists, too_many_rooms, too_many_participants, invalid_message,
                content_refused, banned, unavailable.
            LinkError: Redis is away; it may have been done.
        """
        about = self._room_changes.checked(room_id, about)
        others = [user_id for user_id in dict.fromkeys(invited) if user_id != owner]
        if len(others) >= self._settings.participants_per_room:
            raise CommandError(
                ErrorCode.TOO_MANY_PARTICIPANTS,
                f"A room may have {self._settings.participants_per_room} participants.",
            )
        await self._require_space([owner, *others])
        seats = {owner: Seat(Role.OWNER)}
        seats |= dict.fromkeys(others, Seat(Role.MEMBER, invited=True))
        outcome = await self._make(by or owner, room_id, seats, owners=1)
        if isinstance(outcome, Raced):
            raise CommandError(ErrorCode.ROOM_EXISTS, "There is a room of this id.")
        self._judged("create", outcome)
        if about != AboutChange():
            change = RoomChange(room_id, owner, None, None, about, is_birth=True)
            described = await self._room_changes.make(change)
            if not isinstance(described, Published | Unchanged):
                raise not_published(described)
        await self._settling.settle_all(room_id, seats, by or owner)
        return about

    async def open_direct(self, user_ids: Sequence[str], by: str, room_id: str) -> bool:
        """Open the direct room of some users; return whether it had been there before.

        Raises:
            CommandError: too_many_rooms, unavailable.
            LinkError: Redis is away; it may have been done.
        """
        users = sorted(set(user_ids))
        found = await self.rosters.read(room_id, users)
        if found.version:
            await self._settling.repair(room_id, found.unsettled)
            return True
        await self._require_space(users)
        seats = dict.fromkeys(users, Seat(Role.MEMBER))
        outcome = await self._make(by, room_id, seats, owners=0)
        if isinstance(outcome, Raced):
            return True
        self._judged("open_direct", outcome)
        await self._settling.settle_all(room_id, seats, by)
        return False

    async def _make(self, by: str, room_id: str, seats: dict[str, Seat], *, owners: int) -> Outcome:
        each = [(user, seat, _body(by, user, seat)) for user, seat in seats.items()]
        return await self._store(by, room_id, RosterChange(b"", owners, len(each), each))

    async def _require_space(self, user_ids: Sequence[str]) -> None:
        most = self._settings.rooms_per_user
        counts = await asyncio.gather(*map(self._listings.count, user_ids))
        full = [user for user, count in zip(user_ids, counts, strict=True) if count >= most]
        if full:
            raise CommandError(
                ErrorCode.TOO_MANY_ROOMS, f"{full[0]} is in as many rooms as a user may be."
            )

    # ----------------------------------------------------------------- changing

    async def change(
        self,
        actor: Actor,
        room_id: str,
        target: str,
        wish: Wish,
        client_message_id: str | None = None,
    ) -> Published | None:
        """Change the seat of a user; None when it is so already.

        Raises:
            CommandError: forbidden, invalid_message, last_owner, too_many_participants,
                too_many_rooms, banned, busy, unavailable, not_replicated.
            LinkError: Redis is away; it may have been done, and asking again does no harm.
        """
        if not has_roster(room_id):
            raise CommandError(ErrorCode.FORBIDDEN, "This room has no roster.")
        is_noted = False
        outcome: Outcome = Raced(None)
        for _ in range(TRIES):
            reading = await self.rosters.read(room_id, [actor.user_id, target])
            view = _view(actor, room_id, target, reading)
            verdict = rules.judge(wish, view, self._settings.participants_per_room)
            if verdict is None:
                return None
            if verdict.size > view.size:
                await self._require_space([target])
            if not is_noted and (act := _act(actor, room_id, target, wish)) is not None:
                await self._audit.write(act)
                is_noted = True
            body = _body(actor.user_id, target, verdict.seat, client_message_id)
            change = RosterChange(
                reading.version,
                verdict.owners,
                verdict.size,
                [(target, verdict.seat, body)],
                if_banned=view.is_self and verdict.seat is None,
            )
            outcome = await self._store(actor.user_id, room_id, change, client_message_id)
            if not isinstance(outcome, Raced):
                published = self._judged(_name(wish), outcome)
                await self._settling.settle_all(room_id, [target], actor.user_id)
                return published
            self._stats.roster_changes_raced += 1
        raise busy("Too many change this room at once, try again.")

    async def _store(
        self,
        by: str,
        room_id: str,
        change: RosterChange,
        client_message_id: str | None = None,
    ) -> Outcome:
        publication = Publication(
            room_id, by, NAMELESS, b"", client_message_id, EXEMPT, change, needs_seat=False
        )
        return await stored(self._broker, publication)

    def _judged(self, name: str, outcome: Outcome) -> Published:
        if isinstance(outcome, Same):
            raise TypeError("a roster says no such thing")
        if not isinstance(outcome, Published):
            raise not_published(outcome)
        self._stats.roster_changes.add(name)
        return outcome


def _view(actor: Actor, room_id: str, target: str, reading: Reading) -> View:
    own, theirs = reading.held
    return View(
        room_id,
        None if own is None else own.seat,
        None if theirs is None else theirs.seat,
        is_self=actor.user_id == target,
        is_trusted=actor.is_trusted,
        owners=reading.owners,
        size=reading.size,
    )


def _act(actor: Actor, room_id: str, target: str, wish: Wish) -> Act | None:
    """Return what the audit trail is told; None of what one does to oneself, and of invitations."""
    if actor.user_id == target:
        return None
    if isinstance(wish, Remove):
        return Act(kind=Kind.REMOVE_PARTICIPANT, by=actor.user_id, on=target, room_id=room_id)
    if isinstance(wish, SetRole):
        return Act(
            kind=Kind.SET_ROLE,
            by=actor.user_id,
            on=target,
            room_id=room_id,
            role=wish.role.value,
        )
    return None


_NAMES = {rules.Invite: "invite", rules.Answer: "answer", SetRole: "set_role", Remove: "remove"}


def _name(wish: Wish) -> str:
    return _NAMES[type(wish)]


def _body(by: str, user_id: str, seat: Seat | None, client_message_id: str | None = None) -> bytes:
    """Encode what is known here of a `participant_changed`."""
    participant: dict[str, str | bool | None] = {
        "userId": user_id,
        "role": None if seat is None else seat.role.value,
    }
    if seat is not None and seat.invited:
        participant["invited"] = True
    fields: dict[str, object] = {"userId": by}
    if client_message_id is not None:
        fields["clientMessageId"] = client_message_id
    return orjson.dumps(fields | {"participant": participant})[1:]
