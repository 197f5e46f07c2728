"""The command side of Redis: rooms are published, read and joined here, by script.

One link carries all commands of a worker. While it is down every call fails at once, so that a
client hears `unavailable` within a moment and not after a timeout.
"""

import asyncio
import logging
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from chat.broker import scripts
from chat.broker.keys import Keys
from chat.broker.link import (
    CommandFailedError,
    LinkDownError,
    LinkError,
    RedisLink,
    Reply,
    open_link,
)
from chat.broker.pacing import Pacing
from chat.broker.scripts import Script
from chat.ops.stats import Stats
from chat.protocol.records import Page, decode_page
from chat.settings import Settings

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Published:
    """A message is stored at this place and on its way to everyone."""

    epoch: str
    seq: int
    timestamp_ms: int
    message_id: str
    duplicate: bool


@dataclass(frozen=True, slots=True)
class TooSoon:
    """Slow mode: nothing was stored."""

    wait_ms: int


Outcome = Published | TooSoon | LinkError


@dataclass(frozen=True, slots=True)
class Publication:
    """What goes into the publish script."""

    room_id: str
    user_id: str
    message_id: str
    body: bytes
    client_message_id: str | None
    slow_mode_ms: int


class Broker:
    """Commands to Redis over one self-healing link.

    Args:
        on_up: called after each (re)connection; the argument tells whether the history may have
            changed meanwhile (another Redis process, a promotion).
    """

    def __init__(
        self, settings: Settings, stats: Stats, name: str, *, on_up: Callable[[bool], None]
    ) -> None:
        self.keys = Keys(settings.redis_prefix)
        self.history_id = ""
        self._settings = settings
        self._stats = stats
        self._name = name
        self._on_up = on_up
        self._link: RedisLink | None = None
        self._refreshing: asyncio.Future[None] | None = None

    @property
    def is_up(self) -> bool:
        """Commands can be sent."""
        return self._link is not None and self._link.is_up

    # ------------------------------------------------------------------- link

    async def run(self) -> None:
        """Stay connected until cancelled."""
        pacing = Pacing()
        while True:
            try:
                link = await self._open()
            except (OSError, LinkError) as exc:
                log.warning("redis_connect_failed", extra={"error": str(exc)})
                await pacing.wait()
                continue
            pacing.reset()
            await self._serve(link)
            self._stats.redis_reconnects.add("command")

    async def _open(self) -> RedisLink:
        link = await open_link(
            self._settings.redis_url,
            timeout_s=self._settings.redis_connect_timeout,
            max_in_flight=self._settings.redis_max_in_flight,
            name=self._name,
        )
        try:
            async with asyncio.timeout(self._settings.redis_connect_timeout):
                for script in scripts.ALL:
                    await link.ask("SCRIPT", "LOAD", script.source)
                history_id = await _history_id(link)
        except TimeoutError:
            link.close()
            raise OSError("no answer from Redis in time") from None
        except BaseException:
            link.close()
            raise
        changed = history_id != self.history_id
        self.history_id = history_id
        self._link = link
        self._stats.redis_up = 1
        self._on_up(changed)
        return link

    async def _serve(self, link: RedisLink) -> None:
        """Watch a link until it is lost, and cut it when Redis stops answering."""
        try:
            while not link.lost.done():
                await asyncio.wait([link.lost], timeout=self._settings.redis_timeout / 2)
                self._stats.redis_in_flight = link.in_flight
                if not link.check():
                    log.warning("redis_stuck", extra={"in_flight": link.in_flight})
                    link.close(LinkError("no answer in time"))
            log.warning("redis_connection_lost", extra={"error": str(link.lost.result())})
        finally:
            self._link = None
            self._stats.redis_up = 0
            link.close()

    async def refresh_history_id(self) -> bool:
        """Ask Redis again which history it writes; return whether that changed.

        Raises:
            LinkError: no answer.
        """
        link = self._require()
        history_id = await _history_id(link)
        changed = history_id != self.history_id
        self.history_id = history_id
        return changed

    def _require(self) -> RedisLink:
        if self._link is None:
            raise LinkDownError("not connected to Redis")
        return self._link

    # --------------------------------------------------------------- messages

    def publish(self, publication: Publication, done: Callable[[Outcome], None]) -> None:
        """Store and publish one message; `done` is called exactly once.

        Order: messages of one worker to one room keep their order.
        Atomic: one script; see `scripts/room_publish.lua`.
        """
        self._publish(publication, done, retry=True)

    def _publish(
        self, publication: Publication, done: Callable[[Outcome], None], *, retry: bool
    ) -> None:
        room_id, user_id = publication.room_id, publication.user_id
        settings, keys = self._settings, self.keys
        stream = keys.stream(room_id)
        client_id = publication.client_message_id
        slow_ms = publication.slow_mode_ms

        def settle(reply: Reply) -> None:
            if isinstance(reply, Exception):
                done(_as_link_error(reply))
            elif reply[0] == b"slow":
                done(TooSoon(max(1, reply[1])))
            elif reply[0] == b"stale":
                if retry:
                    self._after_refresh(lambda: self._publish(publication, done, retry=False), done)
                else:
                    done(LinkDownError("the history id is out of date"))
            else:
                kind, epoch, seq, timestamp, message_id = reply
                done(
                    Published(
                        epoch.decode(),
                        int(seq),
                        int(timestamp),
                        message_id.decode(),
                        kind == b"dup",
                    )
                )

        try:
            self._evaluate(
                scripts.ROOM_PUBLISH,
                settle,
                (
                    stream,
                    keys.history(room_id),
                    keys.sent(room_id, user_id, client_id) if client_id else stream,
                    keys.slow(room_id, user_id) if slow_ms else stream,
                ),
                keys.channel(room_id),
                self.history_id,
                _fresh_epoch(),
                publication.message_id,
                publication.body,
                settings.history_size,
                int(settings.history_ttl * 1000),
                int(settings.stream_ttl * 1000),
                int(settings.idempotency_window * 1000) if client_id else 0,
                slow_ms,
            )
        except LinkError as exc:
            done(exc)

    def _after_refresh(self, then: Callable[[], None], done: Callable[[Outcome], None]) -> None:
        """Run `then` once the history id is fresh; one question to Redis serves all who wait."""
        if self._refreshing is None:
            self._refreshing = asyncio.ensure_future(self._refresh())

        def proceed(refreshed: "asyncio.Future[None]") -> None:
            if refreshed.cancelled() or refreshed.exception() is not None:
                done(LinkDownError("the history id is out of date"))
            else:
                then()

        self._refreshing.add_done_callback(proceed)

    async def _refresh(self) -> None:
        try:
            changed = await self.refresh_history_id()
        finally:
            self._refreshing = None
        if changed:
            self._on_up(True)

    def publish_ephemeral(self, room_id: str, payload: bytes) -> None:
        """Publish something that is not stored and may be lost.

        Raises:
            LinkError: not sent.
        """
        self._require().call(self._count_error, "PUBLISH", self.keys.channel(room_id), payload)

    def read(
        self, room_id: str, first_seq: int, count: int, done: Callable[[Page | LinkError], None]
    ) -> None:
        """Read the head of a room and up to `count` records, from `first_seq` or the oldest on.

        A `count` of 0 reads the head only.
        """

        def settle(reply: Reply) -> None:
            if isinstance(reply, Exception):
                done(_as_link_error(reply))
            elif not reply:
                self._after_refresh(
                    lambda: self.read(room_id, first_seq, count, done),
                    lambda outcome: done(_as_link_error(outcome)),
                )
            else:
                done(decode_page(reply))

        try:
            self._evaluate(
                scripts.ROOM_READ,
                settle,
                (
                    self.keys.stream(room_id),
                    self.keys.history(room_id),
                    self.keys.members(room_id),
                ),
                self.history_id,
                _fresh_epoch(),
                int(self._settings.stream_ttl * 1000),
                first_seq,
                count,
            )
        except LinkError as exc:
            done(exc)

    async def read_page(self, room_id: str, first_seq: int = 1, count: int = 0) -> Page:
        """As `read`, for who can wait.

        Raises:
            LinkError: no answer.
        """
        future: asyncio.Future[Page] = asyncio.get_running_loop().create_future()

        def settle(page: Page | LinkError) -> None:
            if future.done():
                return
            if isinstance(page, LinkError):
                future.set_exception(page)
            else:
                future.set_result(page)

        self.read(room_id, first_seq, count, settle)
        return await future

    # --------------------------------------------------------------- presence

    async def set_member(
        self, room_id: str, lease: str, user_id: str, info: bytes, *, present: bool
    ) -> tuple[int, int]:
        """Put a member into a room for a lease, or take it out.

        Returns:
            The member count of the room, and how many members the lease holds in it.

        Raises:
            LinkError: no answer.
        """
        count, held = await self._evaluated(
            scripts.MEMBER_SET,
            (self.keys.members(room_id), self.keys.held(room_id, lease)),
            self.keys.channel(room_id),
            user_id,
            1 if present else 0,
            info,
            self._settings.large_room_members,
        )
        return count, held

    async def members(
        self, room_id: str, cursor: str, limit: int
    ) -> tuple[int, str, list[tuple[str, bytes]]]:
        """Return (member count, next cursor, [(user id, display data)]) of a room.

        `limit` is a hint: small rooms come whole, as Redis stores them packed.

        Raises:
            LinkError: no answer.

        Source: Redis HSCAN; a member present throughout the listing appears at least once.
        """
        link = self._require()
        key = self.keys.members(room_id)
        count, (following, flat) = await asyncio.gather(
            link.ask("HLEN", key), link.ask("HSCAN", key, cursor, "COUNT", limit)
        )
        found = [
            (user.decode(), value.partition(b"|")[2])
            for user, value in zip(flat[::2], flat[1::2], strict=True)
        ]
        return int(count), following.decode(), found

    async def note_lease_room(self, lease: str, room_id: str, *, held: bool) -> None:
        """Keep the list of rooms a sweeper would have to visit."""
        command = "SADD" if held else "SREM"
        await self._require().ask(command, self.keys.lease_rooms(lease), room_id)

    async def renew_lease(self, lease: str, ttl_s: float, *, new: bool) -> tuple[bool, list[str]]:
        """Renew a lease; return whether it is kept and which leases have run out.

        Raises:
            LinkError: no answer.
        """
        reply = await self._evaluated(
            scripts.LEASE_RENEW, (self.keys.leases,), lease, int(ttl_s * 1000), 1 if new else 0
        )
        return reply[0] == 1, [expired.decode() for expired in reply[1:]]

    async def claim_sweep(self, lease: str, claim_s: float) -> bool:
        """Become the one who cleans up behind a lease, for a while."""
        return (
            await self._require().ask(
                "SET", self.keys.sweep(lease), self._name, "NX", "PX", int(claim_s * 1000)
            )
            is not None
        )

    async def lease_rooms(self, lease: str, limit: int) -> list[str]:
        """Return some rooms in which a lease holds members; empty when there are none."""
        rooms = await self._require().ask("SRANDMEMBER", self.keys.lease_rooms(lease), limit)
        return [room.decode() for room in rooms]

    async def sweep_members(self, room_id: str, lease: str, limit: int) -> int:
        """Take up to about `limit` of a lease's members out of a room; return how many are left."""
        return int(
            await self._evaluated(
                scripts.MEMBER_SWEEP,
                (self.keys.members(room_id), self.keys.held(room_id, lease)),
                self.keys.channel(room_id),
                limit,
                self._settings.large_room_members,
            )
        )

    async def forget_lease(self, lease: str) -> None:
        """A lease is swept: drop it from the list."""
        link = self._require()
        await link.ask("ZREM", self.keys.leases, lease)
        await link.ask("DEL", self.keys.lease_rooms(lease), self.keys.sweep(lease))

    async def end_lease(self, lease: str, in_s: float) -> None:
        """Let a lease run out in `in_s` seconds by Redis' clock, for another worker to sweep."""
        seconds, micros = await self._require().ask("TIME")
        ends_ms = int(seconds) * 1000 + int(micros) // 1000 + int(in_s * 1000)
        await self._require().ask("ZADD", self.keys.leases, "XX", ends_ms, lease)

    # ------------------------------------------------------------------ limits

    async def settle_budget(self, user_id: str, spent: Sequence[int]) -> list[int]:
        """Take what a user spent here from the cluster's buckets; return what is left in each.

        Args:
            user_id: whose buckets.
            spent: messages, bytes, joins.

        Raises:
            LinkError: no answer.
        """
        settings = self._settings
        reply = await self._evaluated(
            scripts.BUDGET_SETTLE,
            (self.keys.budget(user_id),),
            *spent,
            str(settings.user_messages_per_s),
            str(settings.user_bytes_per_s),
            str(settings.user_joins_per_s),
            settings.user_messages_burst,
            settings.user_bytes_burst,
            settings.user_joins_burst,
        )
        return [int(left) for left in reply]

    async def barrier(self) -> None:
        """Wait until everything sent so far is answered.

        Raises:
            LinkError: no answer.
        """
        await self._require().ask("PING")

    def probe(self, channel: str, payload: str, done: Callable[[Reply], None]) -> None:
        """Publish to ourselves.

        Raises:
            LinkError: not sent.
        """
        self._require().call(done, "PUBLISH", channel, payload)

    # ----------------------------------------------------------------- scripts

    def _evaluate(
        self,
        script: Script,
        done: Callable[[Reply], None],
        keys: tuple[str, ...],
        *args: str | bytes | int,
    ) -> None:
        """Run a script by digest; if Redis has forgotten it (SCRIPT FLUSH), by source."""
        self._stats.redis_commands += 1

        def settle(reply: Reply) -> None:
            if isinstance(reply, CommandFailedError) and str(reply).startswith("NOSCRIPT"):
                try:
                    self._require().call(done, "EVAL", script.source, len(keys), *keys, *args)
                except LinkError as exc:
                    done(exc)
                return
            if isinstance(reply, Exception):
                self._stats.redis_errors += 1
                self._note_failure(reply)
            done(reply)

        self._require().call(settle, "EVALSHA", script.digest, len(keys), *keys, *args)

    async def _evaluated(
        self, script: Script, keys: tuple[str, ...], *args: str | bytes | int
    ) -> Any:
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

        def settle(reply: Reply) -> None:
            if future.done():
                return
            if isinstance(reply, Exception):
                future.set_exception(reply)
            else:
                future.set_result(reply)

        self._evaluate(script, settle, keys, *args)
        return await future

    def _note_failure(self, error: Exception) -> None:
        """A server that became a replica answers READONLY for ever: look for the master again."""
        if str(error).startswith("READONLY") and self._link is not None:
            self._link.close(LinkError("this Redis became a replica"))

    def _count_error(self, reply: Reply) -> None:
        if isinstance(reply, Exception):
            self._stats.redis_errors += 1


def _fresh_epoch() -> str:
    return secrets.token_hex(4)


def _as_link_error(exc: object) -> LinkError:
    return exc if isinstance(exc, LinkError) else LinkError(str(exc))


async def _history_id(link: RedisLink) -> str:
    """Return the id that changes whenever this Redis may have gone back in time.

    Raises:
        LinkError: no answer, or this server is a replica and must not be written to.

    Source: Redis INFO replication, `master_replid`.
    """
    info: bytes = await link.ask("INFO", "replication")
    fields = dict(line.split(":", 1) for line in info.decode().splitlines() if ":" in line)
    if fields.get("role") != "master":
        raise LinkError("this Redis is a replica")
    return fields["master_replid"][:16]
