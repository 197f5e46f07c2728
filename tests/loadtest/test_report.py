"""The report: one file, nothing else needed, and what somebody wrote into a title stays text."""

import html.parser
import itertools
import math
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from loadtest.control import Counts
from loadtest.report import (
    axes,
    facts,
    figures,
    numbers,
    particulars,
    percentiles,
    series,
    thinning,
    write_report,
)
from loadtest.report.canvas import Canvas
from loadtest.report.cli import main
from loadtest.report.page import page
from loadtest.results import Results, Second, WorkerSample, write
from loadtest.scenario import Storm
from tests.loadtest.sample_results import sample

HOSTILE = "\"><script>alert(1)</script><img src=x onerror=alert(2)>&'</title></style>"
VOID = {"meta", "line", "rect", "path", "br"}


@pytest.fixture(scope="module")
def results() -> Results:
    return sample(hold_s=30, connections=5_000, storm=Storm(at_s=10))


@pytest.fixture(scope="module")
def document(results: Results) -> str:
    return page(results)


class Reader(html.parser.HTMLParser):
    """Reads tags, and whether every one that was opened is closed in order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.ids: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_startendtag(tag, attrs)
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.tags.append((tag, found))
        self.ids += [found["id"] or ""] if "id" in found else []

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag


def read(document: str) -> Reader:
    reader = Reader()
    reader.feed(document)
    assert reader.open == []
    return reader


def without(results: Results) -> Results:
    """Return results of a test that broke before anything was measured."""
    return structs.replace(
        results,
        timeline=[],
        workers=[],
        redis=[],
        host=[],
        latency={},
        agents=[],
        totals=Counts(),
        hold_s=0.0,
        ended_by="the target refused every connection.",
        passed=False,
        recovery_s=None,
    )


# --------------------------------------------------------------------- the page


def test_the_page_is_well_formed_and_ids_are_unique(document: str) -> None:
    reader = read(document)
    assert len(reader.ids) == len(set(reader.ids))


def test_the_page_needs_nothing_from_elsewhere(document: str) -> None:
    reader = read(document)
    for tag, attributes in reader.tags:
        assert tag not in {"script", "link", "img", "iframe", "object", "base", "form"}
        assert not {"src", "href", "style"} & attributes.keys()
        assert not any(name.startswith("on") for name in attributes)
    style = document.partition("<style>")[2].partition("</style>")[0]
    assert "url(" not in style
    assert "@import" not in style
    assert "https://" not in document
    assert "http://" not in document


def test_the_policy_allows_its_own_style_and_nothing_else(document: str) -> None:
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', document)
    assert policy
    assert policy[1].startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy[1]


def test_what_is_written_in_results_is_text_never_markup(results: Results) -> None:
    [*_, last] = results.checks
    hostile = structs.replace(
        results,
        title=HOSTILE,
        ended_by=HOSTILE,
        doubts=[HOSTILE],
        scenario=structs.replace(results.scenario, title=HOSTILE, description=HOSTILE),
        target=structs.replace(results.target, url=HOSTILE, source_addresses=(HOSTILE,)),
        environment=structs.replace(
            results.environment,
            command=HOSTILE,
            kernel=HOSTILE,
            revision=HOSTILE,
            versions={HOSTILE: HOSTILE},
            sysctls={HOSTILE: HOSTILE},
        ),
        checks=[structs.replace(last, name=HOSTILE, sentence=HOSTILE)],
        agents=[structs.replace(agent, host=HOSTILE) for agent in results.agents],
        workers=[structs.replace(s, worker=HOSTILE + s.worker) for s in results.workers],
        totals=structs.replace(results.totals, errors={HOSTILE: 1}, closes={HOSTILE: 1}),
        timeline=[structs.replace(second, phase=HOSTILE) for second in results.timeline],
    )
    reader = read(page(hostile))
    assert {"script", "img"}.isdisjoint(tag for tag, _ in reader.tags)


def test_every_plot_says_what_it_shows(document: str) -> None:
    plots = [found for tag, found in read(document).tags if found.get("class") == "plot"]
    assert len(plots) >= 16
    for found in plots:
        assert found["role"] == "img"
        for name in (found["aria-labelledby"] or "").split():
            assert f'id="{name}"' in document


def test_the_verdict_the_checks_and_the_doubts_are_said(results: Results) -> None:
    [*others, last] = results.checks
    failed = structs.replace(
        results,
        passed=False,
        checks=[*others, structs.replace(last, passed=False, sentence="Three were lost.")],
        doubts=["The generator was late."],
        ended_by="the target went away.",
    )
    document = page(failed)
    for said in (
        "Failed",
        "1 of 4 checks missed.",
        "Three were lost.",
        "The generator was late.",
        "the target went away.",
    ):
        assert said in document
    assert document.index("The generator was late.") < document.index("Headline figures")
    assert "Read these figures with care" not in page(results)


def test_canaries_stand_apart_and_are_not_mentioned_without_any(results: Results) -> None:
    document = page(sample(hold_s=30, storm=Storm(at_s=10), canaries=4))
    read(document)

    assert "4 clients of the Python SDK in 4 rooms" in document
    assert "cut off, connected again" in document
    assert "Connections that ended: the connection was lost (4)." in document
    assert "clients of the Python SDK" not in page(results)


def test_a_test_that_broke_at_once_has_a_report_too(results: Results) -> None:
    document = page(without(results))
    read(document)
    assert "the target refused every connection." in document


def test_a_test_on_a_system_that_tells_nothing_of_itself_has_a_report(results: Results) -> None:
    silent = structs.replace(
        results,
        workers=[WorkerSample(t_s=sample.t_s, worker=sample.worker) for sample in results.workers],
        redis=[],
        host=[],
    )
    document = page(silent)
    read(document)
    assert "Redis commands" not in document
    assert facts.costs(silent) == []


def test_many_workers_are_a_band_not_many_lines(results: Results) -> None:
    few = figures.workers(Canvas(sample(hold_s=20, workers=3)))
    many = figures.workers(Canvas(sample(hold_s=20, workers=54)))
    assert [len(figure.plot.lines) for figure in few] == [3, 3, 3, 1]
    assert [len(figure.plot.lines) for figure in many] == [1, 1, 1, 1]
    assert all(figure.plot.bands for figure in many)
    table = particulars.workers(sample(hold_s=20, workers=54))
    assert table
    assert len(table.rows) == 3


@pytest.mark.timeout(180)
def test_a_long_run_stays_a_small_file() -> None:
    document = page(sample(hold_s=3_000, connections=100_000, workers=54, agents=54))
    assert len(document) < 500_000


def test_costs_per_unit_are_those_of_the_samples() -> None:
    costs = {tile.name: tile.value for tile in facts.costs(sample(connections=50_000))}
    assert costs["Worker memory"].startswith("2.30 KiB")
    assert costs["Redis CPU"].startswith("36")  # 31 µs a message and 10 ms a second for the rest


# ------------------------------------------------------------------ the command


def test_the_command_writes_beside_the_results(
    tmp_path: Path, results: Results, capsys: pytest.CaptureFixture[str]
) -> None:
    write(results, tmp_path / "run.json")
    assert main([str(tmp_path / "run.json")]) == 0
    assert (tmp_path / "run.html").read_text().startswith("<!doctype html>")
    assert main([str(tmp_path / "run.json"), "-o", str(tmp_path / "other.html")]) == 0
    assert (tmp_path / "other.html").exists()
    assert "other.html" in capsys.readouterr().out


def test_what_is_no_result_is_refused_with_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(tmp_path / "none.json")]) == 1
    (tmp_path / "wrong.json").write_text('{"title": 1}')
    assert main([str(tmp_path / "wrong.json")]) == 1
    (tmp_path / "binary.json").write_bytes(b"\xff\x00")
    assert main([str(tmp_path / "binary.json")]) == 1
    assert capsys.readouterr().err.count("report:") == 3


def test_results_are_never_overwritten(tmp_path: Path, results: Results) -> None:
    write(results, tmp_path / "run.html")
    with pytest.raises(SystemExit):
        main([str(tmp_path / "run.html")])


def test_a_report_can_be_written_from_code(tmp_path: Path, results: Results) -> None:
    write_report(results, tmp_path / "run.html")
    assert (tmp_path / "run.html").stat().st_size > 10_000


# ------------------------------------------------------------------- its parts


@given(st.lists(st.one_of(st.none(), st.floats(0, 1e9)), max_size=3_000))
def test_thinning_keeps_the_lowest_and_the_highest(values: list[float | None]) -> None:
    points = [(float(t), value) for t, value in enumerate(values)]
    thin = thinning.thin(points)
    known = [value for value in values if value is not None]
    kept = [value for _, value in thin if value is not None]
    assert len(thin) <= thinning.MOST_POINTS
    assert [t for t, _ in thin] == sorted(t for t, _ in thin)
    assert (min(kept, default=0), max(kept, default=0)) == (
        min(known, default=0),
        max(known, default=0),
    )


@given(st.floats(0, 1e15), st.sampled_from(["count", "per_s", "kib", "kib_per_s", "cores"]))
def test_a_linear_axis_holds_its_highest_value(highest: float, unit: axes.Unit) -> None:
    axis = axes.from_zero(highest, unit)
    assert axis.high >= highest * 0.999999
    assert 2 <= len(axis.ticks) <= 7
    assert (axis.ticks[0].at, axis.ticks[-1].at) == (0.0, 1.0)
    assert len({tick.label for tick in axis.ticks}) == len(axis.ticks)


@given(st.floats(1e-3, 1e6), st.floats(1, 1e6))
def test_a_logarithmic_axis_holds_both_ends(lowest: float, factor: float) -> None:
    highest = lowest * factor
    axis = axes.logarithmic(lowest, highest)
    assert axis.low <= lowest * 1.0001
    assert axis.high >= highest * 0.9999
    assert 2 <= len(axis.ticks) <= 14
    assert all(-1e-9 <= tick.at <= 1 + 1e-9 for tick in axis.ticks)


@given(st.floats(0, 1e6))
def test_a_time_axis_has_few_ticks_inside(end_s: float) -> None:
    axis = axes.timeline(end_s)
    assert 1 <= len(axis.ticks) <= 13
    assert all(0 <= tick.at <= 1 for tick in axis.ticks)


@pytest.mark.parametrize(
    ("said", "wanted"),
    [
        (numbers.milliseconds(0.034), "0.03 ms"),
        (numbers.milliseconds(4.123), "4.12 ms"),
        (numbers.milliseconds(131.6), "132 ms"),
        (numbers.milliseconds(1320), "1.32 s"),
        (numbers.memory(812), "812 KiB"),
        (numbers.memory(13_000_000), "12.4 GiB"),
        (numbers.seconds(160), "2 min 40 s"),
        (numbers.seconds(1.25), "1.2 s"),
        (numbers.seconds(11_100), "3 h 5 min"),
        (numbers.short(1_234_567), "1.23M"),
        (numbers.short(50_000), "50k"),
        (numbers.count(1_234_567.4), "1,234,567"),
        (numbers.digits(0.0123456), "0.0123"),
        (numbers.digits(0), "0"),
        (numbers.moment("2026-11-25T13:05:42Z"), "2026-11-25 13:05:42 UTC"),
        (numbers.moment("2026-11-25T13:05:42+00:00"), "2026-11-25 13:05:42 UTC"),
        (numbers.moment("2026-11-25T13:05:42+02:00"), "2026-11-25 13:05:42 +0200"),
        (numbers.moment("yesterday"), "yesterday"),
    ],
)
def test_numbers_are_for_people(said: str, wanted: str) -> None:
    assert said == wanted


def test_a_percentile_curve_ends_where_its_samples_end(results: Results) -> None:
    found = results.latency["delivery"]
    curve = percentiles.curve(found)
    assert curve[-1][0] == pytest.approx(math.log10(found.samples))
    assert curve[-1][1] == pytest.approx(found.highest, rel=0.01)
    at_p99 = next(value for at, value in curve if math.isclose(at, 2.0))
    assert at_p99 == pytest.approx(found.p99, rel=0.01)


@pytest.mark.parametrize("broken", ["", "nonsense", "SGVsbG8sIHdvcmxkIQ==", "HISTFAAAAA=="])
def test_a_histogram_that_cannot_be_read_leaves_the_known_percentiles(
    results: Results, broken: str
) -> None:
    found = structs.replace(results.latency["delivery"], histogram=broken)
    assert [value for _, value in percentiles.curve(found)] == [
        found.p50,
        found.p90,
        found.p99,
        found.p999,
    ]


def test_a_counter_that_began_anew_is_no_negative_rate() -> None:
    totals: list[thinning.Point] = [(0, 10.0), (1, 12.0), (2, None), (3, 16.0), (4, 1.0), (5, 2.0)]
    assert series.rates(totals) == [(1, 2.0), (2, None), (3, 2.0), (4, None), (5, 1.0)]


def test_phases_follow_each_other_without_holes(results: Results) -> None:
    found = series.phases(results.timeline)
    assert [phase.name for phase in found] == ["ramp", "warm-up", "hold", "drain"]
    assert all(one.end == other.start for one, other in itertools.pairwise(found))
    assert [phase.shaded for phase in found] == [True, True, False, True]
    assert (found[0].start, found[-1].end) == (0.0, results.timeline[-1].t_s)


def test_the_storm_is_marked_after_the_ramp(results: Results) -> None:
    [moment] = series.moments(results)
    begin = next(second.t_s for second in results.timeline if second.phase == "hold") - 1
    assert moment.at == begin + 10
    assert isinstance(results.timeline[0], Second)
