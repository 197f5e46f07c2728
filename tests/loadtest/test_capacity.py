"""Capacity: known costs are found again, and what the runs do not tell is never made up."""

import itertools
import math
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from msgspec import structs

from loadtest.capacity import Model, Observation, Wish, fit_model, fit_scaling, observe, plan
from loadtest.capacity.cli import main
from loadtest.capacity.fitting import Fit, FitError, fit
from loadtest.capacity.leastsquares import (
    MOST_UNKNOWNS,
    SingularError,
    independence,
    nonnegative,
    solve,
)
from loadtest.capacity.model import Range, predict
from loadtest.capacity.observations import Window, spread
from loadtest.capacity.plan import Plan
from loadtest.results import Results, write
from loadtest.scenario import Storm
from tests.loadtest.sample_results import sample

COSTS = st.floats(1e-7, 1e-3)


def window(
    *,
    workers: int,
    connections: float,
    publishes: float,
    deliveries: float,
    opened: float,
    subscribers: float,
    worker: tuple[float, float, float, float, float] = (0.002, 7e-7, 9e-6, 6e-5, 3.2e-4),
    redis: tuple[float, float, float, float] = (0.01, 3e-5, 2e-6, 1.6e-5),
) -> Window:
    """Return a phase in which everything cost exactly that."""
    amounts = (workers, connections, deliveries, publishes, opened)
    load = (1.0, publishes, publishes * subscribers, opened)
    return Window(
        seconds=60,
        connections=connections,
        opened_per_s=opened,
        publishes_per_s=publishes,
        deliveries_per_s=deliveries,
        bytes_in_per_s=deliveries * 310,
        worker_cores=sum(a * b for a, b in zip(worker, amounts, strict=True)),
        redis_cores=sum(a * b for a, b in zip(redis, load, strict=True)),
    )


class Shape(NamedTuple):
    """The size of a run."""

    workers: int
    connections: int
    publishes: float
    members: int


def run(
    number: int,
    shape: Shape,
    *,
    worker: tuple[float, float, float, float, float] = (0.002, 7e-7, 9e-6, 6e-5, 3.2e-4),
    redis: tuple[float, float, float, float] = (0.01, 3e-5, 2e-6, 1.6e-5),
) -> Observation:
    """Return a run of a cluster whose costs are known."""
    workers, connections, publishes, members = shape
    subscribers = spread(members, workers)
    each = connections / workers

    def phase(connections: float, publishes: float, opened: float) -> Window:
        return window(
            workers=workers,
            connections=connections,
            publishes=publishes,
            deliveries=publishes * members,
            opened=opened,
            subscribers=subscribers,
            worker=worker,
            redis=redis,
        )

    return Observation(
        digest=f"run-{number}",
        title=f"Run {number}",
        started_at="2026-11-25T12:00:00Z",
        workers=workers,
        hold=phase(connections, publishes, 0),
        ramp=phase(connections / 2, 0, 300 + 100 * number),
        memory=[(0, 50_000.0), (each, 50_000 + 2.3 * each)] * workers,
        resident_kib=workers * 50_000 + 2.3 * connections,
        subscribers=subscribers,
        subscribers_counted=True,
    )


SHAPES = (
    Shape(workers=1, connections=5_000, publishes=200, members=2),
    Shape(workers=2, connections=10_000, publishes=2_000, members=5),
    Shape(workers=4, connections=60_000, publishes=500, members=100),
    Shape(workers=8, connections=20_000, publishes=4_000, members=10),
    Shape(workers=3, connections=50_000, publishes=100, members=20),
)
RUNS = [run(number, shape) for number, shape in enumerate(SHAPES)]


@pytest.fixture(scope="module")
def model() -> Model:
    return fit_model(RUNS)


def terms(fit: Fit | None) -> dict[str, float | None]:
    assert fit is not None
    return fit.terms


# --------------------------------------------------------------- least squares


@given(st.lists(st.floats(0, 1e3), min_size=3, max_size=3))
def test_known_factors_are_found_again(factors: list[float]) -> None:
    columns = [[1.0, 2.0, 3.0, 5.0], [2.0, 0.0, 1.0, 1.0], [0.0, 1.0, 4.0, 9.0]]
    target = [sum(f * c[row] for f, c in zip(factors, columns, strict=True)) for row in range(4)]
    assert nonnegative(columns, target) == pytest.approx(factors, rel=1e-6, abs=1e-6)


