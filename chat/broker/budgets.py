"""The cluster's side of a user's budgets."""

from collections.abc import Sequence

from chat.broker.slots import hash_tag
from chat.broker.store import Store


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
