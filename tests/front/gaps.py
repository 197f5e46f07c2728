"""How long clients were away, from the recorded history: pure."""

from tests.checker.history import Closed, History, Joined


def gaps(history: History) -> list[float]:
    """Seconds from the end of a connection to each of the client's rooms being joined again."""
    away: dict[str, float] = {}
    rejoined: dict[str, set[str]] = {}
    found = []
    for op in history.ops:
        if isinstance(op, Closed):
            away.setdefault(op.client, op.at)
            rejoined[op.client] = set()
        elif isinstance(op, Joined) and op.client in away:
            if op.room not in rejoined[op.client]:
                found.append(op.at - away[op.client])
                rejoined[op.client].add(op.room)
            if len(rejoined[op.client]) == len(_rooms_of(history, op.client)):
                del away[op.client]
    return found


def _rooms_of(history: History, client: str) -> set[str]:
    return {op.room for op in history.of(Joined) if op.client == client}
