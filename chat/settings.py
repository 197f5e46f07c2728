"""Every setting: one typed field with a default, an environment variable and a sentence.

The environment variable of a field is `CHAT_` and its name in capitals. Durations are seconds,
sizes are bytes, rates are per second. A secret may be in a file that `CHAT_<NAME>_FILE` names
instead. `docs/settings.md` is made from this file and a test keeps the two equal. Nothing here
reads the environment by itself: `from_environ` takes a mapping.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, cast

from msgspec import Meta, Struct, ValidationError, convert
from msgspec.inspect import Metadata, StructType, type_info
from msgspec.structs import fields

PREFIX = "CHAT_"
LOOPBACK = ("127.0.0.1", "::1", "localhost")
SECRETS = frozenset(
    {
        "redis_url",
        "jwt_secret",
        "webhook_secret",
        "publish_hook_secret",
        "upload_s3_secret",
    }
)  # never printed, and may be in a file
_IN_FILE = "_FILE"
SLOT = "{slot}"  # in `worker_sockets`: the number of a worker
_DEFAULT_WORKERS = max(1, os.cpu_count() or 1)

Count = Annotated[int, Meta(ge=1)]
CountOrOff = Annotated[int, Meta(ge=0)]
Port = Annotated[int, Meta(ge=0, le=65535)]
Seconds = Annotated[float, Meta(gt=0, le=86400 * 365)]
WheelSeconds = Annotated[float, Meta(gt=0, le=240)]  # the timer wheel reaches 255 s
Rate = Annotated[float, Meta(ge=0)]


class SettingsError(Exception):
    """A setting is wrong; the text says which and why. The process must not start."""


def _doc(text: str) -> Meta:
    return Meta(description=text)


class Settings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All settings of a worker, of its supervisor and of the HTTP side."""

    # --- where it listens
    host: Annotated[str, _doc("Address the public port binds to.")] = "127.0.0.1"
    port: Annotated[Port, _doc("Public port: WebSocket at /ws, the web page at /.")] = 8080
    ops_host: Annotated[str, _doc("Address the operations port binds to. Keep it private.")] = (
        "127.0.0.1"
    )
    ops_port: Annotated[Port, _doc("Operations port: /healthz, /readyz, /metrics.")] = 9100
    listen_backlog: Annotated[Count, _doc("Length of the kernel's queue of new connections.")] = (
        4096
    )
    workers: Annotated[Count, _doc("Worker processes under `chat up`. Default: one per core.")] = (
        _DEFAULT_WORKERS
    )
    worker_sockets: Annotated[
        str,
        _doc(
            "Where each worker of `chat up` listens for itself too, for a proxy that chooses it: "
            "`unix:/run/chat/worker-{slot}.sock`, `abns:chat-{slot}` or `tcp:HOST:PORT+{slot}`."
        ),
    ] = ""

    # --- how others find and spare it
    advertise: Annotated[
        str,
        Meta(
            pattern=r"^$|^([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?$"
            r"|^(unix|abns):[A-Za-z0-9_./-]+$"
        ),
        _doc(
            "Where balancers reach this worker: a host, `HOST:PORT`, `unix:PATH` or `abns:NAME`. "
            "Empty: found, see docs/operations.md."
        ),
    ] = ""
    overload_lag: Annotated[
        float,
        Meta(ge=0, le=60),
        _doc(
            "Lateness of the event loop at which a worker refuses new connections with 503; they "
            "are let in again below half of it. 0: never refuse."
        ),
    ] = 1.0

    # --- the HTTP side, `chat api`
    api_host: Annotated[str, _doc("Address the HTTP side binds to.")] = "127.0.0.1"
    api_port: Annotated[Port, _doc("Port of the HTTP side: the web page at /, /api/v1, /docs.")] = (
        8090
    )
    api_max_connections: Annotated[
        Count,
        _doc(
            "Open connections of the HTTP side; beyond it requests get `busy`, beyond twice as "
            "many connections are cut."
        ),
    ] = 2000
    api_drain_delay: Annotated[
        float,
        Meta(ge=0, le=600),
        _doc(
            "How long the HTTP side answers on after SIGTERM, so that balancers see /readyz turn "
            "red first."
        ),
    ] = 3.0

    # --- the HTTP side: back ends and streams
    api_keys_file: Annotated[
        str,
        _doc(
            "File with the API keys of back ends, as `chat api-key` makes its lines; read again "
            "when it changes. Empty: user tokens only."
        ),
    ] = ""
    api_key_requests_per_s: Annotated[
        Rate, _doc("Requests per API key, across the cluster; 0 is no limit.")
    ] = 100.0
    api_key_requests_burst: Annotated[Count, _doc("Burst of the above.")] = 500
    api_token_max_lifetime: Annotated[
        Seconds,
        _doc(
            "Longest life of a token from POST /api/v1/tokens, and its life where none is asked "
            "for; never more than CHAT_JWT_MAX_LIFETIME_S."
        ),
    ] = 3600.0
    api_max_streams: Annotated[
        Count, _doc("Event streams that one process of the HTTP side serves at a time.")
    ] = 1000
    api_max_streams_per_user: Annotated[
        Count, _doc("Event streams of one user on one process of the HTTP side.")
    ] = 20
    api_heartbeat_interval: Annotated[
        Seconds,
        _doc(
            "Silence on an event stream after which a comment is sent. Stay below the timeouts of "
            "proxies."
        ),
    ] = 15.0
    api_stream_retry: Annotated[
        Seconds,
        _doc(
            "About how long a client of an event stream waits before it comes back; each is told "
            "a time between half of it and one and a half."
        ),
    ] = 2.0

    # --- Redis
    redis_url: Annotated[
        str,
        _doc(
            "Redis to use: redis://, rediss:// or unix://, redis+sentinel://h1:p,h2:p/0?service=N "
            "or redis+cluster://h1:p,h2:p (see redis.md). May hold a password."
        ),
    ] = "redis://127.0.0.1:6379/0"
    redis_prefix: Annotated[
        str,
        Meta(pattern=r"^[A-Za-z0-9_.-]{1,32}$"),
        _doc("First part of every key and channel, so that several systems can share a Redis."),
    ] = "chat"
    redis_connect_timeout: Annotated[Seconds, _doc("Time to open one Redis connection.")] = 3.0
    redis_timeout: Annotated[
        Seconds, _doc("Age of the oldest unanswered Redis command at which its connection is cut.")
    ] = 4.0
    redis_max_in_flight: Annotated[
        Count, _doc("Redis commands in flight per worker; beyond it clients get `busy`.")
    ] = 20000
    redis_probe_interval: Annotated[
        Seconds, _doc("How often a worker sends itself a message through Redis pub/sub.")
    ] = 2.0
    redis_probe_timeout: Annotated[
        Seconds, _doc("How long that message may take before the worker counts as deaf.")
    ] = 5.0
    redis_wait_replicas: Annotated[
        CountOrOff,
        _doc(
            "Replicas that must have a message before its sender gets the `ack`; 0 waits for none. "
            "See redis.md."
        ),
    ] = 0
    redis_wait_timeout: Annotated[
        Seconds, _doc("How long an `ack` waits for them; then the sender gets `not_replicated`.")
    ] = 1.0

    # --- connections
    max_connections: Annotated[
        CountOrOff,
        _doc("Connections per worker; 0 means as many as the descriptor limit allows."),
    ] = 0
    max_pending_connections: Annotated[
        Count, _doc("Connections per worker that have not authenticated yet.")
    ] = 4096
    handshake_timeout: Annotated[
        Seconds, _doc("From accept to authenticated, first message included.")
    ] = 10.0
    max_header_bytes: Annotated[Count, _doc("Size of an HTTP request, headers included.")] = 16384
    max_message_bytes: Annotated[
        Count, _doc("Size of one message from a client; beyond it close code 1009.")
    ] = 16384
    max_content_chars: Annotated[
        Count, _doc("Length of `content` in characters; beyond it `content_too_long`.")
    ] = 8192
    max_outbound_bytes: Annotated[
        Count, _doc("Unsent bytes per connection; beyond it the connection is closed with 4200.")
    ] = 1048576
    outbound_high_water_bytes: Annotated[
        Count,
        _doc("Unsent bytes per connection at which typing and presence events are left out."),
    ] = 65536
    ping_interval: Annotated[
        WheelSeconds, _doc("Silence after which a client is pinged; jittered. Any traffic is life.")
    ] = 25.0
    ping_timeout: Annotated[
        WheelSeconds, _doc("Silence after a ping at which the connection is closed with 4201.")
    ] = 20.0
    close_timeout: Annotated[
        Seconds, _doc("How long a closing connection may take before it is cut.")
    ] = 5.0
    compression: Annotated[
        bool, _doc("Offer permessage-deflate. Costs tens of KiB per connection; off by default.")
    ] = False
    max_errors_in_a_row: Annotated[
        Count, _doc("Refused commands without an accepted one between, then close code 4000.")
    ] = 20
    max_control_frames_per_s: Annotated[
        Count,
        _doc(
            "Pings, pongs and empty fragments a client may send per second, then close code 4103."
        ),
    ] = 50
    trusted_proxies: Annotated[
        str,
        _doc(
            "Comma-separated addresses or networks whose X-Forwarded-For is believed; with any of "
            "them that of Unix sockets too."
        ),
    ] = ""
    proxy_protocol: Annotated[
        bool,
        _doc(
            "Expect a PROXY protocol header (version 2) at the start of each connection from a "
            "trusted proxy. For a proxy that relays bytes; off for one that speaks HTTP."
        ),
    ] = False

    # --- uploads, taken by the HTTP side
    upload_store: Annotated[
        str,
        _doc(
            "Where uploaded files are kept: a folder that all processes of the HTTP side share, or "
            "`s3://BUCKET/PREFIX`. Empty: nothing can be uploaded."
        ),
    ] = ""
    upload_spool: Annotated[
        str,
        _doc(
            "Folder for files on their way. Empty: `incoming` in the folder of CHAT_UPLOAD_STORE, "
            "or with a bucket one in the system's temporary folder."
        ),
    ] = ""
    upload_s3_endpoint: Annotated[
        str, _doc("URL of the S3-compatible server; empty: that of AWS.")
    ] = ""
    upload_s3_region: Annotated[str, _doc("Region of the bucket.")] = "us-east-1"
    upload_s3_key_id: Annotated[
        str, _doc("Access key for the bucket; empty: found where AWS's own tools look.")
    ] = ""
    upload_s3_secret: Annotated[str, _doc("The secret of that access key.")] = ""
    upload_types: Annotated[
        str,
        _doc("Comma-separated media types that are taken; what a file is, its content says."),
    ] = (
        "image/jpeg,image/png,image/gif,image/webp,application/pdf,text/plain,application/zip,"
        "audio/mpeg,video/mp4"
    )
    upload_max_bytes: Annotated[Count, _doc("The largest file that is taken.")] = 10485760
    upload_concurrency: Annotated[
        Count, _doc("Files that one process receives at a time; beyond it `busy`.")
    ] = 16
    upload_timeout: Annotated[
        Seconds,
        _doc(
            "Longest time that one upload may take; it may pause for CHAT_HANDSHAKE_TIMEOUT within."
        ),
    ] = 300.0
    upload_files_per_s: Annotated[Rate, _doc("Uploads per user, across the cluster.")] = 1.0
    upload_files_burst: Annotated[Count, _doc("Burst of the above.")] = 30
    upload_bytes_per_s: Annotated[Rate, _doc("Uploaded bytes per user, across the cluster.")] = (
        262144.0
    )
    upload_bytes_burst: Annotated[
        Count, _doc("Burst of the above; at least CHAT_UPLOAD_MAX_BYTES.")
    ] = 104857600
    upload_unused_ttl: Annotated[
        Seconds,
        _doc("How long an uploaded file may be attached; who does not do it, loses it then."),
    ] = 86400.0
    upload_retention: Annotated[
        Rate, _doc("How long after it was attached a file is removed; 0: never.")
    ] = 2592000.0

    # --- identity
    jwt_keys_file: Annotated[
        str,
        _doc(
            "JWKS file (RFC 7517) with the keys that sign tokens; symmetric keys allowed. "
            "It is read again within seconds of a change."
        ),
    ] = ""
    jwt_secret: Annotated[
        str, _doc("One symmetric key for HS256, at least 32 bytes, instead of a file.")
    ] = ""
    jwt_jwks_url: Annotated[str, _doc("URL of a JWKS; fetched, cached and refreshed.")] = ""
    jwt_jwks_cache_s: Annotated[Seconds, _doc("How long a fetched JWKS is used.")] = 3600.0
    jwt_jwks_cooldown_s: Annotated[
        Seconds, _doc("Least time between two fetches caused by an unknown key id.")
    ] = 10.0
    jwt_algorithms: Annotated[
        str, _doc("Comma-separated allow-list out of HS256, RS256, ES256, EdDSA.")
    ] = "HS256,RS256,ES256,EdDSA"
    jwt_issuer: Annotated[str, _doc("Required `iss`; empty means any.")] = ""
    jwt_audience: Annotated[str, _doc("Required `aud`; empty means tokens must have none.")] = ""
    jwt_leeway_s: Annotated[float, Meta(ge=0, le=300), _doc("Clock skew forgiven.")] = 5.0
    jwt_max_lifetime_s: Annotated[
        Seconds, _doc("Longest remaining life of a token that is accepted.")
    ] = 86400.0
    token_in_query: Annotated[
        bool,
        _doc(
            "Accept `?token=` for WebSockets and event streams; the URL is then a secret. Never "
            "logged by us."
        ),
    ] = False
    token_warning_s: Annotated[
        Seconds, _doc("How long before its end a client is told `token_expiring`.")
    ] = 60.0
    allowed_origins: Annotated[
        str,
        _doc("Comma-separated Origins of browsers; empty means the page's own host only."),
    ] = ""
    local_mode: Annotated[
        bool,
        _doc("Hand out tokens to anyone on this machine. Set by `make run`; loopback only."),
    ] = False
    local_api_port: Annotated[
        Port,
        _doc(
            "Loopback port of an HTTP side, to which workers hand on what is asked of /api, /docs "
            "and /files at their own port. Set by `make run`; 0 hands nothing on."
        ),
    ] = 0

    # --- rooms and messages
    history_size: Annotated[
        Count,
        _doc("Messages and events kept per room, exactly, where moderators have not set another."),
    ] = 1000
    history_ttl: Annotated[
        Seconds,
        _doc(
            "A room nobody publishes to forgets its messages after this time, or up to a "
            "sixteenth later, where moderators have not set another."
        ),
    ] = 604800.0
    stream_ttl: Annotated[
        Seconds,
        _doc(
            "... and its epoch and seq after this time, unless something is set of it. At least "
            "history_ttl."
        ),
    ] = 2592000.0
    idempotency_window: Annotated[Seconds, _doc("How long a `clientMessageId` is remembered.")] = (
        300.0
    )
    max_rooms_per_connection: Annotated[Count, _doc("Rooms one connection may be in.")] = 100
    subscription_linger: Annotated[
        Seconds, _doc("How long a worker stays subscribed to a room without local members.")
    ] = 5.0
    head_check_interval: Annotated[
        Seconds,
        _doc(
            "How often a worker compares each quiet room with the head in Redis; at most 50 rooms "
            "per second."
        ),
    ] = 30.0
    edit_window: Annotated[
        Rate, _doc("How long after it was sent a message may be edited; 0: always.")
    ] = 0.0
    delete_window: Annotated[
        Rate,
        _doc(
            "How long after it was sent a message may be deleted by its author; 0: always. "
            "Moderators may always."
        ),
    ] = 0.0
    max_reactions: Annotated[
        Count, _doc("Different reactions to one message; beyond it `too_many_reactions`.")
    ] = 20
    max_reaction_users: Annotated[
        Count,
        _doc(
            "Users with the same reaction to one message; beyond it, or when message and reactions "
            "are together larger than twice CHAT_MAX_MESSAGE_BYTES, `too_many_reactions`."
        ),
    ] = 500
    max_mentions: Annotated[
        Count, _doc("Users that one message may mention; beyond it `invalid_message`.")
    ] = 20
    room_title_chars: Annotated[Count, _doc("Length of a room's title.")] = 100
    room_topic_chars: Annotated[Count, _doc("Length of a room's topic.")] = 500
    room_slow_mode_longest: Annotated[
        Seconds, _doc("Longest slow mode that moderators may set for a room.")
    ] = 86400.0
    room_history_largest: Annotated[
        Count, _doc("Largest history that moderators may set for a room.")
    ] = 5000
    room_history_longest: Annotated[
        Seconds, _doc("Longest time for which moderators may have a room keep its history.")
    ] = 31536000.0
    typing_throttle: Annotated[
        Seconds, _doc("Least time between two `typing` events of one user in one room.")
    ] = 2.0
    typing_ttl: Annotated[
        Seconds, _doc("A user counts as typing this long after the last sign.")
    ] = 6.0
    read_marker_interval: Annotated[
        Seconds,
        _doc(
            "Least time between two writes of one user's read marker in a room; longer in rooms "
            "above CHAT_LARGE_ROOM_MEMBERS, in proportion, up to a minute."
        ),
    ] = 1.0
    read_markers_per_room: Annotated[
        Count,
        _doc("Users whose read marker a room keeps; beyond it those far behind are forgotten."),
    ] = 10000
    read_receipts: Annotated[
        bool,
        _doc(
            "Tell all members of rooms up to CHAT_LARGE_ROOM_MEMBERS how far each has read; "
            "otherwise only a user's own devices are told."
        ),
    ] = False

    # --- presence
    lease_ttl: Annotated[
        Seconds, _doc("A worker silent for this long is dead, its members leave.")
    ] = 10.0
    lease_interval: Annotated[Seconds, _doc("How often a worker renews its lease.")] = 3.0
    presence_grace: Annotated[
        Seconds, _doc("A user whose connection broke leaves a room this much later.")
    ] = 5.0
    presence_leaves_per_s: Annotated[
        Count,
        _doc(
            "Users whose grace is over that a worker lets leave per second; who comes back before "
            "has never left."
        ),
    ] = 200
    large_room_members: Annotated[
        Count,
        _doc("Above this many members a room gets `member_count` instead of join and leave."),
    ] = 200
    member_count_interval: Annotated[
        Seconds, _doc("Least time between two `member_count` events of a large room.")
    ] = 2.0

    # --- states of users, and delivered markers
    presence_change_interval: Annotated[
        Seconds,
        _doc(
            "Least time between two changes of one user's state or status text that others are "
            "told; longer for a user in more than 20 rooms, in proportion."
        ),
    ] = 1.0
    status_ttl: Annotated[
        Seconds,
        _doc("How long the state and the status text that a user chose are kept while it is away."),
    ] = 604800.0
    last_seen_ttl: Annotated[
        Rate, _doc("How long it is kept when a user was last seen; 0: nobody is told, ever.")
    ] = 2592000.0
    delivered_markers: Annotated[
        bool,
        _doc(
            "Take `mark_delivered`, and tell all members of rooms up to CHAT_LARGE_ROOM_MEMBERS; "
            "otherwise it is refused with `not_enabled`."
        ),
    ] = False

    # --- rate limits; a rate of 0 is no limit
    connection_messages_per_s: Annotated[Rate, _doc("Commands per connection.")] = 20.0
    connection_messages_burst: Annotated[Count, _doc("Burst of the above.")] = 60
    connection_bytes_per_s: Annotated[Rate, _doc("Inbound bytes per connection.")] = 65536.0
    connection_bytes_burst: Annotated[Count, _doc("Burst of the above.")] = 262144
    connection_joins_per_s: Annotated[Rate, _doc("Joins per connection.")] = 20.0
    connection_joins_burst: Annotated[Count, _doc("Burst of the above.")] = 100
    user_messages_per_s: Annotated[Rate, _doc("Commands per user, across the cluster.")] = 40.0
    user_messages_burst: Annotated[Count, _doc("Burst of the above.")] = 120
    user_bytes_per_s: Annotated[Rate, _doc("Inbound bytes per user, across the cluster.")] = (
        131072.0
    )
    user_bytes_burst: Annotated[Count, _doc("Burst of the above.")] = 524288
    user_joins_per_s: Annotated[Rate, _doc("Joins per user, across the cluster.")] = 40.0
    user_joins_burst: Annotated[Count, _doc("Burst of the above.")] = 200
    address_connects_per_s: Annotated[
        Rate, _doc("New connections per client address and worker.")
    ] = 20.0
    address_connects_burst: Annotated[Count, _doc("Burst of the above.")] = 100
    limits_sync_interval: Annotated[
        Seconds, _doc("How often a worker settles user budgets with the cluster.")
    ] = 0.5
    slow_mode: Annotated[
        str,
        _doc("Room patterns and seconds between messages of one user: `news-*=10,qa=2`."),
    ] = ""

    # --- moderation
    moderation_longest: Annotated[
        Seconds, _doc("Longest timed ban or mute; those without an end are always possible.")
    ] = 31536000.0
    sanctions_per_room: Annotated[
        Count, _doc("Bans, mutes and recent kicks a room may have at a time.")
    ] = 10000
    audit_size: Annotated[
        Count, _doc("Acts of moderators that the audit trail keeps, or a few more.")
    ] = 100000
    revocation_check_interval: Annotated[
        Seconds,
        _doc(
            "How often a process looks for revocations that it has not heard of; `chat api` hears "
            "of them in no other way."
        ),
    ] = 1.0

    # --- webhooks, `chat hooks`
    webhooks: Annotated[
        bool,
        _doc(
            "Tell `chat hooks` what happens. To be the same for all workers, `chat api` and "
            "`chat hooks`."
        ),
    ] = False
    webhook_url: Annotated[
        str, _doc("The one endpoint of `chat hooks`, where CHAT_WEBHOOKS_FILE is not needed.")
    ] = ""
    webhook_secret: Annotated[
        str,
        _doc(
            "What its deliveries are signed with: `whsec_` and base64, as `chat hooks --secret` "
            "makes it; two with a space between while one replaces the other."
        ),
    ] = ""
    webhooks_file: Annotated[
        str, _doc("TOML file with the endpoints of `chat hooks`; see docs/webhooks.md.")
    ] = ""
    webhook_timeout: Annotated[
        Seconds, _doc("From opening a connection to an endpoint to the end of its answer.")
    ] = 15.0
    webhook_retry_max: Annotated[
        Seconds,
        _doc(
            "Longest pause before a delivery is tried again, longest `Retry-After` that is "
            "honoured, and pause after 410."
        ),
    ] = 300.0
    webhook_batch_events: Annotated[
        int, Meta(ge=1, le=1000), _doc("Events of a room in one delivery, at most.")
    ] = 100
    webhook_batch_bytes: Annotated[
        Count, _doc("Bytes of one delivery, at most; a single event may be larger.")
    ] = 262144
    webhook_concurrency: Annotated[
        int,
        Meta(ge=1, le=1000),
        _doc("Deliveries under way to one endpoint from one process; of a room there is one."),
    ] = 32
    webhook_events_kept: Annotated[
        Count,
        _doc(
            "Joins, leaves, connects and disconnects kept for endpoints that do not answer, in "
            "all; messages are kept by the rooms' history."
        ),
    ] = 100000
    webhook_sweep_interval: Annotated[
        Seconds,
        _doc(
            "How often `chat hooks` looks for news that it was not told of: pub/sub may lose some."
        ),
    ] = 10.0
    # --- what messages are held against, and reports of them
    publish_hook_url: Annotated[
        str,
        Meta(pattern=r"^$|^https?://[^/\s]+"),
        _doc(
            "URL that is asked before a message or an edit is stored; see moderation.md. Empty: "
            "none is."
        ),
    ] = ""
    publish_hook_secret: Annotated[
        str,
        _doc(
            "Signs what the hook is asked: `whsec_` and 24 to 64 random bytes in base64, as "
            "`chat hooks --secret` makes it; two with a space between while one replaces the other."
        ),
    ] = ""
    publish_hook_rooms: Annotated[
        str, _doc("Room patterns with commas between them: whose messages the hook is asked about.")
    ] = "*"
    publish_hook_timeout: Annotated[
        Seconds, _doc("How long a message waits for its turn, and then for the hook's answer.")
    ] = 2.0
    publish_hook_concurrency: Annotated[
        Count,
        _doc("Messages that one process asks about at a time; those of one room take up to half."),
    ] = 32
    publish_hook_queue: Annotated[
        Count, _doc("Messages per process that wait for their turn; beyond it clients get `busy`.")
    ] = 1000
    publish_hook_when_away: Annotated[
        str,
        Meta(pattern="^(refuse|pass)$"),
        _doc(
            "What becomes of messages while the hook gives no answer: `refuse` them as "
            "`unavailable`, or let them `pass`."
        ),
    ] = "refuse"
    publish_hook_failures: Annotated[
        Count,
        _doc(
            "Posts in a row without an answer, or with status 429, 502, 503 or 504, after which "
            "the hook is taken to be away."
        ),
    ] = 5
    publish_hook_pause: Annotated[
        Seconds, _doc("How long it is then not asked, before one message tries again.")
    ] = 5.0
    word_filter_file: Annotated[
        str,
        _doc(
            "File with words and patterns that block or mask messages, titles, topics, statuses "
            "and names of files; read again when it changes; see moderation.md. Empty: no filter."
        ),
    ] = ""
    word_filter_rooms: Annotated[
        str,
        _doc(
            "Room patterns with commas between them: where the word filter holds. Statuses belong "
            "to no room and are filtered in any case."
        ),
    ] = "*"
    reports_size: Annotated[
        Count, _doc("Reported messages that are kept, each with a copy; beyond it the oldest goes.")
    ] = 2000
    reports_ttl: Annotated[Seconds, _doc("How long a report is kept.")] = 2592000.0
    reports_per_hour: Annotated[
        Count, _doc("Messages that one user may report per hour; beyond it `rate_limited`.")
    ] = 20

    # --- conversations
    participants_per_room: Annotated[
        Count,
        _doc(
            "Seats in the roster of a private room, invited users included; beyond it "
            "`too_many_participants`."
        ),
    ] = 1000
    rooms_per_user: Annotated[
        Count,
        _doc(
            "Private and direct rooms of a user, invitations included; beyond it `too_many_rooms`. "
            "Counted before a room is added: two at once may both be let through."
        ),
    ] = 1000

    # --- life of a process
    drain_timeout: Annotated[Seconds, _doc("From SIGTERM to the last client closed.")] = 30.0
    drain_batch_interval: Annotated[
        Seconds, _doc("Time between two batches of closed clients while draining.")
    ] = 0.25
    restart_backoff_max: Annotated[
        Seconds, _doc("Longest pause before a dead worker is started again.")
    ] = 30.0
    crash_loop_count: Annotated[
        Count, _doc("Deaths within `crash_loop_window` that are reported as a crash loop.")
    ] = 5
    crash_loop_window: Annotated[Seconds, _doc("See crash_loop_count.")] = 60.0
    log_format: Annotated[str, Meta(pattern="^(json|console)$"), _doc("`json` or `console`.")] = (
        "console"
    )
    log_level: Annotated[
        str, Meta(pattern="^(debug|info|warning|error)$"), _doc("Least level that is logged.")
    ] = "info"

    def __post_init__(self) -> None:
        for problem in self._contradictions():
            raise ValueError(problem)

    def _contradictions(self) -> list[str]:
        """Pairs of settings that are fine alone and wrong together."""
        problems = []
        if self.stream_ttl < self.history_ttl:
            problems.append("CHAT_STREAM_TTL must be at least CHAT_HISTORY_TTL")
        if self.lease_interval * 2 > self.lease_ttl:
            problems.append("CHAT_LEASE_INTERVAL must be at most half of CHAT_LEASE_TTL")
        if self.outbound_high_water_bytes >= self.max_outbound_bytes:
            problems.append("CHAT_OUTBOUND_HIGH_WATER_BYTES must be below CHAT_MAX_OUTBOUND_BYTES")
        if self.redis_probe_timeout < self.redis_probe_interval:
            problems.append("CHAT_REDIS_PROBE_TIMEOUT must be at least CHAT_REDIS_PROBE_INTERVAL")
        if self.jwt_secret and len(self.jwt_secret.encode()) < 32:
            problems.append("CHAT_JWT_SECRET must have at least 32 bytes (RFC 7518 section 3.2)")
        if self.proxy_protocol and not self.trusted_proxies:
            problems.append("CHAT_PROXY_PROTOCOL needs CHAT_TRUSTED_PROXIES: who may send it")
        if self.worker_sockets and not self.trusted_proxies:
            problems.append(
                "CHAT_WORKER_SOCKETS are for a proxy: name it in CHAT_TRUSTED_PROXIES, or all its "
                "clients share one address and its budget"
            )
        if self.publish_hook_url and not self.publish_hook_secret:
            problems.append("CHAT_PUBLISH_HOOK_URL needs CHAT_PUBLISH_HOOK_SECRET to sign with")
        return problems + self._about_local() + self._about_webhooks() + self._about_uploads()

    def _about_local(self) -> list[str]:
        problems = []
        if self.local_mode and self.host not in LOOPBACK:
            problems.append("CHAT_LOCAL_MODE hands out tokens, so CHAT_HOST must be loopback")
        if self.local_api_port and not self.local_mode:
            problems.append("CHAT_LOCAL_API_PORT is for CHAT_LOCAL_MODE: a balancer does it better")
        return problems

    def _about_uploads(self) -> list[str]:
        if not self.upload_bytes_per_s or self.upload_bytes_burst >= self.upload_max_bytes:
            return []
        return [
            "CHAT_UPLOAD_BYTES_BURST must be at least CHAT_UPLOAD_MAX_BYTES, or the largest files "
            "are never taken"
        ]

    def _about_webhooks(self) -> list[str]:
        problems = []
        if self.webhook_url and self.webhooks_file:
            problems.append("CHAT_WEBHOOK_URL and CHAT_WEBHOOKS_FILE are both given: keep one")
        if (self.webhook_url or self.webhooks_file) and not self.webhooks:
            problems.append("endpoints of webhooks need CHAT_WEBHOOKS=true, here and for workers")
        return problems


