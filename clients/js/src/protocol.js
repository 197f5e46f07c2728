/**
 * The wire protocol's names as types (docs/protocol.md). Nothing here runs.
 *
 * Times are milliseconds since the Unix epoch, unless the name ends in `Ms`: a duration.
 */

/** @typedef {{epoch: string, seq: number}} Position a place in a room's order */
/** @typedef {{name?: string, [field: string]: unknown}} UserInfo what a token says of its user */
/** @typedef {"online" | "away" | "busy" | "offline"} PresenceState */
/** @typedef {{userId: string, user?: UserInfo, state?: PresenceState, status?: string}} Member */
/** @typedef {{seq: number, messageId: string}} MessageReference */
/** @typedef {Record<string, string[]>} Reactions user ids by reaction */

/**
 * @typedef {object} InOrder what every event in a room's order carries
 * @property {string} roomId
 * @property {string} epoch
 * @property {number} seq
 * @property {number} timestamp
 * @property {string} userId who caused it
 * @property {UserInfo} [user]
 * @property {string} [clientMessageId]
 */

/**
 * @typedef {object} Attachment a file that comes with a message
 * @property {string} id
 * @property {string} name
 * @property {string} contentType
 * @property {number} size
 * @property {string} url from the root of the server's HTTP side
 * @property {number} [width] of a picture, in pixels
 * @property {number} [height]
 */

/**
 * @typedef {object} MessageFields
 * @property {"chat_message"} type
 * @property {string} messageId
 * @property {string} content
 * @property {MessageReference} [replyTo]
 * @property {string} [threadId] messageId of the thread's root
 * @property {string[]} [mentions] user ids
 * @property {Attachment[]} [attachments]
 * @property {number} [version] `seq` of the last change that is folded in
 * @property {number} [editedAt]
 * @property {number} [editedSeq]
 * @property {boolean} [deleted]
 * @property {string} [deletedBy]
 * @property {Reactions} [reactions]
 */

/** @typedef {InOrder & MessageFields} ChatMessage */
/** @typedef {InOrder & {messageSeq: number, messageId: string}} Change */
/** @typedef {Change & {type: "message_edited", content?: string, mentions?: string[]}} MessageEdited */
/** @typedef {Change & {type: "message_deleted"}} MessageDeleted */
/** @typedef {Change & {type: "reaction_added", reaction: string}} ReactionAdded */
/** @typedef {Change & {type: "reaction_removed", reaction: string}} ReactionRemoved */
/** @typedef {MessageEdited | MessageDeleted | ReactionAdded | ReactionRemoved} MessageChange */

/**
 * @typedef {object} RoomAbout what is set of a room; for the rest the server's settings hold
 * @property {string} [title]
 * @property {string} [topic]
 * @property {number} [slowModeMs] between two messages of a user
 * @property {number} [historySize] so many events are kept
 * @property {number} [historyMs] and for so long
 * @property {boolean} [readOnly] only moderators write
 * @property {boolean} [large] nobody is told who comes and goes
 */

/** @typedef {"member" | "moderator" | "owner"} Role */
/** @typedef {{userId: string, role: Role | null, invited?: boolean}} Seat role null: out of it */
/** @typedef {{userId: string, role: Role, invited?: boolean, since: number}} Participant */

/**
 * @typedef {object} OwnRoom a private or direct room of one's own
 * @property {string} roomId
 * @property {Role} role
 * @property {boolean} [invited] one has not answered yet
 * @property {string} [title]
 * @property {string[]} [userIds] of a direct room
 */

/** @typedef {Omit<OwnRoom, "role"> & {role: Role | null, by?: string}} Membership role null: one is out of it */
/** @typedef {InOrder & {type: "room_changed", room: RoomAbout, messageId?: undefined}} RoomChanged */
/** @typedef {InOrder & {type: "participant_changed", participant: Seat, messageId?: undefined}} ParticipantChanged */
/** @typedef {Omit<InOrder, "userId"> & {type: "membership_changed", membership: Membership, userId?: undefined, messageId?: undefined}} MembershipChanged in the inbox */

/**
 * An event with a place in the room's order. Newer servers have types besides these.
 *
 * @typedef {ChatMessage | MessageChange | RoomChanged | ParticipantChanged | MembershipChanged} RoomEvent
 */

/** @typedef {string | number} CommandId */

/**
 * @typedef {object} Connected
 * @property {"connected"} type
 * @property {string} connectionId
 * @property {string} userId
 * @property {number} expiresAt
 * @property {number} pingIntervalMs
 * @property {number} maxMessageBytes
 * @property {string} [inbox] one's own room, in which only the server speaks
 * @property {CommandId} [id]
 * @property {undefined} [roomId]
 */

/**
 * @typedef {object} Ack
 * @property {"ack"} type
 * @property {string} [roomId]
 * @property {string} [epoch]
 * @property {number} [seq]
 * @property {string} [messageId]
 * @property {string} [clientMessageId]
 * @property {number} [timestamp]
 * @property {boolean} [duplicate]
 * @property {CommandId} [id]
 */

/**
 * @typedef {object} Refusal
 * @property {"error"} type
 * @property {ErrorCode} code
 * @property {string} message a sentence for a person
 * @property {string} [roomId]
 * @property {number} [retryAfterMs]
 * @property {boolean} [uncertain] it may have taken effect all the same
 * @property {CommandId} [id]
 */

