"""Acts on users and tokens in the whole cluster: kept in Redis, told to all workers.

One sorted set by time is all there is: what a process has not heard of it reads from the time of
what it has read. So a process may be deaf, or may not listen at all, and still learns of everything
within its interval; the channel only makes it faster.
"""

from chat.broker.keys import CONTROL_TAG
from chat.broker.store import Store
from chat.moderation.acts import Act, Kind
from chat.moderation.revocations import of_connections, of_token, of_user

#: An act that this many microseconds are between may come to light in another order: the clock of a
#: promoted replica is not that of the master before it.
OVERLAP_US = 10_000_000
PAGE = 1000
_NAMES = {
    Kind.DISCONNECT: of_connections,
    Kind.REVOKE_USER: of_user,
    Kind.REVOKE_TOKEN: of_token,
}


class UserActs:
    """Writes and reads them.

    Args:
        store: where they are.
        life_s: longest life of a token; acts are kept as long.
    """

    def __init__(self, store: Store, life_s: float) -> None:
        self._store = store
        self._life_ms = int(life_s * 1000)

    @property
    def is_up(self) -> bool:
        """Commands can be sent."""
        return self._store.shard(CONTROL_TAG).is_up

    async def add(self, act: Act) -> None:
        """Keep an act and tell it. Doing so again does no harm.

        Raises:
            LinkError: no answer; it may have been done.
        """
        store = self._store
        await store.evaluated(
            store.scripts.user_act,
            CONTROL_TAG,
            (store.keys.user_acts,),
            store.keys.control,
            _NAMES[act.kind](act.on),
            self._life_ms,
        )

    async def since(self, act_us: int) -> list[tuple[int, str]]:
        """Return the (time, name) of acts from a time on, some at a time, oldest first.

        Raises:
            LinkError: no answer.
        """
        key = self._store.keys.user_acts
        limit = ("WITHSCORES", "LIMIT", 0, PAGE)
        flat = await self._store.ask(CONTROL_TAG, "ZRANGEBYSCORE", key, act_us, "+inf", *limit)
        pairs = zip(flat[::2], flat[1::2], strict=True)
        return [(int(float(act)), name.decode()) for name, act in pairs]


def decode_user_act(payload: bytes) -> tuple[int, str]:
    """Decode what workers are told: time and name of an act.

    Raises:
        ValueError: these bytes are nothing of ours.
    """
    act_us, separator, name = payload.partition(b":")
    if not separator:
        raise ValueError("not an act")
    return int(act_us), name.decode()
