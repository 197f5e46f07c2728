"""Which figures a report has, and what is in each."""

from loadtest.report import axes, numbers, percentiles, series
from loadtest.report.axes import Unit
from loadtest.report.canvas import Canvas, Figure
from loadtest.report.plot import Band, Limit, Line, Plot
from loadtest.report.tables import Table
from loadtest.report.thinning import Point
from loadtest.results import Results, WorkerSample

#: Up to so many workers get a line each.
MOST_LINES = 4
LATENCIES = {
    "delivery": "delivery",
    "storm": "delivery in the storm",
    "ack": "acknowledgement",
    "connect": "connect",
    "recovery": "recovery",
    "send_lag": "generator's lateness",
}


# ------------------------------------------------------------------- over time


def traffic(canvas: Canvas) -> list[Figure]:
    """Connections and messages."""
    found = [
        canvas.figure(
            "connections",
            "Connections",
            "count",
            [
                canvas.noted(
                    "in their rooms", canvas.seconds("connected"), "count", 1, filled=True
                ),
                Line(name="connecting", points=canvas.seconds("connecting"), tone=2),
            ],
        ),
        canvas.figure(
            "opened",
            "Connections opened",
            "per_s",
            [Line(name="opened", points=canvas.seconds("opened_per_s"), tone=1, filled=True)],
        ),
        canvas.figure(
            "messages",
            "Messages",
            "per_s",
            [
                canvas.noted("sent", canvas.seconds("sent_per_s"), "per_s", 1),
                canvas.noted(
                    "acknowledged", canvas.seconds("acked_per_s"), "per_s", 2, dashed=True
                ),
                Line(
                    name="errors",
                    points=canvas.seconds("errors_per_s"),
                    tone=5,
                    dashed=True,
                ),
            ],
        ),
        canvas.figure(
            "deliveries",
            "Deliveries",
            "per_s",
            [
                canvas.noted(
                    "delivered", canvas.seconds("deliveries_per_s"), "per_s", 3, filled=True
                )
            ],
        ),
    ]
    return [figure for figure in found if figure]


def latency(canvas: Canvas) -> list[Figure]:
    """Delivery latency over time, and every kind by percentile."""
    lines = [
        Line(name="half within", points=canvas.seconds("delivery_p50_ms"), tone=1),
        Line(name="99 % within", points=canvas.seconds("delivery_p99_ms"), tone=2),
        Line(name="slowest", points=canvas.seconds("delivery_max_ms"), tone=4),
        Line(
            name="generator late, 99 % within",
            points=canvas.seconds("send_lag_p99_ms"),
            tone=0,
            dashed=True,
        ),
    ]
    allowed = canvas.results.scenario.thresholds.delivery_p99_ms
    limits = [] if allowed is None else [Limit(name="allowed for 99 %", value=allowed)]
    values = [v for line in lines for _, v in line.points if v is not None and v > 0]
    values += [limit.value for limit in limits if values]
    if not values:
        return []
    over = canvas.figure(
        "latency",
        "Delivery latency",
        "ms",
        [line for line in lines if any(v is not None for _, v in line.points)],
        y=axes.logarithmic(min(values), max(values)),
        limits=limits,
    )
    curves = by_percentile(canvas.results)
    return [figure for figure in (over, curves) if figure]


def by_percentile(results: Results) -> Figure | None:
    """Every kind of latency, as a curve."""
    kinds = [
        (name, results.latency[kind], tone)
        for tone, (kind, name) in enumerate(LATENCIES.items(), start=1)
        if kind in results.latency and results.latency[kind].samples
    ]
    lines = [
        Line(
            name=name,
            points=percentiles.curve(found),
            tone=0 if kind_tone == len(LATENCIES) else kind_tone,
            dashed=kind_tone == len(LATENCIES),
        )
        for name, found, kind_tone in kinds
    ]
    values = [value for line in lines for _, value in line.points if value]
    if not values:
        return None
    plot = Plot(
        key="percentiles",
        title="Latency by percentile",
        description=" ".join(
            f"{name}: half within {numbers.milliseconds(found.p50)}, 99 % within "
            f"{numbers.milliseconds(found.p99)}, slowest {numbers.milliseconds(found.highest)}."
            for name, found, _ in kinds
        ),
        x=percentiles.axis(max(found.samples for _, found, _ in kinds)),
        y=axes.logarithmic(min(values), max(values)),
        lines=lines,
    )
    table = Table(
        head=["kind", "samples", "mean", "p50", "p90", "p99", "p99.9", "slowest"],
        rows=[
            [
                name,
                numbers.count(found.samples),
                *(
                    numbers.milliseconds(value)
                    for value in (
                        found.mean,
                        found.p50,
                        found.p90,
                        found.p99,
                        found.p999,
                        found.highest,
                    )
                ),
            ]
            for name, found, _ in kinds
        ],
    )
    return Figure(plot=plot, table=table)


# ----------------------------------------------------------------- the machines


