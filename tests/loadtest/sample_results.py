"""Results as a load test writes them, made from a simple model of a cluster instead of a load.

Everything follows from the seed: the same call gives the same results.
"""

import math
import random

from hdrh.histogram import HdrHistogram

from loadtest.control import Counts, Target
from loadtest.results import (
    AgentFacts,
    CanaryFacts,
    Check,
    Environment,
    HostSample,
    Percentiles,
    RedisSample,
    Results,
    Second,
    WorkerSample,
)
from loadtest.scenario import Connections, Rooms, Scenario, Storm, Thresholds, Traffic

WARM_UP_S = 5
DRAIN_S = 5


def sample(
    *,
    title: str = "Fifty thousand people in rooms of ten",
    connections: int = 50_000,
    ramp_per_s: float = 1_500.0,
    hold_s: int = 120,
    messages_per_s: float = 2_000.0,
    room_size: int = 10,
    workers: int = 4,
    agents: int = 4,
    median_ms: float = 4.0,
    passed: bool = True,
    lost: int = 0,
    storm: Storm | None = None,
    canaries: int = 0,
    doubts: tuple[str, ...] = (),
    seed: int = 7,
) -> Results:
    """Return the results of a test of this size."""
    rng = random.Random(seed)
    ramp_s = math.ceil(connections / ramp_per_s)
    timeline = [
        _second(
            t, rng, connections, ramp_per_s, ramp_s, hold_s, messages_per_s, room_size, median_ms
        )
        for t in range(ramp_s + WARM_UP_S + hold_s + DRAIN_S)
    ]
    sent = round(messages_per_s * hold_s)
    scenario = Scenario(
        title=title,
        description="Everyone is in one room; messages are due as a Poisson process.",
        connections=Connections(count=connections, ramp_per_s=ramp_per_s),
        rooms=Rooms(size=room_size),
        traffic=Traffic(messages_per_s=messages_per_s, content_bytes=128),
        storm=storm,
        warm_up_s=WARM_UP_S,
        hold_s=hold_s,
        drain_s=DRAIN_S,
        thresholds=Thresholds(delivery_p99_ms=50.0, connect_p99_ms=1000.0),
    )
    latency = {
        "delivery": _percentiles(rng, 20_000, median_ms, 0.55),
        "ack": _percentiles(rng, 8_000, median_ms * 0.6, 0.5),
        "connect": _percentiles(rng, 8_000, median_ms * 5, 0.45),
        "send_lag": _percentiles(rng, 8_000, 0.4, 0.5),
    }
    limit = 50.0 if passed else latency["delivery"].p99 * 0.6
    p99 = latency["delivery"].p99
    return Results(
        title=title,
        started_at="2026-11-25T13:05:42Z",
        duration_s=float(len(timeline)),
        ended_by="schedule",
        hold_s=float(hold_s),
        environment=_environment(),
        target=Target(
            url="ws://127.0.0.1:8080/ws",
            source_addresses=tuple(f"127.0.1.{n}" for n in range(1, agents + 1)),
        ),
        scenario=scenario,
        agents=[
            AgentFacts(
                agent=n,
                host="load-1" if n < agents / 2 else "load-2",
                pid=4000 + n,
                clients=connections // agents,
                clock_offset_ms=0.0 if n < agents / 2 else 12.418,
                clock_error_ms=0.0 if n < agents / 2 else 0.084,
                cpu_s=len(timeline) * 0.31,
                rss_kib=61_000 + n * 800,
            )
            for n in range(agents)
        ],
        totals=Counts(
            opened=connections + 12,
            refused=12,
            lost_connections=0,
            messages_due=sent,
            messages_sent=sent,
            messages_acked=sent - lost,
            deliveries=sent * room_size,
            deliveries_judged=sent * room_size,
            presence_events=connections * (room_size - 1) // 2,
            lost=lost,
            bytes_in=sent * room_size * 310,
            bytes_out=sent * 220,
            errors={"rate_limited": 3},
            closes={"1000": connections},
        ),
        latency=latency,
        recovery_s=None if storm is None else storm.spread_s + 1.3,
        canaries=_canaries(rng, canaries, median_ms) if canaries else None,
        timeline=timeline,
        workers=_workers(timeline, rng, workers, room_size),
        redis=_redis(timeline, workers),
        host=_host(timeline),
        checks=[
            Check(
                name="delivery p99",
                measured=p99,
                limit=limit,
                passed=p99 <= limit,
                sentence=f"99 % of deliveries arrived within {p99:.1f} ms; {limit:.0f} ms allowed.",
            ),
            Check(
                name="connect p99",
                measured=latency["connect"].p99,
                limit=1000.0,
                passed=True,
                sentence=f"99 % of clients were in their rooms within "
                f"{latency['connect'].p99:.0f} ms; 1000 ms are allowed.",
            ),
            Check(
                name="connected share",
                measured=1.0,
                limit=0.999,
                passed=True,
                sentence=f"All {connections:,} clients were connected.",
            ),
            Check(
                name="lost messages",
                measured=float(lost),
                limit=0.0,
                passed=lost == 0,
                sentence=f"{lost or 'No'} acknowledged messages were lost.",
            ),
        ],
        doubts=list(doubts),
        passed=passed and lost == 0,
    )


