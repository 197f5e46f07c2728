"""A correct chat room as a few lines of pure code, to generate histories the rules must accept.

It knows no sockets and no Redis: a log that clients append to and read from, with lost acks, lost
connections, forks without loss (a new epoch continues the seq) and resets (the log starts anew).
"""

import itertools
from typing import Any

from msgspec.structs import replace

from tests.checker.history import (
    Entry,
    Fail,
    Gap,
    History,
    Info,
    Invoke,
    Joined,
    Mark,
    Marked,
    Marker,
    Members,
    Ok,
    Presence,
    Progress,
    Read,
    Recv,
    State,
    digest,
    user_of,
)

ROOM = "room"
USERS = ("ann", "bob", "cem")
CLIENTS = (*USERS, "ann.phone")


class Model:
    """One room, three users, one of them on two devices.

    Every method is one step, and records what clients see of it.
    """

    def __init__(self) -> None:
        self.history = History()
        self.log: list[Entry] = []
        self.epoch = "e0"
        self.lost: list[tuple[str, str]] = []  # (client, cmid) whose ack was lost, to be retried
        self.about: dict[str, str] = {}  # cmid of a change to the id of the message it is about
        self.markers: dict[str, int] = {}  # by user
        self._clock = itertools.count(1)
        self._numbers = itertools.count(1)
        self._positions: dict[str, tuple[str, int]] = {}
        self._connected: set[str] = set()
        self._resets: dict[str, Gap | None] = dict.fromkeys(CLIENTS)
        for client in CLIENTS:
            self.connect(client)

    def connect(self, client: str) -> None:
        """Join, or resume when it has a position; a reset it missed is told as a gap."""
        if client in self._connected:
            return
        self._connected.add(client)
        since = self._positions.get(client)
        gap = self._resets[client]
        self.history.add(
            Joined(
                at=self._now(),
                client=client,
                room=ROOM,
                epoch=self.epoch,
                seq=len(self.log),
                since_epoch=since[0] if since else None,
                since_seq=since[1] if since else None,
                recovered=(gap is None) if since else None,
            )
        )
        if since is None:
            self._positions[client] = (self.epoch, len(self.log))
        self._tell_progress(client)
        self._tell_reset(client)

    def disconnect(self, client: str) -> None:
        """Lose the connection."""
        self._connected.discard(client)

    def send(self, client: str, *, ack: bool = True) -> None:
        """Send a new message; without `ack` the answer is lost and a retry is due."""
        cmid = f"m{next(self._numbers)}"
        self._invoke(client, cmid)
        self._store(client, cmid)
        if ack:
            self._acknowledge(client, cmid)
        else:
            self.history.add(Info(at=self._now(), client=client, room=ROOM, cmid=cmid, why="lost"))
            self.lost.append((client, cmid))

    def change(self, client: str) -> None:
        """Change the last message there is."""
        message = next((e for e in reversed(self.log) if e.cmid not in self.about), None)
        if message is None:
            return
        cmid = f"c{next(self._numbers)}"
        self.about[cmid] = message.message_id
        self._invoke(client, cmid)
        self._store(client, cmid)
        self._acknowledge(client, cmid)

    def refuse(self, client: str) -> None:
        """Send a message that is refused, and stored when it is tried again or never."""
        cmid = f"m{next(self._numbers)}"
        self._invoke(client, cmid)
        self.history.add(Fail(at=self._now(), client=client, room=ROOM, cmid=cmid, code="busy"))

    def retry(self) -> None:
        """Send the oldest message without an ack again."""
        if not self.lost:
            return
        client, cmid = self.lost.pop(0)
        self._invoke(client, cmid)
        duplicate = any(entry.cmid == cmid for entry in self.log)
        if not duplicate:
            self._store(client, cmid)
        self._acknowledge(client, cmid, duplicate=duplicate)

    def deliver(self, client: str) -> None:
        """Give a connected client the next message it has not seen."""
        seq = self._positions[client][1]
        if client not in self._connected or seq >= len(self.log):
            return
        entry = self.log[seq]
        self._positions[client] = (entry.epoch, entry.seq)
        self.history.add(
            Recv(
                at=self._now(),
                client=client,
                room=ROOM,
                epoch=entry.epoch,
                seq=entry.seq,
                message_id=entry.message_id,
                cmid=entry.cmid,
                sender=entry.sender,
                digest=entry.digest,
            )
        )

    def mark(self, client: str) -> None:
        """Read up to where a connected client is; all devices of the user hear of it."""
        epoch, seq = self._positions[client]
        if client not in self._connected or seq == 0:
            return
        user = user_of(client)
        said: Any = {"client": client, "room": ROOM, "epoch": epoch, "seq": seq}
        self.history.add(Mark(at=self._now(), **said))
        self.history.add(Marked(at=self._now(), **said))
        if seq <= self.markers.get(user, 0):
            return
        self.markers[user] = seq
        for device in CLIENTS:
            if user_of(device) == user and device in self._connected:
                about: Any = {"client": device, "room": ROOM, "user": user}
                self.history.add(
                    Marker(at=self._now(), epoch=self.epoch, read_seq=seq, session=1, **about)
                )

    def fork(self) -> None:
        """Redis restarted and lost nothing: the epoch changes, the seq goes on."""
        self.epoch = f"e{int(self.epoch[1:]) + 1}"

    def reset(self) -> None:
        """Redis was emptied: the log begins again, and everyone is told, some later."""
        previous = self.epoch
        self.fork()
        self.log.clear()
        self.markers.clear()
        for client in CLIENTS:
            self._resets[client] = Gap(
                at=0,
                client=client,
                room=ROOM,
                reason="reset",
                epoch=self.epoch,
                from_seq=0,
                to_seq=0,
                previous_epoch=previous,
            )
            self._tell_reset(client)

    def finish(self) -> History:
        """Retry and deliver all that is due, read everything, and return the history."""
        while self.lost:
            self.retry()
        self.send(CLIENTS[0])
        for client in CLIENTS:
            self.connect(client)
            while self._positions[client] != (self.log[-1].epoch, self.log[-1].seq):
                self.deliver(client)
        self.history.add(Members(at=self._now(), room=ROOM, members=USERS))
        entries = tuple(
            replace(entry, state=self._state(entry.message_id))
            for entry in self.log
            if entry.cmid not in self.about
        )
        states = {entry.message_id: entry.state for entry in entries}
        for client in CLIENTS:
            about: Any = {"client": client, "room": ROOM}
            self.history.add(State(at=self._now(), messages=states, **about))
            self.history.add(Read(at=self._now(), head=len(self.log), entries=entries, **about))
            self.history.add(
                Presence(at=self._now(), client=client, room=ROOM, members=USERS, count=3)
            )
            self._tell_progress(client, is_last=True)
        return self.history

    def _now(self) -> float:
        return float(next(self._clock))

    def _tell_progress(self, client: str, *, is_last: bool = False) -> None:
        read_seq = self.markers.get(user_of(client))
        now = self._now()
        self.history.add(
            Progress(
                at=now,
                client=client,
                room=ROOM,
                asked_at=now,
                epoch=self.epoch,
                head=len(self.log),
                read_seq=read_seq,
                unread=len(self.log) - (read_seq or 0),
                held=(read_seq or 0) if is_last else None,
                is_last=is_last,
            )
        )

    def _invoke(self, client: str, cmid: str) -> None:
        self.history.add(
            Invoke(
                at=self._now(),
                client=client,
                room=ROOM,
                cmid=cmid,
                digest=digest(cmid),
                session=1,
                is_change=cmid in self.about,
            )
        )

    def _store(self, client: str, cmid: str) -> None:
        self.log.append(
            Entry(
                epoch=self.epoch,
                seq=len(self.log) + 1,
                message_id=self.about.get(cmid) or f"id{next(self._numbers)}",
                cmid=cmid,
                sender=user_of(client),
                digest=digest(cmid),
            )
        )

    def _state(self, message_id: str) -> str:
        """All changes of a message that there are, in order."""
        return " ".join(e.cmid for e in self.log if self.about.get(e.cmid) == message_id)

    def _acknowledge(self, client: str, cmid: str, *, duplicate: bool = False) -> None:
        entry = next(entry for entry in self.log if entry.cmid == cmid)
        self.history.add(
            Ok(
                at=self._now(),
                client=client,
                room=ROOM,
                cmid=cmid,
                epoch=entry.epoch,
                seq=entry.seq,
                message_id=entry.message_id,
                duplicate=duplicate,
            )
        )

    def _tell_reset(self, client: str) -> None:
        gap = self._resets[client]
        if gap is None or client not in self._connected:
            return
        self._resets[client] = None
        self._positions[client] = (gap.epoch, gap.to_seq)
        self.history.add(
            Gap(
                at=self._now(),
                client=client,
                room=ROOM,
                reason=gap.reason,
                epoch=gap.epoch,
                from_seq=gap.from_seq,
                to_seq=gap.to_seq,
                previous_epoch=gap.previous_epoch,
            )
        )
