"""Every metric in one table: what is exported, and what `docs/metrics.md` lists.

Names follow Prometheus: base units, counters end in `_total`.
"""

from typing import Literal, NamedTuple

Kind = Literal["counter", "gauge", "histogram"]
Source = Literal["stats", "process", "supervisor", "api", "hooks"]


class Family(NamedTuple):
    """One metric family.

    Args:
        name: as exported.
        kind: of Prometheus.
        field: attribute of `Stats`, or a name in the source.
        help: one sentence.
        label: of what the values are told apart, several with commas between them; `worker` is
            the slot's number.
        source: where the value comes from.
    """

    name: str
    kind: Kind
    field: str
    help: str
    label: str | None = None
    source: Source = "stats"


def _counter(name: str, field: str, text: str, label: str | None = None) -> Family:
    return Family(f"chat_{name}_total", "counter", field, text, label)


def _gauge(name: str, field: str, text: str, label: str | None = None) -> Family:
    return Family(f"chat_{name}", "gauge", field, text, label)


def _histogram(name: str, text: str, label: str | None = None) -> Family:
    return Family(f"chat_{name}", "histogram", name, text, label)


FAMILIES: tuple[Family, ...] = (
    # connections
    _gauge("connections", "connections", "Open WebSocket connections."),
    _gauge("worker_connections", "connections", "Open WebSocket connections.", "worker"),
    _gauge(
        "pending_connections",
        "pending_connections",
        "Connections that have not authenticated yet.",
    ),
    _counter("connections_opened", "connections_opened", "Connections that were upgraded."),
    _counter("connections_closed", "connections_closed", "Connections that ended."),
    _counter(
        "connections_refused",
        "connections_refused",
        "Connections that were refused before they were open.",
        "reason",
    ),
    _counter("handshakes_failed", "handshakes_failed", "Handshakes that broke off."),
    _histogram("handshake_seconds", "From accept to the answer of the handshake."),
    _counter("closes", "closes", "Closed connections by WebSocket close code.", "code"),
    _counter(
        "slow_consumer_closes",
        "slow_consumer_closes",
        "Connections closed because their unsent bytes reached the limit.",
    ),
    _counter(
        "ping_timeouts", "ping_timeouts", "Connections closed because a ping stayed unanswered."
    ),
    _counter("control_frames", "frames_control", "Pings and pongs received."),
    # identity
    _counter("token_refreshes", "token_refreshes", "Tokens replaced on a live connection."),
    _counter("tokens_expired", "tokens_expired", "Connections whose token ended."),
    # commands and messages
    _counter("received_messages", "messages_in", "Messages received from clients."),
    _counter("received_bytes", "bytes_in", "Bytes received from clients."),
    _counter("sent_bytes", "bytes_out", "Bytes sent to clients."),
    _counter("commands", "commands", "Commands received, by type.", "type"),
    _counter("errors", "errors", "Commands refused, by error code.", "code"),
    _counter("rate_limited", "rate_limited", "Refusals by a rate limit.", "scope"),
    _counter(
        "budgets_forgotten",
        "budgets_forgotten",
        "Users whose rate limits a worker forgot because it sees too many at a time.",
    ),
    _counter("published_messages", "messages_published", "Messages stored and acknowledged."),
    _counter(
        "changed_messages",
        "messages_changed",
        "Edits, deletions and reactions stored and acknowledged.",
    ),
    _counter(
        "changed_rooms", "rooms_changed", "Times that something was set of a room: `change_room`."
    ),
    _counter(
        "changes_raced",
        "changes_raced",
        "Times such a change was made anew because another one came first.",
    ),
    _counter("deliveries", "deliveries", "Chat messages handed to a member's connection."),
    _counter("typing_events", "typing_events", "Typing events sent out."),
    _counter(
        "ephemeral_dropped",
        "ephemeral_dropped",
        "Typing and presence events left out for slow connections.",
    ),
    _histogram("publish_seconds", "From receiving a chat message to its ack."),
    _histogram("delivery_seconds", "From storing a message to handing it to the members."),
    # rooms
    _gauge("rooms", "rooms", "Rooms a worker is subscribed to, counted once per worker."),
    _gauge("worker_rooms", "rooms", "Rooms the worker is subscribed to.", "worker"),
    _gauge("memberships", "memberships", "Pairs of a connection and a room it is in."),
    _gauge(
        "presence_in_grace",
        "presence_in_grace",
        "Users of a room whose connection broke and who have not left it yet.",
    ),
    _counter("gaps_filled", "gaps_filled", "Holes in a room's order that were read from history."),
    _counter("gap_messages_filled", "gap_messages_filled", "Messages read to fill those holes."),
    _counter("gaps_announced", "gaps_announced", "`gap` events: messages that are gone."),
    _counter("resyncs", "resyncs", "Times a worker compared its rooms with Redis at once."),
    _counter(
        "presence_swept_workers",
        "presence_swept_workers",
        "Dead workers whose members were removed from presence.",
    ),
    # read markers
    _counter("read_markers_written", "read_markers_written", "Read markers sent to Redis."),
    _counter(
        "read_markers_forgotten",
        "read_markers_forgotten",
        "Read markers that gave way to others because a room keeps so many only.",
    ),
    _gauge(
        "read_markers_waiting",
        "read_markers_waiting",
        "Users and rooms whose last read marker is not in Redis yet.",
    ),
    # states of users, and delivered markers
    _gauge("user_states", "user_states", "Users a worker knows not to be plainly online."),
    _counter("user_states_set", "user_states_set", "States and status texts written to Redis."),
    _counter("user_states_told", "user_states_told", "Times a room was given a member's state."),
    _counter(
        "delivered_markers_written", "delivered_markers_written", "Delivered markers sent to Redis."
    ),
    _gauge(
        "delivered_markers_waiting",
        "delivered_markers_waiting",
        "Users and rooms whose last delivered marker is not in Redis yet.",
    ),
    # moderation
    _counter(
        "moderation_acts",
        "moderation_acts",
        "Acts of moderators that workers did: kick, ban, unban, mute, unmute, and delete_message "
        "for messages of others.",
        "act",
    ),
    _counter("put_out", "put_out", "Connections put out of a room by a kick, a ban or a roster."),
    _counter(
        "acts_caught_up",
        "acts_caught_up",
        "Times a worker had missed an act in a room and found out.",
    ),
    _gauge(
        "revocations",
        "revocations",
        "Acts on users and tokens a worker keeps in mind.",
        "worker",
    ),
    # webhooks
    _counter(
        "hook_events_lost",
        "hook_events_lost",
        "Connects and disconnects that could not be noted for webhooks.",
    ),
    # what messages are held against, and reports of them
    _counter(
        "publish_hook_answers",
        "publish_hook_answers",
        "What became of messages that the hook was to be asked about: allowed, refused, replaced, "
        "busy for those without a turn, away for those without a verdict, of which failed are "
        "those that it was asked about.",
        "outcome",
    ),
    _histogram("publish_hook_seconds", "From asking the hook to its answer, or to giving up."),
    _gauge(
        "publish_hook_waiting",
        "publish_hook_waiting",
        "Messages that wait for their turn with the hook.",
        "worker",
    ),
    _gauge(
        "publish_hook_open",
        "publish_hook_open",
        "1 while the hook is taken to be away.",
        "worker",
    ),
    _counter(
        "word_filter_hits",
        "word_filter_hits",
        "Texts that the word filter blocked or masked.",
        "action",
    ),
    _gauge("word_filter_rules", "word_filter_rules", "Words and patterns in force.", "worker"),
    _gauge(
        "word_filter_stale",
        "word_filter_stale",
        "1 while the file of words cannot be used, and those read before are in force.",
        "worker",
    ),
    _counter("messages_reported", "messages_reported", "Messages that members reported."),
    # conversations
    _counter(
        "roster_changes",
        "roster_changes",
        "Rosters made or changed: create, open_direct, invite, answer, set_role, remove.",
        "change",
    ),
    _counter(
        "roster_changes_raced",
        "roster_changes_raced",
        "Times such a change was judged anew because another one came first.",
    ),
    _counter(
        "listings_repaired",
        "listings_repaired",
        "Times a user's list of rooms was found to differ from a roster, and corrected.",
    ),
    # Redis
    _gauge("redis_up", "redis_up", "1 while all command connections work.", "worker"),
    _gauge("redis_in_flight", "redis_in_flight", "Redis commands without an answer yet.", "worker"),
    _gauge("redis_shards", "redis_shards", "Redis masters a worker knows.", "worker"),
    _gauge("redis_shards_away", "redis_shards_away", "Those it has no connection to.", "worker"),
    _counter("redis_commands", "redis_commands", "Commands sent to Redis, scripts included."),
    _counter("redis_errors", "redis_errors", "Redis commands that failed."),
    _counter("redis_reconnects", "redis_reconnects", "Connections to Redis opened anew.", "link"),
    _histogram(
        "replication_seconds",
        "From storing a message to hearing that enough replicas have it; with "
        "CHAT_REDIS_WAIT_REPLICAS only.",
    ),
    _counter(
        "publish_uncertain",
        "publish_uncertain",
        "Publishes whose outcome is unknown because Redis did not answer.",
    ),
    _gauge("pubsub_deaf", "pubsub_deaf", "1 while a worker does not hear its own probe.", "worker"),
    _gauge(
        "pubsub_probe_seconds", "probe_seconds", "Round trip of the last pub/sub probe.", "worker"
    ),
    # processes
    _histogram("loop_lag_seconds", "How late the event loop's one-second tick was.", "worker"),
    _counter(
        "reports_dropped", "reports_dropped", "Reports a worker left out, its channel was full."
    ),
    Family(
        "chat_worker_resident_memory_bytes",
        "gauge",
        "rss",
        "Resident memory of the worker process.",
        "worker",
        "process",
    ),
    Family("chat_worker_ready", "gauge", "ready", "1 while ready.", "worker", "process"),
    Family("chat_build_info", "gauge", "version", "1, by version.", "version", "process"),
    # supervisor
    Family(
        "chat_workers_wanted", "gauge", "wanted", "Workers there should be.", None, "supervisor"
    ),
    Family("chat_workers_ready", "gauge", "ready", "Workers that are ready.", None, "supervisor"),
    Family(
        "chat_worker_restarts_total",
        "counter",
        "restarts",
        "Workers started again after they died.",
        None,
        "supervisor",
    ),
    Family(
        "chat_workers_crash_looping",
        "gauge",
        "crash_looping",
        "Workers that die again and again and are started only now and then.",
        None,
        "supervisor",
    ),
    Family(
        "chat_embedded_redis_restarts_total",
        "counter",
        "redis_restarts",
        "Times the embedded Redis died and was started again.",
        None,
        "supervisor",
    ),
)


