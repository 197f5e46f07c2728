"""The page: everything in one HTML file that needs nothing else, no script and no network."""

import base64
import hashlib
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path

from loadtest.report import canaries, facts, figures, numbers, particulars, plot, tables
from loadtest.report.canvas import Canvas, Figure
from loadtest.report.facts import Tile
from loadtest.results import Check, Results

_STYLE = Path(__file__).with_name("style.css")
ENDED_WELL = "schedule"


def page(results: Results) -> str:
    """Return the whole document."""
    style = _STYLE.read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        '<meta name="robots" content="noindex">\n'
        f"<title>{escape(results.title)}: load test</title>\n<style>{style}</style>\n"
        f"</head>\n<body>\n{_body(results)}\n</body>\n</html>\n"
    )


def _body(results: Results) -> str:
    canvas = Canvas(results)
    sections = (
        _section("Traffic", figures.traffic(canvas)),
        _section("Latency", figures.latency(canvas), _measured(results)),
        _section("Workers", figures.workers(canvas), before=_workers(results)),
        _section("Redis", figures.redis(canvas)),
        _section("Machines", figures.machines(canvas)),
    )
    return "\n".join(
        [
            f"<header>{_head(results)}</header>",
            f"<main>{_verdict(results)}{_doubts(results)}",
            _tiles("Headline figures", "large", facts.headline(results)),
            _tiles("What should be nothing", "strip", facts.integrity(results)),
            _tiles("What it cost", "strip", facts.costs(results)),
            *sections,
            _canaries(results),
            _how(results),
            "</main>",
            _foot(results),
        ]
    )


# ---------------------------------------------------------------------- the top


def _head(results: Results) -> str:
    about = results.scenario.description
    started = numbers.moment(results.started_at)
    return (
        f'<p class="kind">Load test</p><h1>{escape(results.title)}</h1>'
        + (f'<p class="about">{escape(about)}</p>' if about else "")
        + f'<p class="when"><time>{escape(started)}</time> · '
        f"{numbers.seconds(results.duration_s)}, of which {numbers.seconds(results.hold_s)} judged"
        f" · {escape(results.target.url)}</p>"
    )


def _verdict(results: Results) -> str:
    missed = sum(not check.passed for check in results.checks)
    total = len(results.checks)
    word, style = ("Passed", "passed") if results.passed else ("Failed", "failed")
    if missed:
        sentence = f"{missed} of {total} checks missed."
    elif results.passed:
        sentence = f"All {total} checks met." if total else "Nothing was to be checked."
    else:
        sentence = "The checks are met, and yet the test did not pass."
    if results.ended_by != ENDED_WELL:
        sentence += f" It did not run to its end: {results.ended_by}"
    ordered = sorted(results.checks, key=lambda check: check.passed)
    return (
        f'<section class="verdict {style}" aria-labelledby="verdict">'
        f'<h2 id="verdict">{_mark(results.passed)}{word}</h2><p>{escape(sentence)}</p>'
        f'<ul class="checks">{"".join(_check(check) for check in ordered)}</ul></section>'
    )


def _check(check: Check) -> str:
    style, word = ("passed", "met") if check.passed else ("failed", "missed")
    return (
        f'<li class="{style}">{_mark(check.passed)}<span class="name">{escape(_name(check))}'
        f'<span class="unseen"> {word}: </span></span><span>{escape(check.sentence)}</span></li>'
    )


def _name(check: Check) -> str:
    """Return a threshold's name without its unit, which is in the sentence."""
    return check.name.removesuffix("_ms").removesuffix("_s").replace("_", " ")


def _mark(good: bool) -> str:
    path = "M4.5 10.5l3.5 3.5 7.5-8" if good else "M5.5 5.5l9 9m0-9l-9 9"
    return (
        '<svg class="mark" width="20" height="20" viewBox="0 0 20 20" aria-hidden="true">'
        f'<path d="{path}"/></svg>'
    )


def _doubts(results: Results) -> str:
    if not results.doubts:
        return ""
    items = "".join(f"<li>{escape(doubt)}</li>" for doubt in results.doubts)
    return (
        '<section class="doubts" aria-labelledby="doubts"><h2 id="doubts">'
        "Read these figures with care</h2>"
        f"<ul>{items}</ul></section>"
    )


