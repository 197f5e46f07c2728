"""The cluster's side of users' budgets."""

import asyncio
import time
from collections.abc import Sequence

from chat.broker.link import LinkError
from chat.broker.slots import hash_tag
from chat.broker.store import Store
from chat.limits.users import UserBudgets


async def settle_budgets(store: Store, users: UserBudgets) -> None:
    """Settle what users spent in this process with the cluster's budgets, until cancelled."""
    while True:
        await asyncio.sleep(store.settings.limits_sync_interval)
        if not store.is_up:
            continue
        owed = users.owed()
        left = await asyncio.gather(
            *(settle_budget(store, user_id, spent) for user_id, *spent in owed),
            return_exceptions=True,
        )
        now_s = time.monotonic()
        for (user_id, *_), tokens in zip(owed, left, strict=True):
            if isinstance(tokens, LinkError):
                continue  # admitted on local budgets alone while Redis is away
            if isinstance(tokens, BaseException):
                raise tokens
            messages, bytes_, joins = tokens
            users.settle(user_id, messages, bytes_, joins, now_s)


async def settle_budget(store: Store, user_id: str, spent: Sequence[int]) -> list[int]:
    """Take what a user spent here from the cluster's buckets; return what is left in each.

    Args:
        store: the Redis connection.
        user_id: whose buckets.
        spent: messages, bytes, joins.

    Raises:
        LinkError: no answer.
    """
    settings = store.settings
    key = store.keys.budget(user_id)
    reply = await store.evaluated(
        store.scripts.budget_settle,
        hash_tag(key),
        (key,),
        *spent,
        str(settings.user_messages_per_s),
        str(settings.user_bytes_per_s),
        str(settings.user_joins_per_s),
        settings.user_messages_burst,
        settings.user_bytes_burst,
        settings.user_joins_burst,
    )
    return [int(left) for left in reply]
