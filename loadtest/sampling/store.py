"""Redis at work, from its INFO."""

from typing import Any

from redis.asyncio import Redis
from redis.exceptions import RedisError

from loadtest.addresses import without_password
from loadtest.results import RedisSample

_TIMEOUT_S = 3.0


class StoreError(Exception):
    """Redis does not tell; the text says why, without the password."""


class Store:
    """One connection to Redis.

    Args:
        url: redis://, rediss:// or unix://; may hold a password.

    Raises:
        StoreError: it is no such URL.
    """

    def __init__(self, url: str) -> None:
        self._shown = without_password(url)
        try:
            self._redis = Redis.from_url(
                url, socket_timeout=_TIMEOUT_S, socket_connect_timeout=_TIMEOUT_S
            )
        except ValueError as exc:
            raise StoreError(f"{self._shown}: {exc}.") from None
        self._before: tuple[float, dict[str, Any]] | None = None

    async def read(self, t_s: float) -> RedisSample:
        """Ask once; rates are of the time since the last answer.

        Raises:
            StoreError: it does not answer.
        """
        try:
            info: dict[str, Any] = await self._redis.info()
        except (RedisError, OSError) as exc:
            raise StoreError(f"{self._shown}: {exc}.") from None
        sample = derive(t_s, info, self._before)
        self._before = (t_s, info)
        return sample

    async def close(self) -> None:
        """Close the connection."""
        await self._redis.aclose()


def derive(
    t_s: float, info: dict[str, Any], before: tuple[float, dict[str, Any]] | None
) -> RedisSample:
    """Make a sample of an INFO and the one before. Pure."""

    def per_s(name: str) -> float:
        if before is None or t_s <= before[0]:
            return 0.0
        return float(max(0, info[name] - before[1][name])) / (t_s - before[0])

    return RedisSample(
        t_s=t_s,
        commands_per_s=per_s("total_commands_processed"),
        used_memory_kib=int(info["used_memory"]) // 1024,
        cpu_s=float(info["used_cpu_sys"]) + float(info["used_cpu_user"]),
        network_in_kib_per_s=per_s("total_net_input_bytes") / 1024,
        network_out_kib_per_s=per_s("total_net_output_bytes") / 1024,
        pubsub_channels=int(info["pubsub_channels"]),
    )