/**
 * @typedef {object} RoomJoined
 * @property {"room_joined"} type
 * @property {string} roomId
 * @property {number} memberCount
 * @property {string} epoch
 * @property {number} seq
 * @property {boolean} [recovered]
 * @property {number} [readSeq] up to where one has read
 * @property {number} [deliveredSeq] up to where one's devices have got everything
 * @property {number} [unread]
 * @property {Role} [role] in a private or direct room
 * @property {RoomAbout} [room] where anything is set
 * @property {CommandId} [id]
 */

/**
 * @typedef {object} Gap
 * @property {"gap"} type
 * @property {string} roomId
 * @property {"trimmed" | "reset"} reason
 * @property {string} epoch
 * @property {number} fromSeq
 * @property {number} toSeq
 * @property {string} [previousEpoch]
 * @property {CommandId} [id]
 */

/**
 * @typedef {object} HistoryPage
 * @property {"history"} type
 * @property {string} roomId
 * @property {string} epoch
 * @property {number} headSeq
 * @property {number} fromSeq the first place that the page covers
 * @property {number} toSeq
 * @property {ChatMessage[]} messages rising in `seq`
 * @property {boolean} more
 * @property {CommandId} [id]
 */

/**
 * @typedef {object} PresencePage
 * @property {"presence"} type
 * @property {string} roomId
 * @property {number} memberCount
 * @property {Member[]} members
 * @property {string} [cursor]
 * @property {CommandId} [id]
 */

/** @typedef {{type: "room_created", roomId: string, role: Role, room?: RoomAbout, duplicate?: boolean, id?: CommandId}} RoomCreated */
/** @typedef {{type: "participants", roomId: string, participants: Participant[], cursor?: string, id?: CommandId}} ParticipantsPage */
/** @typedef {{type: "rooms", rooms: OwnRoom[], cursor?: string, roomId?: undefined, id?: CommandId}} RoomsPage */
/** @typedef {{userId: string, state: PresenceState, status?: string, lastSeen?: number}} UserPresence */
/** @typedef {{type: "users", roomId: string, users: UserPresence[], id?: CommandId}} UsersPresence */
/** @typedef {{type: "presence_changed", roomId: string, userId: string, state: PresenceState, status?: string, id?: CommandId}} PresenceChanged */
/** @typedef {{type: "room_left", roomId: string, reason?: string, message?: string, retryAfterMs?: number, id?: CommandId}} RoomLeft */
/** @typedef {{type: "user_joined", roomId: string, memberCount: number, id?: CommandId} & Member} UserJoined */
/** @typedef {{type: "user_left", roomId: string, userId: string, memberCount: number, id?: CommandId}} UserLeft */
/** @typedef {{type: "member_count", roomId: string, memberCount: number, id?: CommandId}} MemberCount */
/** @typedef {{type: "typing", roomId: string, userId: string, isTyping: boolean, expiresInMs?: number, id?: CommandId}} Typing */
/** @typedef {{type: "read_marker", roomId: string, userId: string, epoch: string, readSeq: number, id?: CommandId}} ReadMarker */
/** @typedef {{type: "delivered_marker", roomId: string, userId: string, epoch: string, deliveredSeq: number, id?: CommandId}} DeliveredMarker */
/** @typedef {{roomId: string, headSeq: number, unread: number, epoch?: string, readSeq?: number}} RoomUnread */
/** @typedef {{type: "unread", rooms: RoomUnread[], roomId?: undefined, id?: CommandId}} UnreadCounts */
/** @typedef {{type: "drain", closesInMs: number, reconnectAfterMs: number, roomId?: undefined, id?: CommandId}} Drain */
/** @typedef {{type: "token_expiring", expiresAt: number, expiresInMs: number, roomId?: undefined, id?: CommandId}} TokenExpiring */
/** @typedef {{type: "token_refreshed", expiresAt: number, roomId?: undefined, id?: CommandId}} TokenRefreshed */
/** @typedef {{type: "pong", timestamp: number, roomId?: undefined, id?: CommandId}} Pong */

/**
 * @typedef {(RoomEvent & {id?: CommandId}) | Connected | Ack | Refusal | RoomJoined | RoomLeft | Gap
 *   | HistoryPage | PresencePage | UserJoined | UserLeft | MemberCount | Typing | ReadMarker
 *   | DeliveredMarker | PresenceChanged | UsersPresence | RoomCreated | ParticipantsPage | RoomsPage
 *   | UnreadCounts | Drain
 *   | TokenExpiring | TokenRefreshed | Pong} ServerEvent
 */

/** @typedef {{type: string, [field: string]: unknown}} Command without `id`, which the client adds */

/**
 * @typedef {"malformed_json" | "too_deep" | "invalid_message" | "unknown_type"
 *   | "binary_unsupported" | "invalid_room" | "content_too_long" | "not_authenticated"
 *   | "already_authenticated" | "invalid_token" | "forbidden" | "not_joined" | "too_many_rooms"
 *   | "epoch_changed" | "rate_limited" | "slow_mode" | "busy" | "unavailable" | "not_replicated"
 *   | "internal" | "message_gone" | "too_late" | "not_author" | "too_many_reactions" | "banned"
 *   | "muted" | "room_exists" | "last_owner" | "too_many_participants" | "read_only"
 *   | "content_refused" | "not_enabled" | "no_such_file"} ErrorCode
 */

export {};
