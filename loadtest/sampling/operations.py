"""Workers as an operations port tells of them: /metrics, and process ids out of /readyz.

Only lines of the metrics we need are parsed: a scrape of 54 workers has thousands of others.
"""

import json
from urllib.error import URLError
from urllib.parse import urlsplit
from urllib.request import urlopen

from msgspec import Struct
from prometheus_client.parser import text_string_to_metric_families

_TIMEOUT_S = 3.0
_CONNECTIONS = "chat_worker_connections"
_MEMORY = "chat_worker_resident_memory_bytes"
_LAG = "chat_loop_lag_seconds"
_ROOMS = "chat_rooms"
_WANTED = (_CONNECTIONS, _MEMORY, f"{_LAG}_sum", f"{_LAG}_count", _ROOMS)


class OperationsError(Exception):
    """An operations port does not answer as it should; the text says how."""


class WorkerState(Struct, kw_only=True):
    """One worker at one moment."""

    worker: str
    pid: int | None = None
    connections: int | None = None
    rooms: int | None = None
    rss_kib: int | None = None
    lag_s: float = 0.0  # sum of all observations
    lags: float = 0.0  # number of observations


class OperationsPort:
    """One address of /metrics and /readyz.

    Args:
        url: such as `http://127.0.0.1:9100`.
        alone: whether it is the only one, so that workers need not be told apart by it.

    Raises:
        OperationsError: it is not an HTTP address.
    """

    def __init__(self, url: str, *, alone: bool) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise OperationsError(f"{url!r} is not like http://host:9100.")
        self.host = parts.hostname
        self._base = url.rstrip("/")
        self._prefix = "" if alone else f"{parts.netloc}/"

    def read(self) -> list[WorkerState]:
        """Ask once. Blocks; cost: two requests.

        Raises:
            OperationsError: it does not answer, or says something else.
        """
        states = parse_metrics(self._get("/metrics"))
        pids = parse_pids(self._get("/readyz", unready_too=True))
        for state in states:
            state.pid = pids.get(state.worker)
            state.worker = self._prefix + state.worker
        return states

    def _get(self, path: str, *, unready_too: bool = False) -> str:
        try:
            # The scheme is checked above.
            with urlopen(self._base + path, timeout=_TIMEOUT_S) as answer:  # noqa: S310
                return str(answer.read().decode())
        except URLError as exc:
            status = getattr(exc, "code", None)
            if unready_too and status == 503:
                return str(exc.read().decode())  # type: ignore[attr-defined]
            raise OperationsError(f"{self._base}{path}: {exc.reason}.") from None
        except (OSError, UnicodeDecodeError) as exc:
            raise OperationsError(f"{self._base}{path}: {exc}.") from None


def parse_metrics(text: str) -> list[WorkerState]:
    """Read what /metrics says of each worker. Pure.

    Raises:
        OperationsError: it is not the text format of Prometheus.
    """
    lines = (line for line in text.splitlines(keepends=True) if line.startswith(_WANTED))
    workers: dict[str, WorkerState] = {}
    rooms: int | None = None
    try:
        for family in text_string_to_metric_families("".join(lines)):
            for sample in family.samples:
                if sample.name == _ROOMS:
                    rooms = int(sample.value)
                elif name := sample.labels.get("worker"):
                    state = workers.setdefault(name, WorkerState(worker=name))
                    _take(state, sample.name, sample.value)
    except ValueError as exc:
        raise OperationsError(f"/metrics is not understood: {exc}.") from None
    if len(workers) == 1:  # it is a sum over all of them
        next(iter(workers.values())).rooms = rooms
    return list(workers.values())


def _take(state: WorkerState, name: str, value: float) -> None:
    if name == _CONNECTIONS:
        state.connections = int(value)
    elif name == _MEMORY:
        state.rss_kib = int(value) // 1024
    elif name == f"{_LAG}_sum":
        state.lag_s = value
    elif name == f"{_LAG}_count":
        state.lags = value


def parse_pids(text: str) -> dict[str, int]:
    """Read process ids by the number of the slot out of /readyz. Pure.

    Raises:
        OperationsError: it is not /readyz.
    """
    try:
        workers = json.loads(text)["workers"]
        found = [(worker.get("slot"), worker.get("pid")) for worker in workers]
        return {str(slot): pid for slot, pid in found if isinstance(pid, int)}
    except (ValueError, KeyError, TypeError, AttributeError):
        raise OperationsError("/readyz is not understood.") from None
