"""What stands around the workers: the network, Redis, HAProxy."""

import math

from loadtest.capacity.model import DELIVERY, HANDSHAKE, PUBLISH, RUNNING, SUBSCRIBER
from loadtest.capacity.wish import Draft, sum_text
from loadtest.preflight.demand import SOCKET_BYTES

#: HAProxy 2.6.12, measured on loopback, but for TLS: an operator's figure for 2.5 with OpenSSL.
TUNNEL_BYTES = 6_100
TLS_TUNNEL_BYTES = 50_000
RELAY_TCP_S = 12.7e-6
RELAY_UNIX_S = 3.6e-6
DESCRIPTORS_PER_TUNNEL = 2
PROXY_RESERVED_DESCRIPTORS = 100


def size_network(draft: Draft) -> None:
    """Bytes from the workers to the clients."""
    model, wish = draft.model, draft.wish
    amounts = {DELIVERY: wish.deliveries_per_s}
    if not wish.deliveries_per_s:
        return
    per_s = model.network.cost(amounts) if model.network else None
    if per_s is None or model.network is None:
        draft.unknown("Network load", "network", model.network, amounts)
        return
    draft.add(
        "Network to clients",
        f"{per_s * 8 / 1e9:.2f} Gbit/s",
        [
            f"{wish.messages_per_s:,.0f} messages/s x {wish.room_size:g} members x "
            f"{model.network.terms[DELIVERY] or 0.0:.0f} B = {per_s / 1e6:.1f} MB/s for messages "
            "as long as in the runs, without headers of TCP and IP (40 B a packet or more) and TLS"
        ],
    )


def size_redis(draft: Draft, subscribers: float) -> int | None:
    """Return how many shards carry it; `subscribers` is how many workers hold a message's room."""
    model, wish = draft.model, draft.wish
    amounts = {
        RUNNING: 1.0,
        PUBLISH: wish.messages_per_s,
        SUBSCRIBER: wish.messages_per_s * subscribers,
        HANDSHAKE: wish.reconnects_per_s,
    }
    cores = model.redis_cpu.cost(amounts) if model.redis_cpu else None
    if cores is None or model.redis_cpu is None:
        draft.unknown("Redis load", "redis_cpu", model.redis_cpu, amounts)
        return None
    shards = max(1, math.ceil(cores / wish.utilisation))
    arithmetic = [
        f"{sum_text(model.redis_cpu.terms, amounts)} = {cores:.2f} cores in use",
        f"{subscribers:.1f} workers hold the room of a message, if members are on any worker",
    ]
    each = (model.redis_cpu.terms[PUBLISH] or 0.0) + subscribers * (
        model.redis_cpu.terms[SUBSCRIBER] or 0.0
    )
    if each and wish.messages_per_s:
        arithmetic.append(
            f"so one shard carries {wish.utilisation / each:,.0f} messages/s, busy at "
            f"{wish.utilisation:.0%}"
        )
    arithmetic.append(
        "assumed: one shard is one core, rooms are spread evenly over shards, and a message "
        "stays on one"
    )
    draft.add("Redis shards", str(shards), arithmetic)
    return shards


def size_proxies(draft: Draft) -> int:
    """Return how many HAProxy processes have descriptors for all tunnels."""
    wish = draft.wish
    tunnels = (wish.descriptors - PROXY_RESERVED_DESCRIPTORS) // DESCRIPTORS_PER_TUNNEL
    needed = math.ceil(wish.connections / tunnels)
    relayed = wish.deliveries_per_s + 2 * wish.messages_per_s
    plain, tls, sockets = (
        wish.connections * each / 1e9
        for each in (TUNNEL_BYTES, TLS_TUNNEL_BYTES, DESCRIPTORS_PER_TUNNEL * SOCKET_BYTES)
    )
    over_tcp, over_unix = (
        relayed * each / wish.utilisation for each in (RELAY_TCP_S, RELAY_UNIX_S)
    )
    draft.add(
        "HAProxy processes",
        f"{needed:,}",
        [
            f"descriptors: {wish.connections:,} tunnels / (({wish.descriptors:,} - "
            f"{PROXY_RESERVED_DESCRIPTORS} kept back) / {DESCRIPTORS_PER_TUNNEL} each) = "
            f"{needed:,}",
            f"memory: {wish.connections:,} x {TUNNEL_BYTES / 1000:.1f} KB = {plain:.1f} GB, or "
            f"about {tls:.0f} GB where it ends TLS (~{TLS_TUNNEL_BYTES // 1000} KB, reported by "
            f"others); its sockets: {sockets:.1f} GB more",
            f"relaying: {relayed:,.0f} messages/s (deliveries, messages, acks) x "
            f"{RELAY_TCP_S * 1e6:.1f} µs = {over_tcp:.1f} cores at {wish.utilisation:.0%} over "
            f"TCP, or x {RELAY_UNIX_S * 1e6:.1f} µs = {over_unix:.1f} over unix sockets; less "
            "where the messages of a tick are joined",
        ],
    )
    return needed
