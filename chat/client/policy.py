"""Whether and when to come back, and whether and when to ask again: pure rules.

Source: docs/protocol.md, "Closing" and "How to come back". `random` is in [0, 1) throughout, so
that a rule can be tested at both ends.
"""

from dataclasses import dataclass

from chat.client.errors import FAMILIES

#: A connection that lived for so long makes earlier failures forgotten, in seconds.
STABLE_S = 10.0
#: No hint of a server keeps a client away for longer, in seconds.
MAX_HINT_S = 300.0
SERVICE_RESTART = 1012
UNAUTHORIZED = 4001
TOKEN_EXPIRED = 4101

#: HTTP answers to a handshake that another attempt may overcome, besides all of 5xx.
_PASSING = frozenset({408, 425, 429})
#: Refusals after which the same command may succeed.
_PASSING_CODES = frozenset(
    {"rate_limited", "slow_mode", "busy", "unavailable", "not_replicated", "internal", "not_joined"}
)


@dataclass(frozen=True, kw_only=True)
class Ending:
    """How a connection ended, or did not come about.

    Attributes:
        code: the close code the server sent, None where there was none.
        status: the HTTP status with which it refused the handshake, None if it did not.
        reason: a sentence, for people.
        hint_s: least wait the server asked for, in seconds; None if it did not.
        drained: it had said that it is leaving.
        lived_s: for how long the connection was open for commands.
    """

    code: int | None = None
    status: int | None = None
    reason: str = ""
    hint_s: float | None = None
    drained: bool = False
    lived_s: float = 0.0


def is_final(ending: Ending) -> bool:
    """Whether coming back is of no use until something has changed."""
    if ending.code is not None:
        return 4000 <= ending.code <= 4099
    return (
        ending.status is not None and 400 <= ending.status < 500 and (ending.status not in _PASSING)
    )


def is_about_token(ending: Ending) -> bool:
    """Whether it was the token that kept one out."""
    return ending.code in (UNAUTHORIZED, TOKEN_EXPIRED) or ending.status == 401


def backoff_s(attempt: int, random: float, base_s: float, max_s: float) -> float:
    """Return a wait before an attempt, counted from 0: exponential with full jitter."""
    return random * min(max_s, base_s * 2.0 ** min(attempt, 60))


def pause_s(ending: Ending, attempt: int, random: float, base_s: float, max_s: float) -> float:
    """Return how long to wait before connecting again, in seconds.

    A server that says "at once" is believed once: where that did not help, the client backs off.

    Args:
        ending: how the last connection ended; not a final one.
        attempt: failures in a row before this one.
        random: in [0, 1).
        base_s: see `Options`.
        max_s: see `Options`.
    """
    hint_s = min(ending.hint_s or 0.0, MAX_HINT_S)
    if ending.drained and ending.hint_s is not None:
        return hint_s  # it differs from client to client already
    code = ending.code or 0
    if (code == SERVICE_RESTART or 4200 <= code <= 4299) and attempt == 0:
        return hint_s
    return hint_s + backoff_s(attempt, random, base_s, max_s)


def retry_after_s(header: str | None) -> float | None:
    """Return the seconds of a `Retry-After`; None for none, or a date, which we never send."""
    if header is None or not header.strip().isdecimal():
        return None
    return float(header)


def may_retry(code: str, retry_after_ms: int | None) -> bool:
    """Whether a refused command is worth another try without anybody's doing.

    A code that nobody knows here is, if the server says when.
    """
    return code in _PASSING_CODES or (code not in FAMILIES and retry_after_ms is not None)


def retry_pause_s(retry_after_ms: int | None, attempt: int, random: float) -> float:
    """Return how long to wait before a refused command is sent again, in seconds.

    Args:
        retry_after_ms: what the server said.
        attempt: refusals of this command before this one.
        random: in [0, 1).
    """
    if retry_after_ms is None:
        return backoff_s(attempt, random, 0.5, 30.0)
    # A little later than told, and not all at the same moment.
    return retry_after_ms / 1000 * (1.0 + 0.1 * random)
