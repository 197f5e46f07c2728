"""What the clients send when it is due: messages until they are acknowledged, typing, churn.

A message that is due for a client that is not in its room just now waits in that client's outbox
and is sent when it is back, with the time at which it was due: people do not stop writing because
a server restarts. Messages without an `ack` are sent again then, with their `clientMessageId`.
"""

from loadtest.agent.client import GAVE_UP, IN, Client
from loadtest.agent.schedule import NEVER_NS, Arrivals
from loadtest.agent.sessions import Sessions
from loadtest.agent.share import Share
from loadtest.agent.stamp import JUDGED, stamp
from loadtest.agent.swarm import Swarm
from loadtest.scenario import Traffic as Rates
from loadtest.wire import text_frame

#: Messages of one agent that are on their way; what is due beyond is counted and not sent.
OUTSTANDING_MAX = 200_000
_REFUSALS_MAX = 8  # of one message
_PUBLISH = b'{"type":"chat_message","id":%d,"roomId":"%b","clientMessageId":"%b.%d","content":"%b"}'
_RETRY_MS = 1000  # where the server does not say after how long


class Message:
    """A message without an `ack` so far."""

    __slots__ = ("counts_for", "due_ns", "refusals", "sent")

    def __init__(self, due_ns: int, counts_for: int) -> None:
        self.due_ns = due_ns
        self.counts_for = counts_for
        self.refusals = 0
        self.sent = False


class Traffic:
    """Sends on schedule."""

    def __init__(self, share: Share, swarm: Swarm, sessions: Sessions) -> None:
        self._share = share
        self._swarm = swarm
        self._sessions = sessions
        #: Slow readers say nothing: they would not read that it was acknowledged.
        self._talkers = share.clients
        if share.scenario.slow:
            self._talkers = [client for client in share.clients if not client.slow]
        self._outbox: dict[Client, dict[int, Message]] = {}
        self.outstanding = 0
        self._run = b""  # a name that no other test shares, for `clientMessageId`
        self._last_id = 0
        self._content_bytes = share.scenario.traffic.content_bytes
        self._messages, self._typing, self._churns = self._streams(Rates(), NEVER_NS)

    def start(self, at_ns: int) -> None:
        """Begin to send then."""
        self._run = b"%x" % at_ns
        rates = self._share.scenario.traffic
        self._messages, self._typing, self._churns = self._streams(rates, at_ns)

    def end(self, at_ns: int) -> None:
        """Let nothing be due from then on; what is without an `ack` is still cared for."""
        for stream in (self._messages, self._typing, self._churns):
            stream.end(at_ns)

    @property
    def next_ns(self) -> int:
        """When something is due next."""
        return min(self._messages.next_ns, self._typing.next_ns, self._churns.next_ns)

    def step(self, now_ns: int) -> None:
        """Do what is due."""
        for due_ns in self._messages.due(now_ns):
            if (client := self._anybody()) is not None:
                self._publish(client, due_ns)
        for _ in self._typing.due(now_ns):
            client = self._anybody()
            if client is not None and client.state == IN:
                self._type(client)
        for _ in self._churns.due(now_ns):
            if (client := self._anybody()) is not None:
                self._sessions.churn(client)

    def flush(self, client: Client) -> None:
        """Send what waits for a client that is in its room again."""
        for message_id, message in self._outbox.get(client, {}).items():
            self._send(client, message_id, message)

    def acknowledged(
        self, client: Client, message_id: int, epoch: str, seq: int, at_ns: int
    ) -> None:
        """Take the `ack` of a message; a second one of the same message is nothing."""
        message = self._taken(client, message_id)
        if message is None:
            return
        self._share.counts.messages_acked += 1
        client.room.active = True
        client.room.head.acknowledged(epoch, seq)
        if message.counts_for == JUDGED or self._share.is_warm_up:
            self._share.latencies.ack.record(at_ns - message.due_ns)

    def refused(
        self, client: Client, message_id: int, code: str, retry_after_ms: int | None
    ) -> None:
        """Take an `error` in answer to a message: send it again, or give it up."""
        message = self._outbox.get(client, {}).get(message_id)
        if message is None:
            return
        message.refusals += 1
        if message.refusals > _REFUSALS_MAX or (retry_after_ms is None and code != "unavailable"):
            self._taken(client, message_id)
            return
        fd = client.fd

        def again(now_ns: int) -> None:  # noqa: ARG001
            # On another connection it has been sent again already.
            waits = message_id in self._outbox.get(client, {})
            if waits and client.fd == fd and client.state == IN:
                self._send(client, message_id, message)

        wait_ms = _RETRY_MS if retry_after_ms is None else retry_after_ms
        self._share.timers.at(self._share.now_ns() + wait_ms * 1_000_000, again)

    def _streams(self, rates: Rates, at_ns: int) -> tuple[Arrivals, Arrivals, Arrivals]:
        share = self._share
        return (
            Arrivals(rates.messages_per_s * share.part, at_ns, share.chance),
            Arrivals(rates.typing_per_s * share.part, at_ns, share.chance),
            Arrivals(rates.churn_per_s * share.part, at_ns, share.chance),
        )

    def _anybody(self) -> Client | None:
        """Return a client by chance: nobody if it has not arrived, for then nothing is due."""
        if not self._talkers:
            return None
        client = self._talkers[int(self._share.chance.random() * len(self._talkers))]
        arrived = client.number - self._share.first_client < self._sessions.arrived
        return client if arrived else None

    def _publish(self, client: Client, due_ns: int) -> None:
        share = self._share
        share.counts.messages_due += 1
        if client.state == GAVE_UP:
            return
        if self.outstanding >= OUTSTANDING_MAX:
            share.errors["outbox_full"] += 1
            return
        message = Message(due_ns, share.phases.counts_for(due_ns))
        self._last_id += 1
        self.outstanding += 1
        self._outbox.setdefault(client, {})[self._last_id] = message
        if client.state == IN:
            self._send(client, self._last_id, message)
            if message.counts_for == JUDGED or share.is_warm_up:
                share.latencies.send_lag.record(share.now_ns() - due_ns)

    def _send(self, client: Client, message_id: int, message: Message) -> None:
        content = stamp(message.due_ns, self._content_bytes, message.counts_for)
        if not message.sent:
            message.sent = True
            self._share.counts.messages_sent += 1
        names = (message_id, client.room.room_id.encode(), self._run, message_id, content)
        self._swarm.send(client, text_frame(_PUBLISH % names))

    def _taken(self, client: Client, message_id: int) -> Message | None:
        messages = self._outbox.get(client)
        if messages is None or (message := messages.pop(message_id, None)) is None:
            return None
        if not messages:
            del self._outbox[client]
        self.outstanding -= 1
        return message

    def _type(self, client: Client) -> None:
        command = b'{"type":"typing","roomId":"%b","isTyping":true}'
        self._share.counts.typing_sent += 1
        self._swarm.send(client, text_frame(command % client.room.room_id.encode()))
