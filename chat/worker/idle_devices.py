"""At which devices of this worker's users nobody is: only of those that have said so."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from chat.gateway.connection import Connection
    from chat.worker.session import Session


class IdleDevices:
    """Connections by user."""

    def __init__(self) -> None:
        self._idle: dict[str, set[Connection]] = {}

    def add(self, user_id: str, connection: "Connection") -> None:
        """Nobody is at this one."""
        self._idle.setdefault(user_id, set()).add(connection)

    def remove(self, user_id: str, connection: "Connection") -> None:
        """Somebody is, or it is gone; harmless if that is not known of it."""
        idle = self._idle.get(user_id)
        if idle is not None:
            idle.discard(connection)
            if not idle:
                del self._idle[user_id]

    def are_all(self, user_id: str, sessions: "Iterable[Session]") -> bool:
        """Whether nobody is at any of a user's devices."""
        idle = self._idle.get(user_id)
        return idle is not None and all(session.connection in idle for session in sessions)