def _canaries(rng: random.Random, clients: int, median_ms: float) -> CanaryFacts:
    return CanaryFacts(
        clients=clients,
        rooms=clients,
        away=0,
        published=400,
        acknowledged=400,
        received=9_000,
        lost=0,
        duplicated=0,
        out_of_order=0,
        gaps=0,
        reconnects=clients,
        rejoined=0,
        endings={"the connection was lost": clients},
        latency={
            "connect": _percentiles(rng, clients, median_ms * 8, 0.4),
            "ack": _percentiles(rng, 300, median_ms, 0.5),
            "delivery": _percentiles(rng, 6_000, median_ms * 1.2, 0.6),
            "storm_ack": _percentiles(rng, 100, median_ms * 2, 0.9),
            "storm_delivery": _percentiles(rng, 3_000, median_ms * 3, 0.9),
            "offline": _percentiles(rng, clients, 300.0, 0.4),
        },
        cpu_s=4.2,
        rss_kib=52_000,
    )


def _second(
    t: int,
    rng: random.Random,
    connections: int,
    ramp_per_s: float,
    ramp_s: int,
    hold_s: int,
    messages_per_s: float,
    room_size: int,
    median_ms: float,
) -> Second:
    phases = (("connect", ramp_s), ("warm_up", ramp_s + WARM_UP_S))
    phase = next(
        (name for name, end in phases if t < end),
        "hold" if t < ramp_s + WARM_UP_S + hold_s else "drain",
    )
    before, now = (min(connections, ramp_per_s * s) for s in (t, t + 1))
    busy = phase in ("warm_up", "hold")
    sent = max(0.0, rng.gauss(messages_per_s, math.sqrt(messages_per_s))) if busy else 0.0
    sent = sent * 0.02 if phase == "drain" else sent
    spike = 6.0 if busy and rng.random() < 0.03 else 1.0
    p50 = median_ms * rng.uniform(0.9, 1.15)
    measured = busy and sent > 0
    return Second(
        t_s=float(t + 1),  # the end of the second
        phase=phase,
        connecting=64 if phase == "connect" else 0,
        connected=int(now),
        opened_per_s=(now - before) * (rng.uniform(0.92, 1.06) if now > before else 0),
        sent_per_s=sent,
        acked_per_s=sent * rng.uniform(0.995, 1.0),
        deliveries_per_s=sent * room_size * rng.uniform(0.99, 1.01),
        errors_per_s=0.0,
        bytes_in_per_s=sent * room_size * 310,
        delivery_p50_ms=p50 if measured else None,
        delivery_p99_ms=p50 * 3.4 * spike * rng.uniform(0.9, 1.2) if measured else None,
        delivery_max_ms=p50 * 6 * spike * rng.uniform(1.0, 2.2) if measured else None,
        send_lag_p99_ms=0.9 if measured else None,
        agents_cpu=0.15 + (0.75 if busy else 0.5) * rng.uniform(0.9, 1.1),
        agents_rss_kib=240_000,
    )