def _api(kind: Kind, name: str, field: str, text: str, label: str | None = None) -> Family:
    return Family(f"chat_api_{name}", kind, field, text, label, "api")


#: What `chat api` exports: a process of its own, with a name of its own for everything.
API_FAMILIES: tuple[Family, ...] = (
    _api(
        "counter",
        "requests_total",
        "requests",
        "Requests answered, by route template; `none` where nothing is.",
        "route,method,status",
    ),
    _api(
        "histogram", "request_seconds", "seconds", "From a request's head to its answer.", "route"
    ),
    _api("gauge", "requests_in_flight", "in_flight", "Requests without an answer yet."),
    _api("gauge", "connections", "connections", "Open connections."),
    _api("counter", "rate_limited_total", "rate_limited", "Refusals by a user's rate limit."),
    _api("gauge", "redis_up", "redis_up", "1 while the command connection works."),
    _api("gauge", "redis_in_flight", "redis_in_flight", "Redis commands without an answer yet."),
    _api("counter", "redis_commands_total", "redis_commands", "Commands sent to Redis."),
    _api("counter", "redis_errors_total", "redis_errors", "Redis commands that failed."),
    _api(
        "counter",
        "redis_reconnects_total",
        "redis_reconnects",
        "Connections to Redis opened anew.",
    ),
    _api("gauge", "ready", "ready", "1 while ready."),
    _api("gauge", "resident_memory_bytes", "rss", "Resident memory of the process."),
    # acting, keys and streams
    _api(
        "counter",
        "published_messages_total",
        "messages_published",
        "Messages stored, retries of stored ones included.",
    ),
    _api(
        "counter",
        "publish_uncertain_total",
        "publish_uncertain",
        "Publishes whose outcome is unknown because Redis did not answer.",
    ),
    _api("gauge", "keys", "api_keys", "API keys in force."),
    _api(
        "gauge",
        "keys_current",
        "api_keys_current",
        "1 while the API keys in force are those of the file; 0 when it cannot be used.",
    ),
    _api(
        "counter",
        "key_rate_limited_total",
        "key_rate_limited",
        "Refusals by an API key's rate limit.",
    ),
    _api("gauge", "streams", "streams", "Open event streams."),
    _api("counter", "streams_ended_total", "streams_ended", "Event streams that ended.", "reason"),
    _api("gauge", "stream_rooms", "stream_rooms", "Rooms that are subscribed to for streams."),
    _api(
        "counter", "stream_messages_total", "stream_messages", "Messages handed to event streams."
    ),
    _api(
        "counter",
        "gaps_filled_total",
        "gaps_filled",
        "Holes in a room's order that were read from history.",
    ),
    _api(
        "counter",
        "gaps_announced_total",
        "gaps_announced",
        "`gap` events to live streams: messages that are gone.",
    ),
    # files
    _api(
        "counter",
        "uploads_total",
        "uploads",
        "Uploads by what became of them: `stored`, or the code of the refusal.",
        "result",
    ),
    _api("gauge", "uploads_in_flight", "uploads_in_flight", "Files that are being received."),
    _api("counter", "upload_bytes_total", "upload_bytes", "Bytes of stored files."),
    _api(
        "counter",
        "files_removed_total",
        "files_removed",
        "Files removed: of deleted messages, never attached, or too old.",
    ),
    _api(
        "counter",
        "storage_errors_total",
        "storage_errors",
        "Times the place where files are kept failed.",
    ),
    _api("gauge", "pubsub_deaf", "pubsub_deaf", "1 while the process does not hear its own probe."),
    # what messages are held against, and reports of them
    _api(
        "counter",
        "publish_hook_answers_total",
        "publish_hook_answers",
        "As chat_publish_hook_answers_total.",
        "outcome",
    ),
    _api(
        "gauge", "publish_hook_open", "publish_hook_open", "1 while the hook is taken to be away."
    ),
    _api(
        "counter",
        "word_filter_hits_total",
        "word_filter_hits",
        "Texts that the word filter blocked or masked.",
        "action",
    ),
    _api(
        "gauge",
        "word_filter_stale",
        "word_filter_stale",
        "1 while the file of words cannot be used, and those read before are in force.",
    ),
    _api(
        "gauge",
        "reports_open",
        "reports_open",
        "Reported messages that nobody has resolved, as of at most a minute ago.",
    ),
    _api(
        "counter",
        "messages_reported_total",
        "messages_reported",
        "Messages that were reported over HTTP.",
    ),
    # conversations
    _api(
        "counter",
        "roster_changes_total",
        "roster_changes",
        "As chat_roster_changes_total: rosters made or changed over HTTP.",
        "change",
    ),
    _api(
        "counter",
        "roster_changes_raced_total",
        "roster_changes_raced",
        "As chat_roster_changes_raced_total.",
    ),
    _api(
        "counter",
        "listings_repaired_total",
        "listings_repaired",
        "As chat_listings_repaired_total.",
    ),
)