def variable(field_name: str) -> str:
    """Return the environment variable of a field."""
    return PREFIX + field_name.upper()


def is_given(environ: Mapping[str, str], field_name: str) -> bool:
    """Tell whether a setting is in the environment, by itself or as a file."""
    name = variable(field_name)
    return name in environ or (field_name in SECRETS and name + _IN_FILE in environ)


def from_environ(environ: Mapping[str, str]) -> Settings:
    """Build settings from `CHAT_*` variables; everything else in `environ` is ignored.

    Reads the files that `CHAT_<NAME>_FILE` of a secret names, now and never again.

    Raises:
        SettingsError: a value is wrong, a file cannot be read or a `CHAT_*` name is not a setting.
    """
    known = {variable(field.name): field for field in fields(Settings)}
    values: dict[str, object] = {}
    problems: list[str] = []
    given = {name: text for name, text in environ.items() if name.startswith(PREFIX)}
    for name, text in _with_secrets_read(given, problems).items():
        field = known.get(name)
        if field is None:
            problems.append(f"{name} is not a setting (docs/settings.md lists them all)")
            continue
        try:
            values[field.name] = convert(text, field.type, strict=False)
        except ValidationError as exc:
            shown = "its value" if field.name in SECRETS else repr(text)
            problems.append(f"{name}: {shown} is wrong: {exc}")
    if not problems:
        try:
            return Settings(**values)  # type: ignore[arg-type]
        except ValueError as exc:
            problems.append(str(exc))
    raise SettingsError("; ".join(problems) + ".")


