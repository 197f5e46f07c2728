"""R9: some time after the last change, everyone is shown the same, true members of a room."""

from collections.abc import Iterator

from tests.checker.history import History, Members, Presence
from tests.checker.view import Violation

RULE = "R9 presence"


def presence_converges(history: History, bound_s: float) -> Iterator[Violation]:
    """Compare what was shown with the last truth: right by the bound, and right for good."""
    truth: dict[str, Members] = {}
    for change in history.of(Members):
        truth[change.room] = change
    was_right: set[tuple[str, str]] = set()
    for shown in history.of(Presence):
        true = truth.get(shown.room)
        if true is None or shown.at < true.at:
            continue
        sentence = _wrong(true, shown)
        if not sentence:
            was_right.add(shown.actor)
        elif shown.actor in was_right or shown.at > true.at + bound_s:
            late_s = shown.at - true.at
            again = ", who had been shown the truth," if shown.actor in was_right else ""
            sentence = f"{late_s:.1f} s after the last change {shown.client}{again} {sentence}"
            yield Violation(RULE, shown.room, sentence, (true, shown))


def _wrong(true: Members, shown: Presence) -> str:
    if len(shown.members) != len(set(shown.members)):
        return "was shown a member twice"
    if set(shown.members) != set(true.members):
        return f"was shown wrongly {sorted(set(shown.members) ^ set(true.members))}"
    if shown.count != len(true.members):
        return f"was shown memberCount {shown.count}"
    return ""
