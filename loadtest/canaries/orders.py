"""What the coordinator and the canaries' process say to each other: a JSON document a line.

coordinator               canaries
job ──────────────────▶
◀──────────────────── ready          or why not
start, phase ─────────▶              as to the agents
finish ───────────────▶              when the agents have drained
◀─────────────────── report
"""

from loadtest.control import Document, Phase, Ready, Start, Target
from loadtest.results import CanaryFacts
from loadtest.scenario import Scenario


class Job(Document, frozen=True, kw_only=True):
    """What to do."""

    scenario: Scenario
    target: Target
    seed: int  # the agents': who is in which room follows from it


class Finish(Document, frozen=True, kw_only=True):
    """Catch up with the rooms, report and end."""

    heads: dict[str, int]  # by room, the last `seq` that was acknowledged to an agent
    patience_s: float


class Report(Document, frozen=True, kw_only=True):
    """The last word."""

    facts: CanaryFacts


ToCanaries = Job | Start | Phase | Finish
FromCanaries = Ready | Report