def workers(canvas: Canvas) -> list[Figure]:
    """Memory and CPU of the workers."""
    samples = canvas.results.workers
    memory = series.by_worker(samples, lambda s: None if s.rss_kib is None else float(s.rss_kib))
    cpu = {
        name: series.rates(points)
        for name, points in series.by_worker(samples, lambda s: s.cpu_s).items()
    }
    lag = series.by_worker(samples, lambda s: s.loop_lag_ms)
    connections = series.by_worker(samples, _connections)
    found = [
        _of_workers(canvas, "worker-connections", "Connections per worker", "count", connections),
        _of_workers(canvas, "worker-memory", "Memory per worker", "kib", memory),
        _of_workers(canvas, "worker-cpu", "CPU per worker", "cores", cpu),
        _of_workers(canvas, "worker-lag", "Longest turn of the event loop", "ms", lag),
    ]
    return [figure for figure in found if figure]


def _connections(sample: WorkerSample) -> float | None:
    return None if sample.connections is None else float(sample.connections)


def _of_workers(
    canvas: Canvas, key: str, title: str, unit: Unit, found: dict[str, list[Point]]
) -> Figure | None:
    found = {name: pts for name, pts in found.items() if any(v is not None for _, v in pts)}
    y = None
    if unit == "ms":
        lags = [v for points in found.values() for _, v in points if v is not None]
        y = axes.logarithmic(max(0.1, min(lags)), max(lags)) if lags else None
    if len(found) <= (MOST_LINES if unit != "ms" else 1):  # lags cross too often to follow
        lines = [
            Line(name=name, points=points, tone=tone)
            for tone, (name, points) in enumerate(found.items(), start=1)
        ]
        return canvas.figure(key, title, unit, lines, y=y)
    spread = series.spread(found.values())
    middle = canvas.noted(f"middle of {len(found)} workers", spread.middle, unit, 1)
    bands = [Band(name="lowest to highest", spans=spread.spans, tone=1)]
    return canvas.figure(key, title, unit, [middle], bands, y=y)


def redis(canvas: Canvas) -> list[Figure]:
    """The load of Redis."""
    samples = canvas.results.redis
    commands = series.of(samples, lambda s: s.t_s, lambda s: s.commands_per_s)
    memory = series.of(samples, lambda s: s.t_s, lambda s: float(s.used_memory_kib))
    cpu = series.rates(series.of(samples, lambda s: s.t_s, lambda s: s.cpu_s))
    into = series.of(samples, lambda s: s.t_s, lambda s: s.network_in_kib_per_s)
    out = series.of(samples, lambda s: s.t_s, lambda s: s.network_out_kib_per_s)
    found = [
        canvas.figure(
            "redis-commands",
            "Redis commands",
            "per_s",
            [canvas.noted("commands", commands, "per_s", 5, filled=True)],
        ),
        canvas.figure(
            "redis-cpu", "Redis CPU", "cores", [canvas.noted("used", cpu, "cores", 5, filled=True)]
        ),
        canvas.figure(
            "redis-memory",
            "Redis memory",
            "kib",
            [Line(name="used", points=memory, tone=5, filled=True)],
        ),
        canvas.figure(
            "redis-network",
            "Redis network",
            "kib_per_s",
            [
                canvas.noted("in", into, "kib_per_s", 4),
                canvas.noted("out", out, "kib_per_s", 5),
            ],
        ),
    ]
    return [figure for figure in found if figure]


def machines(canvas: Canvas) -> list[Figure]:
    """The host of the coordinator, and the agents."""
    samples = canvas.results.host
    available = series.of(samples, lambda s: s.t_s, lambda s: float(s.available_kib))
    slab = series.of(samples, lambda s: s.t_s, lambda s: float(s.slab_kib))
    tcp = series.of(samples, lambda s: s.t_s, lambda s: float(s.tcp_memory_kib))
    busy = series.of(samples, lambda s: s.t_s, lambda s: s.busy_cores)
    agents = canvas.seconds("agents_cpu")
    agents_rss = canvas.seconds("agents_rss_kib")
    cores = canvas.results.environment.cores
    found = [
        canvas.figure(
            "host-memory",
            "Memory of this machine",
            "kib",
            [Line(name="available", points=available, tone=6)],
        ),
        canvas.figure(
            "host-kernel",
            "Kernel memory of this machine",
            "kib",
            [
                Line(name="slab: sockets and files", points=slab, tone=6, filled=True),
                Line(name="data in TCP buffers", points=tcp, tone=2),
            ],
        ),
        canvas.figure(
            "cpu",
            f"CPU in use, of {cores} cores",
            "cores",
            [
                canvas.noted("whole machine", busy, "cores", 6),
                canvas.noted("agents", agents, "cores", 4),
            ],
        ),
        canvas.figure(
            "agents-memory",
            "Memory of all agents",
            "kib",
            [Line(name="resident", points=agents_rss, tone=4, filled=True)],
        ),
    ]
    return [figure for figure in found if figure]
