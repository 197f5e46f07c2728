"""Tells `chat hooks` of connections that open and close. Only made where there are webhooks."""

from typing import TYPE_CHECKING

from chat.broker.event_log import EventLog

if TYPE_CHECKING:
    from chat.worker.session import Session


class Comings:
    """Who came and is still here.

    Args:
        log: where it is noted.
        worker_id: whose connections they are.
    """

    def __init__(self, log: EventLog, worker_id: str) -> None:
        self._log = log
        self._worker_id = worker_id
        self._here: dict[Session, str] = {}  # with the connection's id

    @classmethod
    def told_to(cls, log: EventLog | None, worker_id: str) -> "Comings | None":
        """Return one that notes in a log; None where there is none."""
        return None if log is None else cls(log, worker_id)

    def came(self, session: "Session", connection_id: str) -> None:
        """A connection has proven whose it is."""
        self._here[session] = connection_id
        self._note("connected", session, connection_id, {})

    def went(self, session: "Session", code: int) -> None:
        """A connection is gone."""
        connection_id = self._here.pop(session, None)
        if connection_id is not None:
            self._note("disconnected", session, connection_id, {"code": code})

    def _note(
        self, kind: str, session: "Session", connection_id: str, more: dict[str, int]
    ) -> None:
        identity = session.require_identity()
        user = {} if identity.user is None else {"user": identity.user}
        self._log.note(
            identity.user_id,
            {"type": kind, "userId": identity.user_id}
            | user
            | {"connectionId": connection_id, "workerId": self._worker_id}
            | more,
        )
