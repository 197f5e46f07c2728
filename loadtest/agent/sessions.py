"""From wanting to be in to being in, and back again after whatever ended it.

    away ──▶ queue ──▶ connecting … authenticating ──▶ joining ──▶ in ◀──▶ leaving (churn)
      ▲                                                             │
      └──────── a wait that the ending asks for, or gave up ◀───────┘

So many handshakes are under way at a time; who waits in the queue waits on its own time, because
latency counts from when it wanted to be in.
"""

from collections import deque
from collections.abc import Iterator
from functools import partial
from itertools import chain, islice
from typing import Any

import orjson

from loadtest.agent.client import AUTHENTICATING, AWAY, GAVE_UP, IN, JOINING, LEAVING, Client
from loadtest.agent.ending import Ending
from loadtest.agent.schedule import NEVER_NS, SECOND_NS, Ramp, back_off_ns
from loadtest.agent.share import Share
from loadtest.agent.swarm import Swarm
from loadtest.agent.tokens import Tokens
from loadtest.agent.tracking import NO_POSITION, Tracker
from loadtest.wire import text_frame

#: Ids of commands; those of messages are numbers.
JOIN_ID, LEAVE_ID, REFRESH_ID = "j", "l", "r"
HANDSHAKE_TIMEOUT_NS = 30 * SECOND_NS
_SETTLED_NS = 10 * SECOND_NS  # docs/protocol.md: after this the back-off starts anew
_STRUCK_PER_TURN = 200
_RESTART = 1012
_BUSY_STATUSES = (408, 429)


