"""What the canaries of one process have seen, added up. Pure."""

from collections import Counter

from chat.client import ChatMessage, Gap, Ordered
from loadtest.agent.schedule import Phases
from loadtest.agent.stamp import JUDGED, STORM, read_stamp, stamp
from loadtest.agent.tracking import Position, Tracker, Verdict
from loadtest.latency import Recorder, folded, percentiles
from loadtest.results import Percentiles

#: Of latencies, in the order in which they are shown.
KINDS = ("connect", "ack", "delivery", "storm_ack", "storm_delivery", "offline")
#: Instead of the agents' T: what a canary says is no latency of theirs.
_MARK = "C"


class Tally:
    """Counts and latencies. The order is judged by the rules that the agents' clients have."""

    def __init__(self, content_bytes: int) -> None:
        self.phases = Phases()
        self.published = 0
        self.acknowledged = 0
        self.failed: Counter[str] = Counter()
        self.received = 0
        self.lost = 0
        self.duplicated = 0
        self.out_of_order = 0
        self.gaps = 0
        self.reconnects = 0
        self.rejoined = 0
        self.endings: Counter[str] = Counter()
        self.stopped: Counter[str] = Counter()
        self.tracker = Tracker()
        #: By room, the last `seq` that was acknowledged to a canary.
        self.heads: dict[str, int] = {}
        self._content_bytes = content_bytes
        self._latencies = {kind: Recorder() for kind in KINDS}

    def content(self, due_ns: int) -> str:
        """Return what a message says that is due then."""
        counts_for = self.phases.counts_for(due_ns)
        return _MARK + stamp(due_ns, self._content_bytes, counts_for).decode()[1:]

    def acked(self, room_id: str, seq: int, due_ns: int, now_ns: int) -> None:
        """Take the acknowledgement of a message."""
        self.acknowledged += 1
        self.heads[room_id] = max(seq, self.heads.get(room_id, 0))
        self._judge("ack", self.phases.counts_for(due_ns), now_ns - due_ns)

    def event(self, position: Position, event: Ordered, now_ns: int) -> None:
        """Take an event that has a place in its room."""
        verdict = self.tracker.message(position, event.epoch, event.seq)
        self._add(verdict)
        if isinstance(event, ChatMessage):
            self.received += 1
            stamped = read_stamp("T" + event.content[1:])
            if stamped is not None and not verdict.duplicated:
                due_ns, counts_for = stamped
                self._judge("delivery", counts_for, now_ns - due_ns)

    def gap(self, position: Position, gap: Gap) -> None:
        """Take a gap."""
        self.gaps += 1
        self.lost += self.tracker.gap(position, gap.reason, gap.epoch, gap.from_seq, gap.to_seq)

    def record(self, kind: str, ns: int) -> None:
        """Count a latency of the whole test."""
        self._latencies[kind].record(ns)

    def latency(self) -> dict[str, Percentiles]:
        """Return what was measured, by kind."""
        return {
            kind: percentiles(folded(recorder.counts))
            for kind, recorder in self._latencies.items()
            if recorder.counts
        }

    def _judge(self, kind: str, counts_for: int, ns: int) -> None:
        if counts_for == JUDGED:
            self.record(kind, ns)
        elif counts_for == STORM:
            self.record(f"storm_{kind}", ns)

    def _add(self, verdict: Verdict) -> None:
        self.lost += verdict.lost
        self.duplicated += verdict.duplicated
        self.out_of_order += verdict.out_of_order
