"""The state of a client's connection, to look at and to follow."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from enum import StrEnum

from chat.client.signals import Signal


class Phase(StrEnum):
    """What the client is doing about its connection."""

    IDLE = "idle"
    CONNECTING = "connecting"
    ONLINE = "online"
    WAITING = "waiting"
    STOPPED = "stopped"


@dataclass(frozen=True)
class State:
    """One moment of a connection's life.

    Attributes:
        phase: what is going on.
        reason: why, as a sentence; empty where there is nothing to say.
        retry_in_s: in phase waiting, how long until the next attempt, in seconds.
        attempt: failures in a row.
    """

    phase: Phase
    reason: str = ""
    retry_in_s: float | None = None
    attempt: int = 0

    def __str__(self) -> str:
        text = str(self.phase)
        if self.retry_in_s is not None:
            text += f", again in {self.retry_in_s:.1f} s"
        return f"{text}: {self.reason}" if self.reason else text


class States:
    """The current state; followers get the latest one, not every one."""

    def __init__(self) -> None:
        self.current = State(Phase.IDLE)
        self._changed = Signal()

    def set(self, state: State) -> None:
        """Go to another state."""
        self.current = state
        self._changed.fire()

    async def follow(self) -> AsyncIterator[State]:
        """Yield the state as it is and each change of it, the last when the client has stopped.

        Who takes long over one misses those that passed meanwhile.
        """
        while True:
            shown = self.current
            yield shown
            if shown.phase is Phase.STOPPED:
                return
            if shown is self.current:
                await self._changed.wait()
