"""A scenario: what the clients of one load test do. The typed schema of `scenarios/*.toml`.

Rates are per second and for the whole test, not per client: the model is open, so arrivals do not
wait for answers. Durations are seconds, sizes are bytes. Nothing here does I/O but `load`.
"""

import tomllib
from pathlib import Path
from typing import Annotated, Literal

from msgspec import Meta, Struct, ValidationError, convert

SHIPPED = Path(__file__).parent / "scenarios"

Count = Annotated[int, Meta(ge=1)]
Seconds = Annotated[float, Meta(ge=0)]
Rate = Annotated[float, Meta(ge=0)]
Share = Annotated[float, Meta(gt=0, le=1)]


class ScenarioError(Exception):
    """A scenario cannot be used; the text says which and why."""


class Part(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of every table: a field that nobody knows is a mistake, not a comment."""


class Connections(Part, frozen=True, kw_only=True):
    """How many clients there are and how fast they arrive."""

    count: Count
    ramp_per_s: Annotated[float, Meta(gt=0)] = 500.0
    #: Handshakes under way at a time per agent; a refused client backs off with full jitter.
    concurrency: Count = 64
    #: A client that was turned away so often in a row gives up.
    tries: Count = 12


class Rooms(Part, frozen=True, kw_only=True):
    """Who is in which room.

    `fixed`: rooms of `size` members. `one`: everybody in one room. `heavy_tail`: sizes from 2 to
    `largest` that follow a power law with `exponent`, as real rooms do: many small, few large.
    """

    shape: Literal["fixed", "one", "heavy_tail"] = "fixed"
    size: Count = 10
    largest: Count = 1000
    exponent: Annotated[float, Meta(gt=1)] = 2.2
    #: Rooms are named `{prefix}-{number}`; two tests at a time need two prefixes.
    prefix: Annotated[str, Meta(pattern=r"^[A-Za-z0-9_.-]{1,64}$")] = "load"


class Traffic(Part, frozen=True, kw_only=True):
    """What the clients send, as Poisson arrivals over the whole test."""

    messages_per_s: Rate = 0.0
    content_bytes: Annotated[int, Meta(ge=32, le=8192)] = 64
    typing_per_s: Rate = 0.0
    #: Leaving a room and joining it again.
    churn_per_s: Rate = 0.0


class Storm(Part, frozen=True, kw_only=True):
    """A share of the clients is cut at once and comes back, resuming where it was."""

    at_s: Seconds  # after the start of hold
    share: Share = 1.0
    #: The return is spread over this time with full jitter; 0 means all at once.
    spread_s: Seconds = 0.0


class SlowReaders(Part, frozen=True, kw_only=True):
    """A share of the clients reads too little; the others must not notice."""

    share: Share
    bytes_per_s: Annotated[int, Meta(ge=0)] = 0  # 0 means they stop reading


class Tokens(Part, frozen=True, kw_only=True):
    """How long the clients' tokens live, and whether they renew them when warned."""

    ttl_s: Annotated[float, Meta(gt=0)] = 86400.0
    refresh: bool = True


class Canaries(Part, frozen=True, kw_only=True):
    """Clients of the Python SDK beside the many, in rooms under load, as an application has one.

    They leave and join as often as each of the others does, and a storm cuts them too.
    """

    count: Annotated[int, Meta(ge=0, le=200)] = 0
    messages_per_s: Rate = 0.5  # of each


class Thresholds(Part, frozen=True, kw_only=True):
    """Limits of what may be measured while holding; one that is passed fails the test.

    None means that it is not judged. Lost and duplicated messages are always judged: none may be.
    """

    delivery_p50_ms: float | None = None
    delivery_p99_ms: float | None = None
    delivery_p999_ms: float | None = None
    storm_p99_ms: float | None = None  # deliveries of what was due when the storm had begun
    ack_p99_ms: float | None = None
    connect_p99_ms: float | None = None
    #: Time from the storm until the last client is back in its rooms.
    recovery_s: float | None = None
    connected_share: Annotated[float, Meta(ge=0, le=1)] = 0.999  # of the clients asked for
    error_share: Annotated[float, Meta(ge=0, le=1)] = 0.001  # of commands refused
    gaps: int | None = None  # announced by the server
    canary_ack_p99_ms: float | None = None
    canary_delivery_p99_ms: float | None = None
    canary_offline_s: float | None = None  # the longest time one was without a connection


class Scenario(Part, frozen=True, kw_only=True):
    """One load test. Phases: ramp, warm-up (not judged), hold (judged), drain (answers come in)."""

    title: str
    description: str = ""
    connections: Connections
    rooms: Rooms = Rooms()
    traffic: Traffic = Traffic()
    storm: Storm | None = None
    slow: SlowReaders | None = None
    tokens: Tokens = Tokens()
    canaries: Canaries = Canaries()
    warm_up_s: Seconds = 2.0
    hold_s: Seconds = 30.0
    #: Longest wait for messages that are still on their way when the hold ends.
    drain_s: Seconds = 10.0
    thresholds: Thresholds = Thresholds()


def load(name_or_path: str) -> Scenario:
    """Read a shipped scenario by its name, or any by its path.

    Raises:
        ScenarioError: there is none, or it is not of the schema.
    """
    path = Path(name_or_path)
    if path.suffix != ".toml":
        path = SHIPPED / f"{name_or_path}.toml"
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
        return convert(found, Scenario)
    except OSError as exc:
        raise ScenarioError(f"{name_or_path}: {exc.strerror}.") from None
    except (tomllib.TOMLDecodeError, ValidationError, UnicodeDecodeError) as exc:
        raise ScenarioError(f"{path}: {exc}.") from None