@given(
    st.lists(st.lists(st.floats(0, 10), min_size=5, max_size=5), min_size=2, max_size=3),
    st.lists(st.floats(-10, 10), min_size=5, max_size=5),
)
def test_no_neighbour_without_negative_factors_is_closer(
    columns: list[list[float]], target: list[float]
) -> None:
    """The optimum of a convex problem: no step in any allowed direction improves it."""
    assume(all(max(column) > 0.1 for column in columns))
    found = nonnegative(columns, target)
    assert min(found) >= 0

    def distance(factors: list[float]) -> float:
        return sum(
            (wanted - sum(f * c[row] for f, c in zip(factors, columns, strict=True))) ** 2
            for row, wanted in enumerate(target)
        )

    least = distance(found)
    for step in itertools.product((-0.01, 0.0, 0.01), repeat=len(columns)):
        near = [max(0.0, f + s) for f, s in zip(found, step, strict=True)]
        assert distance(near) >= least - 1e-6 * (1 + least)


def test_a_cost_is_never_negative() -> None:
    assert nonnegative([[1.0, 1.0, 1.0], [1.0, 2.0, 3.0]], [3.0, 2.0, 1.0])[1] == 0


def test_columns_that_depend_on_each_other_have_no_single_answer() -> None:
    with pytest.raises(SingularError):
        solve([[1.0, 2.0], [2.0, 4.0]], [1.0, 1.0])
    assert independence([[1.0, 2.0, 3.0], [2.0, 4.0, 6.0]]) == pytest.approx([0, 0], abs=1e-9)
    assert independence([[1.0, 0.0], [0.0, 1.0]]) == [1, 1]


def test_too_many_unknowns_are_refused_not_tried() -> None:
    with pytest.raises(ValueError, match="too many"):
        nonnegative([[1.0]] * (MOST_UNKNOWNS + 1), [1.0])


# ----------------------------------------------------------------------- fitting


@given(st.tuples(COSTS, COSTS, COSTS, COSTS, COSTS), st.tuples(COSTS, COSTS, COSTS, COSTS))
def test_the_model_finds_the_costs_that_made_the_runs(
    worker: tuple[float, float, float, float, float], redis: tuple[float, float, float, float]
) -> None:
    runs = [run(n, shape, worker=worker, redis=redis) for n, shape in enumerate(SHAPES)]
    model = fit_model(runs)
    assert model.worker_cpu
    assert model.redis_cpu
    assert model.worker_cpu.worst_error < 1e-6
    assert model.redis_cpu.worst_error < 1e-6
    for run_ in runs:  # and so it predicts
        for prediction in predict(model, run_):
            assert prediction.error == pytest.approx(0, abs=1e-6)


def test_ordinary_costs_are_found_exactly(model: Model) -> None:
    assert terms(model.worker_cpu) == pytest.approx(
        {
            "worker": 0.002,
            "connection": 7e-7,
            "delivery": 9e-6,
            "publish": 6e-5,
            "handshake": 3.2e-4,
        },
        rel=1e-3,
    )
    assert terms(model.redis_cpu) == pytest.approx(
        {
            "running at all": 0.01,
            "publish": 3e-5,
            "subscription delivery": 2e-6,
            "handshake": 1.6e-5,
        },
        rel=1e-3,
    )
    assert terms(model.memory) == pytest.approx({"worker": 50_000, "connection": 2.3})
    assert terms(model.network) == pytest.approx({"delivery": 310})
    assert model.missing == {"scaling": "the scalability law needs 4 different numbers of workers."}


def test_a_cause_that_no_run_had_stays_unknown() -> None:
    quiet = [run(n, shape._replace(publishes=0.0)) for n, shape in enumerate(SHAPES)]
    model = fit_model(quiet)
    assert terms(model.worker_cpu)["delivery"] is None
    assert terms(model.redis_cpu)["publish"] is None
    assert model.network is None
    found = plan(model, Wish(connections=1_000, messages_per_s=10, room_size=5))
    assert found.worker_cores is None
    assert any("no run had any delivery or publish" in warning for warning in found.warnings)
    idle = plan(model, Wish(connections=1_000, messages_per_s=0, room_size=5))
    assert idle.worker_cores is not None


