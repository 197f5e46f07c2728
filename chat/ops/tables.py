"""The generated pages of `docs/`: `python -m chat.ops.tables docs` writes them, a test compares."""

import sys
from pathlib import Path

from chat.ops.families import API_FAMILIES, FAMILIES, HOOK_FAMILIES, Family
from chat.settings import describe

_SETTINGS = """\
# Settings

Each setting is an environment variable. Durations are seconds, sizes are bytes, rates are per
second. A wrong value, or a `CHAT_` variable that is not in this list, is refused at start with a
sentence that says which and why (exit code 78). `chat settings` prints what is in force.

A secret can be in a file instead, as Docker and Kubernetes hand them out: `CHAT_JWT_SECRET_FILE`,
`CHAT_REDIS_URL_FILE` and `CHAT_WEBHOOK_SECRET_FILE` take its path. The file is read at start, a
newline at its end left out; giving both a secret and its file is an error. A Redis password has no
setting of its own: it is part of the URL.

This page is made from `chat/settings.py` by `make docs`.

| variable | default | meaning |
| --- | --- | --- |
"""
_METRICS = """\
# Metrics

`/metrics` on the operations port, for all workers of the machine together. Totals are sums over
all workers, those that have died included, so they never fall while the supervisor lives. The
label `worker` is the number of a worker's slot; a replaced worker keeps it. Metrics of the
supervisor are missing when `chat worker` runs alone. All that an operator acts on is on a
[dashboard](operations.md#read-the-dashboards), and what should wake somebody has an
[alert](operations.md#what-to-do-at-each-alert).
This page is made from `chat/ops/families.py` by `make docs`.

## The other two addresses

`/healthz` answers 200 while the process lives. `/readyz` answers with JSON, `ready`, `reasons` and
`workers`:

| state under `chat up` | answer |
| --- | --- |
| every worker ready | 200, no reasons |
| some workers ready | 200, a reason for each that is not |
| no worker ready, or still starting | 503 with reasons |
| draining | 503, first reason `draining` |

A worker is ready when its last report says so and is less than 5 seconds old. Workers that die
again and again (`CHAT_CRASH_LOOP_COUNT`) are named as a crash loop. An entry of `workers` has
`slot`, `pid`, `workerId`, `version`, `state` (`starting`, `ready`, `not_ready`, `draining`, `dead`)
and `ready`, also where `chat worker` runs alone; what is not known (yet) is null.

## All metrics

"""
_API_METRICS = """
## Metrics of the HTTP side

`/metrics` of `chat api`, which is one process; Prometheus tells several apart by instance.

"""
_HOOK_METRICS = """
## Metrics of webhooks

`/metrics` of `chat hooks`. Several processes share the rooms: add them up, and take the maximum of
`chat_hooks_oldest_seconds`.

"""
_METRICS_HEAD = """\
| metric | kind | label | meaning |
| --- | --- | --- | --- |
"""


def settings_page() -> str:
    """Return docs/settings.md."""
    rows = [
        f"| `{variable}` | {f'`{default}`' if default else 'empty'} | {_cell(sentence)} |\n"
        for variable, default, sentence in describe()
    ]
    return _SETTINGS + "".join(rows)


def metrics_page() -> str:
    """Return docs/metrics.md."""
    return (
        _METRICS
        + _metrics(FAMILIES)
        + _API_METRICS
        + _metrics(API_FAMILIES)
        + _HOOK_METRICS
        + _metrics(HOOK_FAMILIES)
    )


def _metrics(families: tuple[Family, ...]) -> str:
    rows = [
        f"| `{family.name}` | {family.kind} | {family.label or ''} | {_cell(family.help)} |\n"
        for family in families
    ]
    return _METRICS_HEAD + "".join(rows)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


PAGES = {"settings.md": settings_page, "metrics.md": metrics_page}


def write(folder: Path) -> None:
    """Write all pages into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, page in PAGES.items():
        (folder / name).write_text(page())


if __name__ == "__main__":
    write(Path(sys.argv[1]))