class Sessions:
    """Brings clients in and keeps them in."""

    def __init__(self, share: Share, swarm: Swarm, tokens: Tokens, tracker: Tracker) -> None:
        self._share = share
        self._swarm = swarm
        self._tokens = tokens
        self._tracker = tracker
        self._ramp = Ramp(1, 1.0, NEVER_NS)
        self._queue: deque[Client] = deque()
        self._opening: dict[Client, int] = {}  # since when, oldest first
        self._return_ms: dict[Client, int] = {}  # said by `drain`
        self._concurrency = share.scenario.connections.concurrency
        #: How many clients have arrived, those that were turned away included.
        self.arrived = 0

    @property
    def next_ns(self) -> int:
        """When there is something to do, as far as it is known."""
        if self._queue and len(self._opening) < self._concurrency:
            return 0
        return self._ramp.due_ns(self.arrived)

    def start(self, start_ns: int) -> None:
        """Begin the ramp then."""
        share = self._share
        per_s = share.scenario.connections.ramp_per_s * share.part
        self._ramp = Ramp(len(share.clients), per_s, start_ns)

    def stop(self) -> None:
        """Let nobody arrive who has not; who is away comes back."""
        self._ramp = Ramp(0, 1.0, NEVER_NS)

    def step(self, now_ns: int) -> None:
        """Do what is due."""
        while (due_ns := self._ramp.due_ns(self.arrived)) <= now_ns:
            client = self._share.clients[self.arrived]
            self.arrived += 1
            client.since_ns = due_ns
            self._queue.append(client)
        while self._queue and len(self._opening) < self._concurrency:
            client = self._queue.popleft()
            self._opening[client] = now_ns
            user_id = self._share.token_owner(client)
            self._swarm.dial(client, self._tokens.token(client.number, user_id))
        while self._opening:
            oldest, since_ns = next(iter(self._opening.items()))
            if now_ns - since_ns < HANDSHAKE_TIMEOUT_NS:
                break
            self._swarm.abandon(oldest, "ETIMEDOUT")

    def gauge(self) -> None:
        """Bring the count of those that want in, and are not, up to date."""
        counts = self._share.counts
        counts.connecting = self.arrived - counts.connected - counts.failed

    def storm(self, now_ns: int) -> None:
        """Cut a share of the clients; they come back in their time."""
        storm, chance = self._share.scenario.storm, self._share.chance
        if storm is not None:
            struck = (
                client
                for client in self._share.clients[: self.arrived]
                if chance.random() < storm.share
            )
            self._strike(struck, storm.spread_s, now_ns)

    def _strike(self, struck: Iterator[Client], spread_s: float, now_ns: int) -> None:
        """Cut some, and the others right after what else is due: a long turn would be latency."""
        for client in islice(struck, _STRUCK_PER_TURN):
            if client.state >= JOINING and client.state != GAVE_UP:
                self._out(client, client.state)
                self._swarm.cut(client)
                client.since_ns = now_ns
                client.attempt = 0
                wait_s = self._share.chance.uniform(0.0, spread_s)
                self._later(client, now_ns + int(wait_s * SECOND_NS))
        if (following := next(struck, None)) is not None:
            rest = chain((following,), struck)
            self._share.timers.at(now_ns + 1, partial(self._strike, rest, spread_s))

    def churn(self, client: Client) -> None:
        """Leave the room; it is joined again when the answer is there."""
        if client.state == IN:
            self._share.counts.connected -= 1
            client.state = LEAVING
            self._command(client, type="leave_room", id=LEAVE_ID, roomId=client.room.room_id)

    def connected(self, client: Client) -> None:
        """The token was accepted: join."""
        if client.state == AUTHENTICATING:
            client.state = JOINING
            self._join(client)

    def joined(self, client: Client, event: dict[str, Any], now_ns: int) -> bool:
        """Take `room_joined`; return whether the client is in now and was not before."""
        if client.state != JOINING:
            return False
        share = self._share
        if client.seq == NO_POSITION:
            epoch = client.room.enter(event["epoch"])
            self._tracker.joined(client, epoch, event["seq"])
        elif event.get("recovered"):
            share.counts.recovered += 1
        client.state = IN
        share.counts.connected += 1
        if self._opening.pop(client, None) is None:
            share.counts.churns += 1
        else:
            share.counts.opened += 1
            self._came_in(client, now_ns)
        client.since_ns = now_ns
        if client.slow:
            self._swarm.read_no_more(client)
        return True

    def _came_in(self, client: Client, now_ns: int) -> None:
        if client.met:
            self._share.latencies.recovery.record(now_ns - client.since_ns)
        else:
            self._share.latencies.connect.record(now_ns - client.since_ns)
            client.met = True

    def left(self, client: Client) -> None:
        """Take `room_left`: with churn it is ours, else the token does not allow the room."""
        if client.state == IN:
            self._share.counts.connected -= 1
        if client.state in (IN, LEAVING):
            client.state = JOINING
            client.seq = NO_POSITION
            self._join(client)

    def leave_refused(self, client: Client) -> None:
        """Take an error in answer to `leave_room`: it is still in."""
        if client.state == LEAVING:
            client.state = IN
            self._share.counts.connected += 1

    def join_refused(self, client: Client, retry_after_ms: int | None) -> None:
        """Take an error in answer to `join_room`: ask again."""
        fd = client.fd

        def again(now_ns: int) -> None:  # noqa: ARG001
            if client.fd == fd and client.state == JOINING:
                self._join(client)

        wait_ns = back_off_ns(client.attempt, self._share.chance, (retry_after_ms or 0) / 1000)
        client.attempt += 1
        self._share.timers.at(self._share.now_ns() + wait_ns, again)

    def draining(self, client: Client, event: dict[str, Any]) -> None:
        """Take `drain`: the connection closes soon."""
        self._return_ms[client] = event.get("reconnectAfterMs", 0)

    def renew(self, client: Client) -> None:
        """Put a fresh token in force."""
        token = self._tokens.token(client.number, self._share.token_owner(client))
        self._command(client, type="refresh_token", id=REFRESH_ID, token=token.decode())

    def ended(self, client: Client, ending: Ending, state: int) -> None:
        """Take the end of a connection, or of an attempt: count it, and come back or not."""
        share = self._share
        now_ns = share.now_ns()
        return_ms = self._return_ms.pop(client, 0)
        lived = state == IN and now_ns - client.since_ns >= _SETTLED_NS
        if state >= AUTHENTICATING:
            share.counts.lost_connections += 1
        if ending.status is not None:
            share.counts.refused += 1
        else:
            share.closes[ending.code] += 1
        if self._out(client, state) and client.met:
            client.since_ns = now_ns
        if lived:
            client.attempt = 0
        client.attempt += 1
        if _hopeless(ending) or client.attempt >= share.scenario.connections.tries:
            client.state = GAVE_UP
            share.counts.failed += 1
        else:
            self._later(client, now_ns + self._wait_ns(client, ending, return_ms))

    def _wait_ns(self, client: Client, ending: Ending, return_ms: int) -> int:
        code = ending.close
        if code == _RESTART:
            return return_ms * 1_000_000
        if code is not None and 4200 <= code < 4300:
            return 0
        return back_off_ns(client.attempt - 1, self._share.chance, ending.retry_after_s)

    def _out(self, client: Client, state: int) -> bool:
        """Note that a connection is gone; return whether it had been in."""
        if state == IN:
            self._share.counts.connected -= 1
        return self._opening.pop(client, None) is None

    def _later(self, client: Client, due_ns: int) -> None:
        self._share.timers.at(due_ns, partial(self._return, client))

    def _return(self, client: Client, _now_ns: int) -> None:
        if client.state == AWAY:
            self._queue.append(client)

    def _join(self, client: Client) -> None:
        room_id = client.room.room_id
        if client.seq == NO_POSITION:
            self._command(client, type="join_room", id=JOIN_ID, roomId=room_id)
        else:
            since = {"epoch": client.epoch, "seq": client.seq}
            self._command(client, type="join_room", id=JOIN_ID, roomId=room_id, since=since)

    def _command(self, client: Client, **command: object) -> None:
        self._swarm.send(client, text_frame(orjson.dumps(command)))


def _hopeless(ending: Ending) -> bool:
    if ending.close is not None:
        return 4000 <= ending.close < 4100
    if ending.status is not None:
        return 400 <= ending.status < 500 and ending.status not in _BUSY_STATUSES
    return False
