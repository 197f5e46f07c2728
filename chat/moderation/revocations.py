"""Which tokens are not good any more, although their signature and their time are."""

from collections.abc import Iterable
from typing import Protocol

_SECOND_US = 1_000_000


class Bearer(Protocol):
    """What a verified token says, as far as revoking goes."""

    @property
    def user_id(self) -> str:
        """`sub`."""

    @property
    def issued_at_s(self) -> int:
        """`iat`, in whole seconds; 0 where there is none."""

    @property
    def token_id(self) -> str | None:
        """`jti`."""


def of_user(user_id: str) -> str:
    """Return the name under which all tokens of a user are revoked."""
    return f"u{user_id}"


def of_token(token_id: str) -> str:
    """Return the name under which one token is revoked."""
    return f"j{token_id}"


def of_connections(user_id: str) -> str:
    """Return the name under which a user is disconnected; it revokes nothing."""
    return f"d{user_id}"


class Revocations:
    """The acts that count still: name to the time of the act in microseconds of Redis' clock.

    Args:
        life_s: longest life of a token: after that there is none an act could concern.
    """

    def __init__(self, life_s: float) -> None:
        self._life_us = int(life_s * _SECOND_US)
        self._acts: dict[str, int] = {}  # oldest first

    def __len__(self) -> int:
        return len(self._acts)

    def learn(self, acts: Iterable[tuple[int, str]]) -> set[str]:
        """Take acts in, known ones too, and return the names of those that are news."""
        news = set()
        for act_us, name in acts:
            if act_us > self._acts.get(name, 0):
                self._acts.pop(name, None)  # to the end
                self._acts[name] = act_us
                news.add(name)
        return news

    def forget(self, now_s: float) -> None:
        """Forget acts that can concern no token any more."""
        oldest_us = int(now_s * _SECOND_US) - self._life_us
        while self._acts:
            name = next(iter(self._acts))
            if self._acts[name] >= oldest_us:
                break
            del self._acts[name]

    def refuses(self, bearer: Bearer) -> bool:
        """Whether a token is revoked.

        `iat` is in whole seconds, so one from the very second of the act counts as older: after
        a revocation, a token from the next second on is good.
        """
        acts = self._acts
        if not acts:
            return False
        if bearer.token_id is not None and of_token(bearer.token_id) in acts:
            return True
        act_us = acts.get(of_user(bearer.user_id))
        return act_us is not None and bearer.issued_at_s <= act_us // _SECOND_US
