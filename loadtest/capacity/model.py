"""The model: four costs, a scalability law, and how far the runs reached that they are from."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from msgspec import Struct, field, json

from loadtest.capacity.fitting import Fit, FitError, fit
from loadtest.capacity.observations import Observation, Window
from loadtest.capacity.scalability import Scaling, fit_scaling

VERSION = 1
CONNECTION, DELIVERY, PUBLISH, HANDSHAKE = "connection", "delivery", "publish", "handshake"
WORKER, SUBSCRIBER, RUNNING = "worker", "subscription delivery", "running at all"

Amounts = dict[str, float]


class Run(Struct, frozen=True, kw_only=True):
    """A run that the model is from."""

    digest: str
    title: str
    started_at: str


class Range(Struct, frozen=True, kw_only=True):
    """How far the runs reached."""

    low: float
    high: float


class Prediction(Struct, frozen=True, kw_only=True):
    """One quantity of one run. None: not measured, or the model cannot tell."""

    name: str
    unit: str
    predicted: float | None
    measured: float | None

    @property
    def error(self) -> float | None:
        """Relative error."""
        if self.predicted is None or not self.measured:
            return None
        return self.predicted / self.measured - 1


class Model(Struct, frozen=True, kw_only=True):
    """Costs: memory in KiB, CPU in seconds, network in bytes. None with a reason in `missing`."""

    version: int = VERSION
    runs: list[Run]
    memory: Fit | None = None  # of all workers: per worker, per connection
    worker_cpu: Fit | None = None
    redis_cpu: Fit | None = None
    network: Fit | None = None  # from the workers to the clients
    scaling: Scaling | None = None
    ranges: dict[str, Range] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)
    doubts: list[str] = field(default_factory=list)

    def knows(self, observation: Observation) -> bool:
        """Return whether the model was fitted on this run."""
        return any(run.digest == observation.digest for run in self.runs)


def write(model: Model, path: Path) -> None:
    """Write as indented JSON."""
    path.write_bytes(json.format(json.encode(model), indent=1) + b"\n")


def read(path: Path) -> Model:
    """Read what `write` wrote.

    Raises:
        msgspec.ValidationError: it is something else.
        OSError: it cannot be read.
    """
    return json.decode(path.read_bytes(), type=Model)


# ------------------------------------------------------------------------- fit


def fit_model(observations: Sequence[Observation], saturated: Sequence[Observation] = ()) -> Model:
    """Fit all that the runs tell; what they do not is in `missing`.

    Args:
        observations: runs of different sizes.
        saturated: runs at the highest rate that each number of workers can bear, for the
            scalability law.
    """
    missing: dict[str, str] = {}

    def tried(name: str, rows: Iterable[tuple[Amounts, float]]) -> Fit | None:
        found = list(rows)
        try:
            return fit([amounts for amounts, _ in found], [cost for _, cost in found])
        except FitError as exc:
            missing[name] = f"{exc}."
            return None

    scaling = None
    try:
        scaling = fit_scaling(
            [(o.workers, o.hold.deliveries_per_s) for o in saturated if o.workers and o.hold]
        )
    except FitError as exc:
        missing["scaling"] = f"{exc}."
    return Model(
        runs=[
            Run(digest=o.digest, title=o.title, started_at=o.started_at)
            for o in (*observations, *saturated)
        ],
        memory=tried("memory", _memory_rows(observations)),
        worker_cpu=tried("worker_cpu", _worker_rows(observations)),
        redis_cpu=tried("redis_cpu", _redis_rows(observations)),
        network=tried("network", _network_rows(observations)),
        scaling=scaling,
        ranges=_ranges(observations),
        missing=missing,
        doubts=_doubts(observations),
    )


def _doubts(observations: Sequence[Observation]) -> list[str]:
    doubts = []
    assumed = [o.title for o in observations if o.subscribers and not o.subscribers_counted]
    if assumed:
        doubts.append(
            "How many workers Redis hands a message to was not counted but follows from members "
            f"placed at random, in: {'; '.join(assumed)}."
        )
    doubts += [
        f"“{o.title}” had {' and '.join(o.others)}, whose cost is charged to messages and "
        "connections."
        for o in observations
        if o.others
    ]
    return doubts


def _windows(observation: Observation) -> list[Window]:
    return [window for window in (observation.ramp, observation.hold) if window]


def _memory_rows(observations: Iterable[Observation]) -> Iterable[tuple[Amounts, float]]:
    for observation in observations:
        for connections, kib in observation.memory:
            yield {WORKER: 1.0, CONNECTION: connections}, kib


def _worker_rows(observations: Iterable[Observation]) -> Iterable[tuple[Amounts, float]]:
    for observation in observations:
        for window in _windows(observation):
            if window.worker_cores is not None and observation.workers:
                yield worker_amounts(window, observation.workers), window.worker_cores


def worker_amounts(window: Window, workers: int) -> Amounts:
    """Return the causes of the workers' CPU time."""
    return {
        WORKER: float(workers),
        CONNECTION: window.connections,
        DELIVERY: window.deliveries_per_s,
        PUBLISH: window.publishes_per_s,
        HANDSHAKE: window.opened_per_s,
    }


