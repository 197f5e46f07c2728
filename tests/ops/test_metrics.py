"""/metrics over the lives and deaths of several workers."""

import os
import random
from collections.abc import Iterator

from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from chat.ops.families import API_FAMILIES, FAMILIES
from chat.ops.metrics import Metrics, SupervisorState
from chat.ops.reports import Report, decode_report, encode_report
from chat.ops.stats import COUNTERS, GAUGES, HISTOGRAMS, LABELLED, Stats

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def report(worker_id: str, slot: int, stats: Stats, state: str = "ready") -> Report:
    line = encode_report(
        Report(
            worker_id=worker_id,
            pid=os.getpid(),
            slot=slot,
            version="1",
            state=state,  # type: ignore[arg-type]
            reasons=[],
            stats=stats.snapshot(),
        )
    )
    return decode_report(line)


def samples(metrics: Metrics) -> Samples:
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(metrics.render()[1].decode())
        for sample in family.samples
    }


def only_rising(found: Samples) -> Samples:
    endings = ("_total", "_bucket", "_count", "_sum")
    return {key: value for key, value in found.items() if key[0].endswith(endings)}


def work(stats: Stats, dice: random.Random) -> None:
    """Count something everywhere."""
    for name in COUNTERS:
        setattr(stats, name, getattr(stats, name) + dice.randrange(3))
    for name in GAUGES:
        setattr(stats, name, dice.randrange(10))
    for name in LABELLED:
        getattr(stats, name).add(dice.choice(["a", "b", 4200]))
    for name in HISTOGRAMS:
        getattr(stats, name).observe(dice.random() * 20)


@settings(deadline=None, max_examples=50)
@given(
    st.lists(
        st.tuples(st.integers(0, 1), st.sampled_from(["work", "die", "replace"])), max_size=12
    ),
    st.randoms(use_true_random=False),
)
def test_totals_never_fall_whatever_workers_do(
    steps: list[tuple[int, str]], dice: random.Random
) -> None:
    metrics = Metrics()
    ids = iter(range(1000))

    def fresh() -> Iterator[tuple[str, Stats]]:
        while True:
            yield f"w{next(ids)}", Stats()

    workers = dict(enumerate([next(fresh()), next(fresh())]))
    before: Samples = {}
    for slot, what in steps:
        name, stats = workers[slot]
        work(stats, dice)
        metrics.update(report(name, slot, stats))
        if what == "die":
            metrics.retire(name)
            workers[slot] = next(fresh())
        elif what == "replace":  # the successor reports before the old one ends
            workers[slot] = next(fresh())
            metrics.update(report(workers[slot][0], slot, workers[slot][1]))
            metrics.retire(name)
        now = only_rising(samples(metrics))
        for key, value in before.items():
            assert now[key] >= value, key
        before = now


def test_totals_are_sums_and_gauges_forget_the_dead() -> None:
    metrics = Metrics()
    for slot, connections in enumerate((3, 4)):
        stats = Stats()
        stats.connections = connections
        stats.messages_in = 10
        stats.commands.add("ping")
        metrics.update(report(f"w{slot}", slot, stats))
    found = samples(metrics)
    assert found["chat_connections", ()] == 7
    assert found["chat_worker_connections", (("worker", "1"),)] == 4
    assert found["chat_received_messages_total", ()] == 20
    assert found["chat_commands_total", (("type", "ping"),)] == 2
    metrics.retire("w1")
    found = samples(metrics)
    assert found["chat_connections", ()] == 3
    assert ("chat_worker_connections", (("worker", "1"),)) not in found
    assert found["chat_received_messages_total", ()] == 20


def test_every_stat_is_exported_and_every_family_has_values() -> None:
    fields = {family.field for family in FAMILIES if family.source == "stats"}
    assert fields == {*GAUGES, *COUNTERS, *LABELLED, *HISTOGRAMS}
    metrics = Metrics(lambda: SupervisorState(wanted=1, ready=1, restarts=2, crash_looping=0))
    stats = Stats()
    work(stats, random.Random(1))
    metrics.update(report("w", 0, stats))
    names = {name for name, _ in samples(metrics)}
    for family in FAMILIES:
        name = f"{family.name}_bucket" if family.kind == "histogram" else family.name
        assert name in names, family


def test_names_are_unique_and_follow_the_conventions() -> None:
    families = FAMILIES + API_FAMILIES
    names = [family.name for family in families]
    assert len(set(names)) == len(names)
    for family in families:
        assert family.name.startswith("chat_")
        assert family.name.endswith("_total") == (family.kind == "counter")
        assert family.help.endswith(".")


def test_a_worker_of_another_version_does_not_break_the_page() -> None:
    metrics = Metrics()
    old = Report(
        worker_id="w",
        pid=os.getpid(),
        slot=0,
        version="0",
        state="ready",
        reasons=[],
        stats={"messages_in": 5, "publish_seconds": {"bounds": [1], "buckets": [1, 0], "sum": 1}},
    )
    metrics.update(old)
    assert samples(metrics)["chat_received_messages_total", ()] == 5