def test_too_few_runs_give_a_reason_and_no_number() -> None:
    model = fit_model(RUNS[:1])
    assert model.worker_cpu is None
    assert "2 observations for 5 unknowns" in model.missing["worker_cpu"]
    with pytest.raises(FitError):
        fit([], [])


def test_causes_that_grew_together_are_doubted() -> None:
    same = [run(n, Shape(2, 1000 * n, 100 * n, 10)) for n in range(1, 7)]
    model = fit_model(same)
    assert model.worker_cpu
    assert any("can hardly be told" in doubt for doubt in model.worker_cpu.doubts)
    found = plan(model, Wish(connections=1_000, messages_per_s=10, room_size=10))
    assert any("can hardly be told" in warning for warning in found.warnings)


# --------------------------------------------------------------- scalability law


@given(single=st.floats(1e3, 1e6), contention=st.floats(0, 0.3), coherence=st.floats(0, 0.01))
def test_the_scalability_law_is_found_again(
    single: float, contention: float, coherence: float
) -> None:
    def law(n: int) -> float:
        return single * n / (1 + contention * (n - 1) + coherence * n * (n - 1))

    found = fit_scaling([(n, law(n)) for n in (1, 2, 4, 8, 16)])
    assert found.single_per_s == pytest.approx(single, rel=1e-5)
    assert found.contention == pytest.approx(contention, abs=1e-5)
    assert found.coherence == pytest.approx(coherence, abs=1e-5)
    assert all(abs(point.error) < 1e-5 for point in found.points)


def test_three_numbers_of_workers_are_not_enough_for_the_law() -> None:
    with pytest.raises(FitError, match="4 different"):
        fit_scaling([(1, 10), (2, 19), (4, 30), (4, 31)])


def test_the_law_knows_when_more_workers_do_less() -> None:
    found = fit_scaling([(n, 100 * n / (1 + 0.01 * n * (n - 1))) for n in (1, 2, 4, 8, 16)])
    assert found.best_workers == pytest.approx(10, rel=1e-3)
    assert found.per_s(10) > found.per_s(12)
    without = fit_scaling([(n, 100.0 * n) for n in (1, 2, 3, 4)])
    assert without.efficiency(1000) == pytest.approx(1, rel=1e-6)


# ------------------------------------------------------------------ observations


@pytest.fixture(scope="module")
def results() -> Results:
    return sample(connections=20_000, messages_per_s=1_000, room_size=10, workers=4, hold_s=60)


def test_rates_are_those_of_the_hold(results: Results) -> None:
    found = observe(results)
    assert found.workers == 4
    assert found.hold
    assert found.hold.connections == 20_000
    assert found.hold.publishes_per_s == pytest.approx(1_000, rel=0.02)
    assert found.hold.deliveries_per_s == pytest.approx(10_000, rel=0.02)
    assert found.hold.redis_cores == pytest.approx(0.01 + 3.1e-5 * 1_000, rel=0.02)
    assert found.ramp
    assert found.ramp.opened_per_s == pytest.approx(1_450, rel=0.1)
    assert found.resident_kib == pytest.approx(4 * 51_000 + 2.3 * 20_000, rel=0.001)


@pytest.mark.parametrize("field", ["cpu_s", "rss_kib", "connections"])
def test_what_one_worker_does_not_tell_is_unknown(results: Results, field: str) -> None:
    silent = structs.replace(
        results,
        workers=[
            structs.replace(s, **{field: None}) if s.worker == "slot-1" else s
            for s in results.workers
        ],
    )
    found = observe(silent)
    assert found.hold
    assert (found.hold.worker_cores is None) == (field == "cpu_s")
    assert (found.resident_kib is None) == (field != "cpu_s")


def test_a_worker_that_was_replaced_makes_its_counter_unknown(results: Results) -> None:
    replaced = structs.replace(
        results,
        workers=[
            structs.replace(s, cpu_s=0.1) if s.worker == "slot-1" and s.t_s > 40 else s
            for s in results.workers
        ],
    )
    hold = observe(replaced).hold
    assert hold
    assert hold.worker_cores is None


def test_a_run_without_samples_tells_its_traffic_only(results: Results) -> None:
    found = observe(structs.replace(results, workers=[], redis=[]))
    assert found.hold
    assert (found.workers, found.hold.worker_cores, found.hold.redis_cores) == (None, None, None)
    assert found.memory == []
    nothing = observe(structs.replace(results, timeline=[]))
    assert nothing.hold is None
    assert nothing.ramp is None
    assert fit_model([found, nothing]).worker_cpu is None