def _redis_rows(observations: Iterable[Observation]) -> Iterable[tuple[Amounts, float]]:
    for observation in observations:
        for window in _windows(observation):
            amounts = redis_amounts(window, observation.subscribers)
            if window.redis_cores is not None and amounts is not None:
                yield amounts, window.redis_cores


def redis_amounts(window: Window, subscribers: float | None) -> Amounts | None:
    """Return the causes of Redis' CPU time; None if the number of subscribers is not known."""
    if subscribers is None and window.publishes_per_s > 0:
        return None
    return {
        RUNNING: 1.0,
        PUBLISH: window.publishes_per_s,
        SUBSCRIBER: window.publishes_per_s * (subscribers or 0.0),
        HANDSHAKE: window.opened_per_s,
    }


def _network_rows(observations: Iterable[Observation]) -> Iterable[tuple[Amounts, float]]:
    for observation in observations:
        if observation.hold and observation.hold.deliveries_per_s > 0:
            amounts = {DELIVERY: observation.hold.deliveries_per_s}
            yield amounts, observation.hold.bytes_in_per_s


def _ranges(observations: Sequence[Observation]) -> dict[str, Range]:
    def of(value: Callable[[Observation], float | None]) -> Range | None:
        known = [found for o in observations if (found := value(o))]
        return Range(low=min(known), high=max(known)) if known else None

    found = {
        "workers": of(lambda o: float(o.workers) if o.workers else None),
        "connections": of(lambda o: o.hold.connections if o.hold else None),
        "connections per worker": of(
            lambda o: o.hold.connections / o.workers if o.hold and o.workers else None
        ),
        "messages/s": of(lambda o: o.hold.publishes_per_s if o.hold else None),
        "deliveries/s": of(lambda o: o.hold.deliveries_per_s if o.hold else None),
        "deliveries per message": of(
            lambda o: (
                o.hold.deliveries_per_s / o.hold.publishes_per_s
                if o.hold and o.hold.publishes_per_s
                else None
            )
        ),
        "workers per message": of(lambda o: o.subscribers),
        "connections opened/s": of(
            lambda o: max((w.opened_per_s for w in _windows(o)), default=None)
        ),
    }
    return {name: span for name, span in found.items() if span}


# --------------------------------------------------------------------- predict


def predict(model: Model, observation: Observation) -> list[Prediction]:
    """Return what the model says of a run, beside what was measured."""
    hold, ramp = observation.hold, observation.ramp
    found = []
    if hold and observation.workers:
        amounts = {WORKER: float(observation.workers), CONNECTION: hold.connections}
        found.append(
            Prediction(
                name="memory of all workers",
                unit="KiB",
                predicted=model.memory.cost(amounts) if model.memory else None,
                measured=observation.resident_kib,
            )
        )
    for name, window in (("hold", hold), ("ramp", ramp)):
        if window is None:
            continue
        load = redis_amounts(window, observation.subscribers)
        found += [
            Prediction(
                name=f"worker CPU, {name}",
                unit="cores",
                predicted=model.worker_cpu.cost(worker_amounts(window, observation.workers))
                if model.worker_cpu and observation.workers
                else None,
                measured=window.worker_cores,
            ),
            Prediction(
                name=f"Redis CPU, {name}",
                unit="cores",
                predicted=model.redis_cpu.cost(load) if model.redis_cpu and load else None,
                measured=window.redis_cores,
            ),
        ]
    if hold and hold.deliveries_per_s > 0:
        amounts = {DELIVERY: hold.deliveries_per_s}
        found.append(
            Prediction(
                name="bytes to clients, hold",
                unit="B/s",
                predicted=model.network.cost(amounts) if model.network else None,
                measured=hold.bytes_in_per_s,
            )
        )
    return found
