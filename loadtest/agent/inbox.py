"""What the clients receive: the hot path of an agent.

A message of a room is told from the bytes it begins with, and its place and the time at which it
was due are read where they stand; parsing its JSON would cost more than receiving it. Whatever
looks different from what is expected is parsed.
"""

from typing import TYPE_CHECKING, Any

import orjson

from loadtest.agent.client import Client
from loadtest.agent.ending import Ending
from loadtest.agent.sessions import JOIN_ID, LEAVE_ID, Sessions
from loadtest.agent.share import Share
from loadtest.agent.stamp import DIGITS, JUDGED, MARK, STORM, read_stamp
from loadtest.agent.tracking import Tracker, Verdict
from loadtest.agent.traffic import Traffic
from loadtest.wire import WireError

if TYPE_CHECKING:
    from collections.abc import Callable

_USER = b'{"type":"user_'  # joined, left
_CONNECTED = b'{"type":"connected",'
_TYPING = b'{"type":"typing"'
_END = b'"}'
_FROM = len(MARK)
_TO = _FROM + DIGITS


class Inbox:
    """Takes text messages and endings out of the swarm and to whom they concern."""

    def __init__(
        self, share: Share, sessions: Sessions, traffic: Traffic, tracker: Tracker
    ) -> None:
        self._share = share
        self._sessions = sessions
        self._traffic = traffic
        self._tracker = tracker
        self._offset_ns = share.offset_ns
        self._latency = share.latencies.delivery.counts
        self._storm_latency = share.latencies.storm.counts
        #: From the end of a message's JSON back to where its content is named.
        self._tail = len(MARK) - 1 + share.scenario.traffic.content_bytes + len(_END)
        self._by_type: dict[str, Callable[[Client, dict[str, Any], int], None]] = {
            "chat_message": self._message,
            "message_edited": self._change,
            "message_deleted": self._change,
            "reaction_added": self._change,
            "reaction_removed": self._change,
            "ack": self._ack,
            "error": self._error,
            "gap": self._gap,
            "room_joined": self._joined,
            "room_left": lambda client, _event, _at: sessions.left(client),
            "drain": lambda client, event, _at: sessions.draining(client, event),
            "token_expiring": self._expiring,
            "token_refreshed": self._refreshed,
            "member_count": self._presence,
        }

    def text(self, client: Client, data: bytes, start: int, end: int, now_ns: int) -> None:
        """Take a text message; `now_ns` is of this machine's clock.

        Raises:
            WireError: it is no event of the protocol.
        """
        now_ns += self._offset_ns
        room = client.room
        if data.startswith(room.prefix, start):
            mark = end - self._tail
            if client.epoch == room.epoch and data.startswith(MARK, mark):
                at = start + len(room.prefix)
                seq = int(data[at : data.index(b",", at)])
                if seq == client.seq + 1:
                    client.seq = seq
                    room.active = True
                    stamped = mark + _TO
                    latency_ns = now_ns - int(data[mark + _FROM : stamped])
                    self._arrived(client, latency_ns, data[stamped])
                    return
        elif data.startswith(_USER, start):
            self._share.counts.presence_events += 1
            return
        elif data.startswith(_CONNECTED, start):
            self._sessions.connected(client)
            return
        elif data.startswith(_TYPING, start):
            self._share.counts.typing_received += 1
            return
        self._parse(client, data[start:end], now_ns)

    def _parse(self, client: Client, text: bytes, now_ns: int) -> None:
        try:
            event = orjson.loads(text)
        except orjson.JSONDecodeError:
            event = None
        if not isinstance(event, dict):
            raise WireError(f"the server said {text[:200]!r}")
        handle = self._by_type.get(event.get("type", ""))
        if handle is not None:
            handle(client, event, now_ns)

    def ended(self, client: Client, ending: Ending, state: int) -> None:
        """Take the end of a connection."""
        self._sessions.ended(client, ending, state)

    def _arrived(self, client: Client, latency_ns: int, counts_for: int) -> None:
        """Count a message at a member."""
        share = self._share
        total = share.counts
        total.deliveries += 1
        counts = self._latency
        if counts_for == JUDGED:
            total.deliveries_judged += 1
        elif counts_for == STORM:
            counts = self._storm_latency
        elif not share.is_warm_up:
            return
        if not client.slow:
            us = latency_ns // 1000
            counts[us] = counts.get(us, 0) + 1

    def _change(self, client: Client, event: dict[str, Any], _now_ns: int) -> None:
        """Take an event that has a place in the order, as messages have."""
        self._placed(client, event)

    def _placed(self, client: Client, event: dict[str, Any]) -> Verdict:
        verdict = self._tracker.message(client, client.room.enter(event["epoch"]), event["seq"])
        counts = self._share.counts
        counts.lost += verdict.lost
        counts.duplicated += verdict.duplicated
        counts.out_of_order += verdict.out_of_order
        client.room.active = True
        return verdict

    def _message(self, client: Client, event: dict[str, Any], now_ns: int) -> None:
        verdict = self._placed(client, event)
        stamped = read_stamp(event["content"])
        if stamped is not None and not verdict.duplicated:
            due_ns, counts_for = stamped
            self._arrived(client, now_ns - due_ns, counts_for)

    def _gap(self, client: Client, event: dict[str, Any], _now_ns: int) -> None:
        epoch, to_seq = client.room.enter(event["epoch"]), event["toSeq"]
        counts = self._share.counts
        counts.gaps += 1
        counts.lost += self._tracker.gap(client, event["reason"], epoch, event["fromSeq"], to_seq)
        if event["reason"] == "reset":
            client.room.head.gone(epoch, to_seq)

    def _ack(self, client: Client, event: dict[str, Any], now_ns: int) -> None:
        if isinstance(event.get("id"), int):
            self._traffic.acknowledged(client, event["id"], event["epoch"], event["seq"], now_ns)

    def _error(self, client: Client, event: dict[str, Any], _now_ns: int) -> None:
        self._share.errors[event["code"]] += 1
        answered, retry_ms = event.get("id"), event.get("retryAfterMs")
        if answered == JOIN_ID:
            self._sessions.join_refused(client, retry_ms)
        elif answered == LEAVE_ID:
            self._sessions.leave_refused(client)
        elif isinstance(answered, int):
            self._traffic.refused(client, answered, event["code"], retry_ms)

    def _joined(self, client: Client, event: dict[str, Any], now_ns: int) -> None:
        if self._sessions.joined(client, event, now_ns):
            self._traffic.flush(client)

    def _expiring(self, client: Client, _event: dict[str, Any], _now_ns: int) -> None:
        if self._share.scenario.tokens.refresh:
            self._sessions.renew(client)

    def _refreshed(self, _client: Client, _event: dict[str, Any], _now_ns: int) -> None:
        self._share.counts.tokens_refreshed += 1

    def _presence(self, _client: Client, _event: dict[str, Any], _now_ns: int) -> None:
        self._share.counts.presence_events += 1