def test_traffic_that_the_model_does_not_know_is_doubted(results: Results) -> None:
    scenario = results.scenario
    typing = structs.replace(scenario.traffic, typing_per_s=5.0)
    noisy = structs.replace(
        results, scenario=structs.replace(scenario, traffic=typing, storm=Storm(at_s=1))
    )
    assert observe(results).others == []
    assert observe(noisy).others == ["typing", "a storm"]
    assert any("typing and a storm" in doubt for doubt in fit_model([observe(noisy)]).doubts)


def test_a_model_that_misses_its_own_runs_is_doubted() -> None:
    odd = [
        structs.replace(
            run_,
            hold=structs.replace(
                run_.hold, worker_cores=run_.hold.worker_cores * (2 if n % 2 else 0.5)
            ),
        )
        for n, run_ in enumerate(RUNS)
        if run_.hold and run_.hold.worker_cores
    ]
    found = plan(fit_model(odd), Wish(connections=1_000, messages_per_s=10, room_size=10))
    assert any("misses the runs" in warning for warning in found.warnings)


def test_subscribers_are_counted_or_follow_from_chance(results: Results) -> None:
    counted = observe(results)
    assert counted.subscribers_counted
    silent = structs.replace(
        results, workers=[structs.replace(s, rooms=None) for s in results.workers]
    )
    assumed = observe(silent)
    assert not assumed.subscribers_counted
    assert assumed.subscribers == pytest.approx(spread(10, 4), rel=0.02)
    assert any("random" in doubt for doubt in fit_model([assumed]).doubts)


@pytest.mark.parametrize(
    ("members", "workers", "wanted"),
    [(1, 8, 1), (10, 1, 1), (2, 2, 1.5), (1000, 4, 4), (0, 4, 0), (5, 0, 0)],
)
def test_a_room_spreads_over_workers_by_chance(members: int, workers: int, wanted: float) -> None:
    assert spread(members, workers) == pytest.approx(wanted)


# --------------------------------------------------------------------------- plan


def entry(found: Plan, name: str) -> str:
    [amount] = [entry.amount for entry in found.entries if entry.name == name]
    return amount


def test_a_million_connections_at_20000_descriptors_are_52_workers(model: Model) -> None:
    found = plan(model, Wish(connections=1_000_000, messages_per_s=5_000, room_size=10))
    assert found.workers == 52
    assert found.proxies == 101
    assert found.memory_bytes == pytest.approx(52 * 50_000 * 1024 + 1e6 * 2.3 * 1024 + 1e6 * 4_180)
    cores = 52 * 0.002 + 0.7 + 50_000 * 9e-6 + 5_000 * 6e-5
    assert found.worker_cores == pytest.approx(cores / 0.6, rel=1e-3)
    assert entry(found, "Workers") == "52"


def test_a_busy_system_has_as_many_workers_as_its_cpu_needs(model: Model) -> None:
    wish = Wish(connections=1_000, messages_per_s=100_000, room_size=10, descriptors=100_000)
    found = plan(model, wish)
    assert found.worker_cores
    assert found.workers == math.ceil(found.worker_cores)
    assert found.redis_shards
    assert found.redis_shards > 1


@given(
    connections=st.integers(1, 10_000_000),
    messages=st.floats(0, 1e6),
    members=st.floats(1, 1e4),
    reconnects=st.floats(0, 1e5),
    descriptors=st.integers(1_000, 1_048_576),
    utilisation=st.floats(0.05, 1),
)
def test_a_plan_carries_what_was_wished(
    connections: int,
    messages: float,
    members: float,
    reconnects: float,
    descriptors: int,
    utilisation: float,
) -> None:
    wish = Wish(
        connections=connections,
        messages_per_s=messages,
        room_size=members,
        reconnects_per_s=reconnects,
        descriptors=descriptors,
        utilisation=utilisation,
    )
    found = plan(fit_model(RUNS), wish)
    assert found.workers * (descriptors - 400) >= connections
    assert found.worker_cores is not None
    assert found.workers >= found.worker_cores * 0.999999
    assert found.proxies * (descriptors - 100) / 2 >= connections


