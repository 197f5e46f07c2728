"""What coordinator and agents say to each other: one JSON document a line, over TCP.

An agent dials the coordinator and proves that it knows the join secret; then it does as it is
told. Times are nanoseconds of the *coordinator's* CLOCK_MONOTONIC. An agent on the same boot of
the same machine shares that clock; any other adds a measured offset, whose error is reported.

    agent                     coordinator
      hello ────────────────▶
      ◀──────────────── challenge          nonce
      proof ────────────────▶              HMAC-SHA256 of the nonce under the join secret
      ◀──────────────── welcome            or the connection is closed
      ◀──────────────── clock_probe  ┐
      clock_answer ─────────▶        ┘     several times, again every minute
      ◀──────────────── assignment         the scenario and this agent's share of it
      ready ────────────────▶
      ◀──────────────── start              when the ramp begins
      ◀──────────────── phase              warm-up, hold, drain: as the coordinator decides
      progress ─────────────▶              every second, until the end
      ◀──────────────── stop               the schedule is over, or somebody pressed Ctrl-C
      finished ─────────────▶
"""

from typing import Literal

from msgspec import Struct, field

from loadtest.scenario import Scenario


class Document(Struct, frozen=True, kw_only=True, tag_field="type", tag=str.lower):
    """Base of every message; its `type` is the class name in lower case."""


class Hello(Document, frozen=True, kw_only=True):
    """Who wants to join, and what it can carry."""

    host: str
    pid: int
    boot_id: str  # /proc/sys/kernel/random/boot_id: equal means the clock is shared
    descriptors: int  # the hard limit: connections this agent can hold, and some
    version: str


class Challenge(Document, frozen=True, kw_only=True):
    """A nonce to prove knowledge of the join secret with."""

    nonce: str


class Proof(Document, frozen=True, kw_only=True):
    """HMAC-SHA256 of the nonce under the join secret, in hexadecimal."""

    digest: str


class Welcome(Document, frozen=True, kw_only=True):
    """The agent is in."""

    agent: int  # its number, from 0


class ClockProbe(Document, frozen=True, kw_only=True):
    """What is the time at yours?"""

    sent_ns: int


class ClockAnswer(Document, frozen=True, kw_only=True):
    """The probe's time back, and the agent's own."""

    sent_ns: int
    agent_ns: int


class Target(Struct, frozen=True, kw_only=True):
    """The deployment under test. The key that signs tokens is not here: it never travels."""

    url: str  # ws://host:port/ws or wss://…
    ca_file: str | None = None  # of the agent's machine; None means the system's authorities
    verify_tls: bool = True
    #: Addresses to connect from; more than one where ports would run out.
    source_addresses: tuple[str, ...] = ()


class Assignment(Document, frozen=True, kw_only=True):
    """One agent's share: clients `first_client` up to, not including, `first_client + clients`."""

    scenario: Scenario
    target: Target
    agents: int
    first_client: int
    clients: int
    seed: int  # equal for all: who is in which room follows from it
    #: Add to the agent's CLOCK_MONOTONIC to get the coordinator's; 0 where the clock is shared.
    clock_offset_ns: int
    clock_error_ns: int


class Ready(Document, frozen=True, kw_only=True):
    """The plan is made; `refusal` says why this agent cannot do its share."""

    refusal: str | None = None


class Start(Document, frozen=True, kw_only=True):
    """The ramp begins at `at_ns`; every other time follows from the scenario."""

    at_ns: int


class Phase(Document, frozen=True, kw_only=True):
    """A phase begins: traffic starts with `warm_up`; what is due in `hold` is judged.

    What is due from a storm on is told apart: who is away gets it late, which is no surprise.
    """

    name: Literal["warm_up", "hold", "drain"]
    at_ns: int


class Stop(Document, frozen=True, kw_only=True):
    """Send nothing more, wait for what is on its way, report and close."""

    drain_s: float


class Counts(Struct, kw_only=True):
    """Totals since the start of one agent; the sum over agents is the test's."""

    connecting: int = 0  # now
    connected: int = 0  # now: authenticated and in their rooms
    opened: int = 0
    refused: int = 0  # handshakes answered with 503 and the like; they come back
    failed: int = 0  # clients that gave up
    lost_connections: int = 0  # closed by the server or the network, not by us
    messages_due: int = 0
    messages_sent: int = 0
    messages_acked: int = 0
    deliveries: int = 0
    deliveries_judged: int = 0  # of messages that were due in the hold phase, before a storm
    presence_events: int = 0
    typing_sent: int = 0
    typing_received: int = 0
    churns: int = 0
    lost: int = 0  # acknowledged, in reach of history, and not delivered
    duplicated: int = 0
    out_of_order: int = 0
    gaps: int = 0  # announced by the server
    recovered: int = 0  # joins with `since` that missed nothing
    tokens_refreshed: int = 0
    bytes_in: int = 0
    bytes_out: int = 0
    errors: dict[str, int] = field(default_factory=dict)  # `error` events by code
    closes: dict[str, int] = field(default_factory=dict)  # by close code, or the errno's name


class Histograms(Struct, kw_only=True):
    """HdrHistograms of this second in microseconds, base64 as the library encodes them, or None."""

    delivery: str | None = None  # from the moment a message was *due* to its arrival at a member
    storm: str | None = None  # the same, of messages that were due when a storm had begun
    ack: str | None = None  # from due to acknowledged
    connect: str | None = None  # from due to in its rooms
    recovery: str | None = None  # from being cut to in its rooms again
    send_lag: str | None = None  # from due to written: the generator's own lateness


class Progress(Document, frozen=True, kw_only=True):
    """One second of one agent."""

    at_ns: int
    phase: str  # connect, warm_up, hold, drain
    counts: Counts
    histograms: Histograms
    cpu_s: float  # used since the start
    rss_kib: int
    loop_lag_ms: float  # longest turn of its event loop in this second


class Finished(Document, frozen=True, kw_only=True):
    """The last word of an agent.

    `heads`: per room with traffic, the last `seq` that was acknowledged here and the lowest one
    that a member here has; only the coordinator can tell who misses the end of a room.
    """

    counts: Counts
    heads: dict[str, tuple[int, int, int]] = field(default_factory=dict)  # acked, lowest, members


ToCoordinator = Hello | Proof | ClockAnswer | Ready | Progress | Finished
ToAgent = Challenge | Welcome | ClockProbe | Assignment | Start | Phase | Stop
