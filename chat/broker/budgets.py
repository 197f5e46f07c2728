"""The cluster's side of budgets: of users, and of the API keys that back ends have."""

import asyncio
import time
from collections.abc import Callable, Sequence

from chat.broker.link import LinkError
from chat.broker.slots import hash_tag
from chat.broker.store import Store
from chat.limits.users import Limits, UserBudgets


async def settle_budgets(
    store: Store, users: UserBudgets, key_of: Callable[[str], str] | None = None
) -> None:
    """Settle what users spent in this process with the cluster's budgets, until cancelled.

    Args:
        store: the Redis connection.
        users: their budgets in this process.
        key_of: where the cluster's buckets of one are; those of users if it is not given.
    """
    key_of = key_of or store.keys.budget
    while True:
        await asyncio.sleep(store.settings.limits_sync_interval)
        if not store.is_up:
            continue
        owed = users.owed()
        left = await asyncio.gather(
            *(settle_budget(store, key_of(name), users.limits, spent) for name, *spent in owed),
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


async def settle_budget(store: Store, key: str, limits: Limits, spent: Sequence[int]) -> list[int]:
    """Take what a user spent here from the cluster's buckets; return what is left in each.

    Args:
        store: the Redis connection.
        key: of the buckets.
        limits: rates and bursts.
        spent: messages, bytes, joins.

    Raises:
        LinkError: no answer.
    """
    reply = await store.evaluated(
        store.scripts.budget_settle,
        hash_tag(key),
        (key,),
        *spent,
        *(str(rate) for rate, _ in limits),
        *(burst for _, burst in limits),
    )
    return [int(left) for left in reply]
