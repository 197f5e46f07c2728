"""The words that dashboards are written in: a panel is one call, a dashboard is rows of them."""

from typing import NamedTuple

Steps = tuple[tuple[float | None, str], ...]


class Panel(NamedTuple):
    """One panel.

    Args:
        title: a noun.
        about: what it means if it is not as usual.
        unit: of Grafana.
        queries: pairs of legend and PromQL.
        kind: `timeseries` or `stat`.
        steps: from which value on a `stat` has which colour.
    """

    title: str
    about: str
    unit: str
    queries: list[tuple[str, str]]
    kind: str = "timeseries"
    steps: Steps = ((None, "green"),)


class Dashboard(NamedTuple):
    """One page: rows of panels."""

    uid: str
    title: str
    rows: list[tuple[str, list[Panel]]]


#: What `stat` takes as steps.
BAD_AT_ZERO: Steps = ((None, "red"), (1.0, "green"))
BAD_AT_ONE: Steps = ((None, "green"), (1.0, "red"))
ODD_AT_ONE: Steps = ((None, "green"), (1.0, "orange"))


def rate(metric: str, by: str = "", where: str = "") -> str:
    """Return how fast a counter rises, added up but for the labels `by`."""
    grouped = f" by ({by})" if by else ""
    return f"sum{grouped} (rate({metric}{where}[$__rate_interval]))"


def recent(metric: str, by: str = "", where: str = "") -> str:
    """Return by how much a counter rose in five minutes: of what is rare, a rate says little."""
    grouped = f" by ({by})" if by else ""
    return f"sum{grouped} (increase({metric}{where}[5m]))"


def quantiles(metric: str) -> list[tuple[str, str]]:
    """Return the middle and the tail of a histogram, for `queries`."""
    buckets = f"sum by (le) (rate({metric}_bucket[$__rate_interval]))"
    return [
        (f"p{quantile * 100:g}", f"histogram_quantile({quantile}, {buckets})")
        for quantile in (0.5, 0.99, 0.999)
    ]


def quantile_by(metric: str, by: str, quantile: float = 0.99) -> str:
    """Return one quantile of a histogram for each value of the labels `by`."""
    buckets = f"sum by (le, {by}) (rate({metric}_bucket[$__rate_interval]))"
    return f"histogram_quantile({quantile}, {buckets})"


def stat(title: str, about: str, unit: str, query: str, *steps: tuple[float | None, str]) -> Panel:
    """Return one figure, coloured by `steps`."""
    return Panel(title, about, unit, [("", query)], "stat", steps or ((None, "green"),))
