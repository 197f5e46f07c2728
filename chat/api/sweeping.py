"""Removes files that are due: one process of the cluster does, the one with the lease."""

import asyncio
import logging

from chat.api.services import ApiServices
from chat.broker.files import Files
from chat.broker.link import LinkError
from chat.files.intake import Intake
from chat.files.storage import Storage, StorageError

log = logging.getLogger(__name__)

#: How often somebody looks, in seconds. A deleted message's files last that much longer.
INTERVAL_S = 60.0
_LOOK_S = 0.1
_BATCH = 100
#: Batches of a group in one look, so that a flood of removals leaves the storage to others as well.
_BATCHES = 10


async def sweep_files(services: ApiServices, groups: int, interval_s: float = INTERVAL_S) -> None:
    """Look again and again, until cancelled.

    Args:
        services: what requests share, with the storage.
        groups: of rooms, each of which has files of its own that are due.
        interval_s: between two looks.
    """
    intake = services.intake
    if intake is None:
        return
    while True:
        if not services.broker.is_up:
            await asyncio.sleep(_LOOK_S)
            continue
        for group in range(groups):
            try:
                if await services.broker.files.may_sweep(group, services.api_id, interval_s * 0.9):
                    removed = await sweep_group(services.broker.files, intake.storage, group)
                    services.stats.files_removed += removed
            except (LinkError, StorageError) as exc:  # it is all still due the next time
                log.warning("sweep_failed", extra={"error": str(exc)})
        await _clear_spool(intake)
        await asyncio.sleep(interval_s)


async def sweep_group(files: Files, storage: Storage, group: int) -> int:
    """Remove what is due of a group; return how many files.

    Raises:
        LinkError, StorageError: the rest is still due.
    """
    removed = 0
    for _ in range(_BATCHES):
        due = await files.due(group, _BATCH)
        if not due:
            break
        for file_id in due:
            await storage.remove(file_id)
        await files.removed(group, due)
        removed += len(due)
    return removed


async def _clear_spool(intake: Intake) -> None:
    try:
        left = await asyncio.to_thread(intake.clear_stale)
    except OSError as exc:
        log.warning("spool_not_cleared", extra={"error": str(exc)})
        return
    if left:
        log.info("spool_cleared", extra={"files": left})