def _with_secrets_read(given: Mapping[str, str], problems: list[str]) -> dict[str, str]:
    """Return the variables with the content of each secret's file in place of its path."""
    found = dict(given)
    for name in map(variable, sorted(SECRETS)):
        path = found.pop(name + _IN_FILE, None)
        if path is None:
            continue
        if name in found:
            problems.append(f"{name} and {name}{_IN_FILE} are both given: keep one")
            continue
        try:
            found[name] = _read_secret(Path(path))
        except ValueError as exc:
            problems.append(f"{name}{_IN_FILE}: {path}: {exc}")
    return found


def _read_secret(path: Path) -> str:
    """Return the text of a file without the newline that editors and `echo` end it with.

    Raises:
        ValueError: it cannot be read, is no UTF-8 or is empty; says which.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as exc:
        raise ValueError(exc.strerror or "it cannot be read") from None
    except UnicodeDecodeError:
        raise ValueError("it is not UTF-8 text") from None
    secret = text.removesuffix("\n").removesuffix("\r")
    if not secret:
        raise ValueError("it is empty")
    return secret


def to_environ(settings: Settings) -> dict[str, str]:
    """Return the variables that make `from_environ` build equal settings: for child processes."""
    return {variable(field.name): str(getattr(settings, field.name)) for field in fields(Settings)}


def describe() -> list[tuple[str, str, str]]:
    """Return (variable, default, sentence) of every setting, in the order of this file."""
    rows = []
    for field in cast("StructType", type_info(Settings)).fields:
        default = "cores" if field.name == "workers" else str(field.default)
        schema = cast("Metadata", field.type).extra_json_schema or {}
        rows.append((variable(field.name), default, schema["description"]))
    return rows