def _hook(kind: Kind, name: str, field: str, text: str, label: str | None = None) -> Family:
    return Family(f"chat_hooks_{name}", kind, field, text, label, "hooks")


#: What `chat hooks` exports; `status` is that of HTTP, or `timeout`, `unreachable`.
HOOK_FAMILIES: tuple[Family, ...] = (
    _hook(
        "counter",
        "attempts_total",
        "attempts",
        "Deliveries tried, by what came of them.",
        "endpoint,status",
    ),
    _hook(
        "histogram", "post_seconds", "seconds", "From a POST to the end of its answer.", "endpoint"
    ),
    _hook(
        "counter",
        "events_delivered_total",
        "events_delivered",
        "Events that the endpoint has taken.",
        "endpoint",
    ),
    _hook(
        "counter",
        "events_refused_total",
        "events_refused",
        "Events passed over because the endpoint refuses them again and again.",
        "endpoint",
    ),
    _hook(
        "counter",
        "gaps_total",
        "gaps",
        "`gap` events taken: events that were gone before the endpoint could be told.",
        "endpoint",
    ),
    _hook("gauge", "rooms_due", "rooms_due", "Rooms with events not delivered yet.", "endpoint"),
    _hook(
        "gauge",
        "events_due",
        "events_due",
        "Events of those rooms that are not delivered, as of the last look at each.",
        "endpoint",
    ),
    _hook(
        "gauge",
        "oldest_seconds",
        "oldest_s",
        "Age of the oldest event that is not delivered.",
        "endpoint",
    ),
    _hook(
        "gauge",
        "circuit_open",
        "is_open",
        "1 while the endpoint fails and is tried by one delivery at a time.",
        "endpoint",
    ),
    _hook("gauge", "groups", "groups", "Groups of rooms, of sixteen, that this process serves."),
    _hook("gauge", "ready", "ready", "1 while ready."),
    _hook("gauge", "redis_up", "redis_up", "1 while the command connection works."),
    _hook("counter", "redis_errors_total", "redis_errors", "Redis commands that failed."),
    _hook("gauge", "resident_memory_bytes", "rss", "Resident memory of the process."),
)