def test_far_beyond_the_runs_is_called_an_extrapolation(model: Model) -> None:
    near = plan(model, Wish(connections=60_000, messages_per_s=4_000, room_size=10))
    assert not [warning for warning in near.warnings if "Extrapolated" in warning]
    far = plan(model, Wish(connections=1_000_000, messages_per_s=4_000, room_size=10))
    assert any("16.7 times the most" in warning for warning in far.warnings)
    assert model.ranges["connections"] == Range(low=5_000, high=60_000)


def test_the_law_asks_for_more_workers_or_says_that_none_suffice() -> None:
    wish = Wish(connections=1_000, messages_per_s=30_000, room_size=10, descriptors=100_000)
    alone = plan(fit_model(RUNS), wish)

    def saturated(coherence: float) -> list[Observation]:
        return [
            structs.replace(
                run(n, Shape(n, 1000, 0, 1)),
                hold=window(
                    workers=n,
                    connections=1000,
                    publishes=0,
                    deliveries=1e5 * n / (1 + 0.01 * (n - 1) + coherence * n * (n - 1)),
                    opened=0,
                    subscribers=1,
                ),
            )
            for n in (1, 2, 4, 8)
        ]

    hindered = plan(fit_model(RUNS, saturated(0.0)), wish)
    assert hindered.workers > alone.workers
    hopeless = plan(fit_model(RUNS, saturated(0.05)), wish)
    assert any("no number of workers" in warning for warning in hopeless.warnings)


# --------------------------------------------------------------------- the command


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs")
    for number, (connections, rate, members, workers) in enumerate(
        ((10_000, 500, 10, 2), (20_000, 2_000, 5, 2), (40_000, 1_000, 50, 4), (5_000, 200, 2, 1))
    ):
        results = sample(
            title=f"Run {number}",
            connections=connections,
            messages_per_s=rate,
            room_size=members,
            workers=workers,
            hold_s=20,
            seed=number,
        )
        write(results, folder / f"{number}.json")
    return folder


def test_fit_check_and_plan_from_files(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    runs = [str(folder / f"{number}.json") for number in (0, 2, 3)]
    model = str(folder / "model.json")
    assert main(["fit", *runs, "-o", model]) == 0
    assert "worst error" in capsys.readouterr().out
    assert main(["check", "--model", model, str(folder / "1.json")]) == 0
    table = capsys.readouterr().out
    assert "memory of all workers" in table
    assert "%" in table
    size = ["--connections", "1,000,000", "--messages-per-s", "5000", "--room-size", "10"]
    assert main(["plan", "--model", model, *size]) == 0
    said = capsys.readouterr().out
    for name in ("Workers: 52", "Redis shards", "HAProxy processes: 101", "! Extrapolated"):
        assert name in said


def test_a_run_that_the_model_knows_proves_nothing_and_is_refused(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    runs = [str(folder / f"{number}.json") for number in range(3)]
    model = str(tmp_path / "model.json")
    assert main(["fit", *runs, "-o", model]) == 0
    copy = tmp_path / "copy.json"
    copy.write_bytes((folder / "1.json").read_bytes())
    assert main(["check", "--model", model, str(copy)]) == 1
    assert "fitted on this run" in capsys.readouterr().err


def test_the_same_run_twice_is_refused(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one = str(folder / "1.json")
    assert main(["fit", one, one, "-o", str(tmp_path / "model.json")]) == 1
    assert "twice" in capsys.readouterr().err


def test_files_that_are_no_runs_are_refused_with_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = tmp_path / "wrong.json"
    wrong.write_text("{}")
    assert main(["fit", str(wrong)]) == 1
    assert main(["fit", str(tmp_path / "none.json")]) == 1
    assert main(["check", "--model", str(wrong), str(wrong)]) == 1
    assert capsys.readouterr().err.count("capacity:") == 3


@pytest.mark.parametrize(
    "wrong",
    [
        ["--connections", "0"],
        ["--connections", "1", "--utilisation", "0"],
        ["--connections", "1", "--worker-descriptors", "400"],
        ["--connections", "1", "--messages-per-s", "-1"],
    ],
)
def test_wishes_that_make_no_sense_are_refused(wrong: list[str]) -> None:
    with pytest.raises(SystemExit) as exit_:
        main(["plan", "--model", "m", "--messages-per-s", "1", "--room-size", "1", *wrong])
    assert exit_.value.code == 2
