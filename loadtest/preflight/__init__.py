"""Before the load: is this machine set up for that many connections? Pure rules, a thin reader."""

from loadtest.preflight.demand import Demand, Side
from loadtest.preflight.findings import Finding, Severity
from loadtest.preflight.readings import Readings, read
from loadtest.preflight.rules import check

__all__ = ["Demand", "Finding", "Readings", "Severity", "Side", "check", "read"]
