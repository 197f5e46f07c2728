"""Verdicts of a while ago, so that a retry is answered as the first attempt was."""

from collections import OrderedDict

from chat.protocol.screening import Verdict


class Memory:
    """The last verdicts, by what was asked.

    Args:
        most: how many are kept; beyond it the oldest is forgotten.
        life_s: how long each is.
    """

    def __init__(self, most: int, life_s: float) -> None:
        self._most = most
        self._life_s = life_s
        self._verdicts: OrderedDict[str, tuple[float, Verdict]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._verdicts)

    def keep(self, question: str, verdict: Verdict, now_s: float) -> None:
        """Remember a verdict."""
        self._verdicts.pop(question, None)
        self._verdicts[question] = now_s + self._life_s, verdict
        while len(self._verdicts) > self._most:
            self._verdicts.popitem(last=False)

    def find(self, question: str, now_s: float) -> Verdict | None:
        """Return the verdict on a question, None if it is not known any more."""
        until_s, verdict = self._verdicts.get(question, (0.0, None))
        return verdict if now_s < until_s else None