def _percentiles(rng: random.Random, samples: int, median_ms: float, spread: float) -> Percentiles:
    histogram = HdrHistogram(1, 600_000_000, 3)
    for _ in range(samples):
        value = median_ms * math.exp(rng.gauss(0.0, spread))
        if rng.random() < 0.002:
            value *= rng.uniform(4, 9)  # a long tail, as there always is
        histogram.record_value(max(1, round(value * 1000)))
    at = {p: histogram.get_value_at_percentile(p) / 1000 for p in (50, 90, 99, 99.9)}
    return Percentiles(
        samples=samples,
        mean=histogram.get_mean_value() / 1000,
        p50=at[50],
        p90=at[90],
        p99=at[99],
        p999=at[99.9],
        highest=histogram.get_max_value() / 1000,
        histogram=histogram.encode().decode(),
    )


def _workers(
    timeline: list[Second], rng: random.Random, workers: int, room_size: int
) -> list[WorkerSample]:
    cpu_s = dict.fromkeys(range(workers), 1.0)
    share = {n: rng.uniform(0.92, 1.08) / workers for n in range(workers)}
    found = []
    for second in timeline:
        for n in range(workers):
            connections = int(second.connected * share[n])
            cpu_s[n] += (
                share[n]
                * (
                    0.002
                    + 7e-7 * second.connected
                    + 9e-6 * second.deliveries_per_s
                    + 6e-5 * second.sent_per_s
                    + 3.2e-4 * second.opened_per_s
                )
                * rng.uniform(0.95, 1.05)
            )
            found.append(
                WorkerSample(
                    t_s=second.t_s,
                    worker=f"slot-{n}",
                    connections=connections,
                    rooms=connections * min(workers, room_size) // room_size,
                    rss_kib=51_000 + int(connections * 2.3),
                    cpu_s=cpu_s[n],
                    loop_lag_ms=abs(rng.gauss(1.5, 1.2)),
                )
            )
    return found


def _redis(timeline: list[Second], workers: int) -> list[RedisSample]:
    cpu_s = 2.0
    found = []
    for second in timeline:
        cpu_s += 0.01 + 3.1e-5 * second.sent_per_s + 1.6e-5 * second.opened_per_s
        found.append(
            RedisSample(
                t_s=second.t_s,
                commands_per_s=30 + second.sent_per_s + second.opened_per_s * 2,
                used_memory_kib=9_000 + int(second.connected * 0.4 + second.t_s * 90),
                cpu_s=cpu_s,
                network_in_kib_per_s=second.sent_per_s * 0.55 + second.opened_per_s * 0.7,
                network_out_kib_per_s=second.sent_per_s * 0.31 * min(workers, 3),
                pubsub_channels=second.connected // 10,
            )
        )
    return found


def _host(timeline: list[Second]) -> list[HostSample]:
    return [
        HostSample(
            t_s=second.t_s,
            available_kib=23_600_000 - int(second.connected * 11.2),
            slab_kib=120_000 + int(second.connected * 8.2),
            tcp_sockets=second.connected * 2 + 20,
            tcp_memory_kib=600 + int(second.deliveries_per_s * 0.1),
            busy_cores=0.05
            + second.agents_cpu
            + 1.6e-5 * second.deliveries_per_s
            + 3.4e-4 * second.opened_per_s,
        )
        for second in timeline
    ]


def _environment() -> Environment:
    return Environment(
        command="python -m loadtest run rooms --agents 4 --url ws://127.0.0.1:8080/ws -o r.json",
        revision="7f75182",
        python="3.11.7",
        kernel="Linux 6.18.5 x86_64",
        cores=2,
        memory_kib=24_684_084,
        descriptor_limit=20_000,
        versions={"chat": "0.1.0", "redis": "7.0.15", "uvloop": "0.23.0", "websockets": "17.4"},
        sysctls={
            "net.core.somaxconn": "4096",
            "net.ipv4.ip_local_port_range": "1024 65535",
            "fs.nr_open": "1048576",
        },
    )
