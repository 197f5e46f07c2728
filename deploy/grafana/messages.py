"""The way of a message through the workers, a row for each step of it."""

from deploy.grafana.panels import BAD_AT_ONE, Dashboard, Panel, quantiles, rate, recent, stat

_CONNECT = [
    Panel(
        "Handshakes that came to nothing",
        "Broken off: clients or networks. Refused: the reasons are in the overview.",
        "cps",
        [
            ("broken off", rate("chat_handshakes_failed_total")),
            ("refused", rate("chat_connections_refused_total")),
        ],
    ),
    Panel(
        "Tokens",
        "Ended: clients that do not refresh. Refused (4001) by the thousand: ChatTokensRefused.",
        "cps",
        [
            ("refreshed", rate("chat_token_refreshes_total")),
            ("ended", rate("chat_tokens_expired_total")),
            ("refused", rate("chat_closes_total", where='{code="4001"}')),
            ("revoked", rate("chat_closes_total", where='{code="4002"}')),
        ],
    ),
    Panel(
        "Users that a worker forgot the limits of",
        "Above 0 it sees too many users at a time, and limits per user are loose: more workers.",
        "short",
        [("in five minutes", recent("chat_budgets_forgotten_total"))],
    ),
]
_COMMAND = [
    Panel(
        "Commands, by type",
        "One type that leaps up is a client that repeats itself.",
        "cps",
        [("{{type}}", rate("chat_commands_total", "type"))],
    ),
    Panel(
        "Refused for the rules of a room",
        "Read-only, slow mode, bans and mutes: people who try again and again.",
        "cps",
        [
            (
                "{{code}}",
                rate(
                    "chat_errors_total",
                    "code",
                    '{code=~"read_only|slow_mode|banned|muted|forbidden|content_refused"}',
                ),
            )
        ],
    ),
    Panel(
        "Refused through no fault of the client",
        "Not 0 for minutes: ChatPublishesFail. `internal` is a fault of ours: ChatInternalErrors.",
        "cps",
        [
            (
                "{{code}}",
                rate(
                    "chat_errors_total",
                    "code",
                    '{code=~"unavailable|busy|internal|not_replicated|bad_record"}',
                ),
            )
        ],
    ),
]
_SCREEN = [
    stat(
        "Hook away",
        "Processes that get no answer and spare it: ChatPublishHookAway.",
        "short",
        "count(chat_publish_hook_open == 1 or chat_api_publish_hook_open == 1) or vector(0)",
        *BAD_AT_ONE,
    ),
    stat(
        "Old words",
        "Processes whose file of words cannot be used: ChatWordFilterNotRead.",
        "short",
        "count(chat_word_filter_stale == 1 or chat_api_word_filter_stale == 1) or vector(0)",
        *BAD_AT_ONE,
    ),
    stat(
        "Words in force",
        "Least of all workers: 0 where there should be some is no filter.",
        "short",
        "min(chat_word_filter_rules)",
    ),
    stat(
        "Waiting for the hook",
        "Rises when it is slower than what is said.",
        "short",
        "sum(chat_publish_hook_waiting)",
    ),
    Panel(
        "Verdicts of the hook",
        "Away and busy: refused as unavailable, or let through unchecked, as the setting says.",
        "cps",
        [
            ("{{outcome}}", rate("chat_publish_hook_answers_total", "outcome")),
            ("HTTP {{outcome}}", rate("chat_api_publish_hook_answers_total", "outcome")),
        ],
    ),
    Panel(
        "Time of the hook",
        "Each message to its rooms takes that much longer.",
        "s",
        quantiles("chat_publish_hook_seconds"),
    ),
    Panel(
        "Hits of the word filter",
        "Blocked leaps up: spam, or a new pattern that matches too much.",
        "cps",
        [
            ("{{action}}", rate("chat_word_filter_hits_total", "action")),
            ("HTTP {{action}}", rate("chat_api_word_filter_hits_total", "action")),
        ],
    ),
]
_STORE = [
    Panel(
        "Stored",
        "What people write. HTTP is what back ends write.",
        "mps",
        [
            ("messages", rate("chat_published_messages_total")),
            ("changes of messages", rate("chat_changed_messages_total")),
            ("changes of rooms", rate("chat_changed_rooms_total")),
            ("messages over HTTP", rate("chat_api_published_messages_total")),
        ],
    ),
    Panel(
        "In doubt, and made anew",
        "Uncertain: Redis did not answer. Raced: many change the same message or roster.",
        "cps",
        [
            ("uncertain", rate("chat_publish_uncertain_total")),
            ("uncertain over HTTP", rate("chat_api_publish_uncertain_total")),
            ("changes raced", rate("chat_changes_raced_total")),
            ("rosters raced", rate("chat_roster_changes_raced_total")),
        ],
    ),
    Panel(
        "Waiting for replicas",
        "With CHAT_REDIS_WAIT_REPLICAS only: what replicas add to an ack.",
        "s",
        quantiles("chat_replication_seconds"),
    ),
]
_ORDER = [
    Panel(
        "Holes in the order of rooms",
        "Filled from history: nothing is lost. Announced: ChatMessagesGone.",
        "short",
        [
            ("holes filled, in five minutes", recent("chat_gaps_filled_total")),
            ("messages read for them", recent("chat_gap_messages_filled_total")),
            ("announced as gone", recent("chat_gaps_announced_total")),
        ],
    ),
    Panel(
        "Found out late",
        "After trouble between a worker and Redis, and then it should be over.",
        "short",
        [
            ("comparisons with Redis, in five minutes", recent("chat_resyncs_total")),
            ("acts of moderators missed", recent("chat_acts_caught_up_total")),
            ("dead workers swept", recent("chat_presence_swept_workers_total")),
            ("lists of rooms repaired", recent("chat_listings_repaired_total")),
        ],
    ),
    Panel(
        "Rooms",
        "Each counts once for every worker that has members of it.",
        "short",
        [("rooms", "sum(chat_rooms)"), ("memberships", "sum(chat_memberships)")],
    ),
]
_TELL = [
    Panel(
        "Deliveries",
        "What costs workers most of their time.",
        "mps",
        [
            ("messages", rate("chat_deliveries_total")),
            ("typing", rate("chat_typing_events_total")),
            ("events left out for slow clients", rate("chat_ephemeral_dropped_total")),
            ("to event streams", rate("chat_api_stream_messages_total")),
        ],
    ),
    Panel(
        "Presence and states",
        "In grace: users whose connection broke, who are back or gone within seconds.",
        "short",
        [
            ("in grace", "sum(chat_presence_in_grace)"),
            ("users not plainly online", "sum(chat_user_states)"),
            ("states set, in five minutes", recent("chat_user_states_set_total")),
            ("rooms told of a state", recent("chat_user_states_told_total")),
        ],
    ),
    Panel(
        "Markers written",
        "Read and delivered markers, gathered before they go to Redis. Forgotten: more users "
        "in a room than CHAT_READ_MARKERS_PER_ROOM.",
        "cps",
        [
            ("read", rate("chat_read_markers_written_total")),
            ("delivered", rate("chat_delivered_markers_written_total")),
            ("read, forgotten", rate("chat_read_markers_forgotten_total")),
        ],
    ),
    Panel(
        "Markers waiting",
        "Rises without end: Redis does not take them. They are lost if the worker is killed.",
        "short",
        [
            ("read", "sum(chat_read_markers_waiting)"),
            ("delivered", "sum(chat_delivered_markers_waiting)"),
        ],
    ),
]
_PEOPLE = [
    Panel(
        "Private rooms and direct conversations",
        "Rosters made or changed, by what was done.",
        "cps",
        [("{{change}}", rate("chat_roster_changes_total", "change"))],
    ),
    Panel(
        "Acts of moderators",
        "Put out: connections that a kick, a ban or a roster took out of a room.",
        "short",
        [
            ("{{act}}, in five minutes", recent("chat_moderation_acts_total", "act")),
            ("put out", recent("chat_put_out_total")),
        ],
    ),
    Panel(
        "Reports",
        "Nobody resolves them for a day: ChatReportsWait.",
        "short",
        [
            ("made in five minutes", recent("chat_messages_reported_total")),
            ("open", "max(chat_api_reports_open)"),
        ],
    ),
    Panel(
        "Revocations in mind",
        "Acts on users and tokens that each worker holds against those who connect.",
        "short",
        [("most of a worker", "max(chat_revocations)")],
    ),
    Panel(
        "Connects and disconnects lost to webhooks",
        "Redis was away, and endpoints are not told of these: ChatHookNewsLost.",
        "short",
        [("in five minutes", recent("chat_hook_events_lost_total"))],
    ),
]

MESSAGES = Dashboard(
    "chat-messages",
    "Chat: the way of a message",
    [
        ("1. Somebody connects", _CONNECT),
        ("2. A command is read and judged", _COMMAND),
        ("3. What it says is judged", _SCREEN),
        ("4. It is stored", _STORE),
        ("5. It comes back in the order of its room", _ORDER),
        ("6. Members are told", _TELL),
        ("Who may be where", _PEOPLE),
    ],
)
