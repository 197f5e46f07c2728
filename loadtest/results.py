"""What a load test found: the schema of the JSON file that `run` writes and `report` reads."""

from pathlib import Path

from msgspec import Struct, field, json

from loadtest.control import Counts, Target
from loadtest.scenario import Scenario

VERSION = 1


class Environment(Struct, frozen=True, kw_only=True):
    """What the figures depend on."""

    command: str
    revision: str | None = None  # of the harness's checkout
    python: str
    kernel: str
    cores: int
    memory_kib: int
    descriptor_limit: int
    versions: dict[str, str] = field(default_factory=dict)  # chat, redis, websockets, uvloop …
    sysctls: dict[str, str] = field(default_factory=dict)


class AgentFacts(Struct, frozen=True, kw_only=True):
    """One agent, and how well its clock is known."""

    agent: int
    host: str
    pid: int
    clients: int
    clock_offset_ms: float
    clock_error_ms: float
    cpu_s: float
    rss_kib: int


class Percentiles(Struct, frozen=True, kw_only=True):
    """Of one kind of latency, in milliseconds. `histogram` is the whole of it, base64."""

    samples: int
    mean: float
    p50: float
    p90: float
    p99: float
    p999: float
    highest: float
    histogram: str


class CanaryFacts(Struct, frozen=True, kw_only=True):
    """What the clients of the Python SDK saw, as programs see it: what the SDK mended is no fault.

    `latency`: ack and delivery from the moment a message was due in the hold, storm_ack and
    storm_delivery when a storm had begun; connect, until in the room; offline, each time without a
    connection.
    """

    clients: int
    rooms: int
    away: int  # not connected and in their room at the end
    published: int
    acknowledged: int
    failed: dict[str, int] = field(default_factory=dict)  # publishing, by the SDK's exception
    received: int  # messages, the agents' too
    lost: int  # acknowledged to anybody, and not received
    duplicated: int
    out_of_order: int
    gaps: int
    reconnects: int
    rejoined: int  # after leaving the room by their own will
    endings: dict[str, int] = field(default_factory=dict)  # of connections, by the SDK's sentence
    stopped: dict[str, int] = field(default_factory=dict)  # that will not come back, likewise
    latency: dict[str, Percentiles] = field(default_factory=dict)
    cpu_s: float  # of their process
    rss_kib: int


class Second(Struct, frozen=True, kw_only=True):
    """One second of the whole test. Rates are of this second; None where nothing was measured."""

    t_s: float  # since the start of the ramp
    phase: str
    connecting: int
    connected: int
    opened_per_s: float
    sent_per_s: float
    acked_per_s: float
    deliveries_per_s: float
    errors_per_s: float
    bytes_in_per_s: float
    delivery_p50_ms: float | None = None
    delivery_p99_ms: float | None = None
    delivery_max_ms: float | None = None
    send_lag_p99_ms: float | None = None
    agents_cpu: float = 0.0  # cores in use by all agents
    agents_rss_kib: int = 0


class WorkerSample(Struct, frozen=True, kw_only=True):
    """One worker at one moment, as its operations port and /proc tell; None where they do not."""

    t_s: float
    worker: str
    connections: int | None = None
    rooms: int | None = None
    rss_kib: int | None = None
    cpu_s: float | None = None  # used since it started
    loop_lag_ms: float | None = None


class RedisSample(Struct, frozen=True, kw_only=True):
    """Redis at one moment, from INFO."""

    t_s: float
    commands_per_s: float
    used_memory_kib: int
    cpu_s: float
    network_in_kib_per_s: float
    network_out_kib_per_s: float
    pubsub_channels: int


class HostSample(Struct, frozen=True, kw_only=True):
    """This machine at one moment, from /proc."""

    t_s: float
    available_kib: int
    slab_kib: int
    tcp_sockets: int
    tcp_memory_kib: int
    busy_cores: float


class Check(Struct, frozen=True, kw_only=True):
    """One threshold: what was measured, what was allowed."""

    name: str
    measured: float | None
    limit: float
    passed: bool
    sentence: str  # for a person


class Results(Struct, frozen=True, kw_only=True):
    """One load test, whole."""

    version: int = VERSION
    title: str
    started_at: str  # ISO 8601, UTC
    duration_s: float
    #: What ended it: "schedule", "interrupted", or a sentence that says what broke.
    ended_by: str
    hold_s: float  # as it really was; rates of the hold phase are over this
    environment: Environment
    target: Target
    scenario: Scenario
    agents: list[AgentFacts]
    totals: Counts
    #: delivery, storm, ack, connect, recovery, send_lag. Of the hold phase; `storm` are deliveries
    #: of messages that were due when a storm had begun, the others end there.
    latency: dict[str, Percentiles]
    recovery_s: float | None = None  # from the storm until the last client was back
    canaries: CanaryFacts | None = None  # None without any
    timeline: list[Second]
    workers: list[WorkerSample] = field(default_factory=list)
    redis: list[RedisSample] = field(default_factory=list)
    host: list[HostSample] = field(default_factory=list)
    checks: list[Check]
    #: Sentences that cast doubt on the figures: a late generator, a clock not well known.
    doubts: list[str] = field(default_factory=list)
    passed: bool


def write(results: Results, path: Path) -> None:
    """Write as indented JSON."""
    path.write_bytes(json.format(json.encode(results), indent=1) + b"\n")


def read(path: Path) -> Results:
    """Read what `write` wrote.

    Raises:
        msgspec.ValidationError: it is something else.
        OSError: it cannot be read.
    """
    return json.decode(path.read_bytes(), type=Results)