def _tiles(title: str, style: str, tiles: Sequence[Tile]) -> str:
    if not tiles:
        return ""
    items = "".join(
        f'<div class="tile{" bad" if tile.bad else ""}"><dt>{escape(tile.name)}</dt>'
        f'<dd class="value">{escape(tile.value)}</dd>'
        f'<dd class="note">{escape(tile.note)}</dd></div>'
        for tile in tiles
    )
    return f'<section class="tiles {style}" aria-label="{title}"><dl>{items}</dl></section>'


# ------------------------------------------------------------------- the figures


def _section(title: str, found: Sequence[Figure], remark: str = "", *, before: str = "") -> str:
    if not found and not before:
        return ""
    drawn = "".join(_figure(figure) for figure in found)
    remark = f'<p class="remark">{escape(remark)}</p>' if remark else ""
    return (
        f'<section class="figures"><h2>{escape(title)}</h2>{remark}{before}'
        f'<div class="grid">{drawn}</div></section>'
    )


def _figure(figure: Figure) -> str:
    shown = figure.plot
    unit = f' <span class="unit">{escape(shown.y.label)}</span>' if shown.y.label else ""
    return (
        f"<figure><figcaption>{escape(shown.title)}{unit}</figcaption>"
        f'{plot.legend(shown)}<div class="frame">{plot.draw(shown)}</div>'
        f"<details><summary>The numbers</summary>{tables.html(figure.table)}</details></figure>"
    )


def _measured(results: Results) -> str:
    worst = max((agent.clock_error_ms for agent in results.agents), default=0.0)
    clock = (
        f" Clocks of the agents are known to ± {numbers.milliseconds(worst)}." if worst > 0 else ""
    )
    return (
        "From the moment a message was due, not from when it was sent: a stall of the server or of "
        "the load generator cannot hide. Percentiles are of messages due in the hold; those of "
        f"connecting and recovery are of the whole test.{clock}"
    )


def _workers(results: Results) -> str:
    table = particulars.workers(results)
    return tables.html(table) if table else ""


def _canaries(results: Results) -> str:
    found = results.canaries
    if found is None:
        return ""
    return (
        '<section class="figures"><h2>Canaries</h2>'
        f'<p class="remark">{found.clients} clients of the Python SDK in {found.rooms} rooms of '
        "the test, publishing and reading as an application does. Their figures are in none of "
        "the above.</p>"
        f"{_tiles('What canaries saw', 'strip', canaries.tiles(found))}"
        f"{tables.html(canaries.table(found))}</section>"
    )


# ---------------------------------------------------------------------- the end


def _how(results: Results) -> str:
    return (
        '<section class="how"><h2>How it was run</h2>'
        f'<pre class="command" tabindex="0">{escape(results.environment.command)}</pre>'
        f"<h3>Scenario</h3>{_groups(particulars.scenario(results))}"
        f"<h3>Environment</h3>{_groups(particulars.environment(results))}"
        f"<h3>Agents</h3>{tables.html(particulars.agents(results))}"
        "<details><summary>All counters</summary>"
        f"{tables.html(particulars.counts(results))}</details>"
        "</section>"
    )


def _groups(groups: Mapping[str, Mapping[str, str]]) -> str:
    found = "".join(_group(name, group) for name, group in groups.items() if group)
    return f'<div class="groups">{found}</div>'


def _group(name: str, group: Mapping[str, str]) -> str:
    rows = "".join(
        f"<div><dt>{escape(key)}</dt><dd>{escape(value)}</dd></div>" for key, value in group.items()
    )
    return f"<div><h4>{escape(name)}</h4><dl>{rows}</dl></div>"


def _foot(results: Results) -> str:
    return (
        "<footer><p>Shaded in the plots: ramp, warm-up and drain, which are not judged; means are "
        "of the hold between them. Long runs are thinned: of each stretch the lowest and the "
        "highest value are drawn, so spikes stay.</p>"
        f"<p>Schema {results.version} · revision {escape(results.environment.revision or '?')}</p>"
        "</footer>"
    )
