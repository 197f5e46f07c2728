/**
 * The wire protocol's names as types (docs/protocol.md). Nothing here runs.
 *
 * Times are milliseconds since the Unix epoch, unless the name ends in `Ms`: a duration.
 */

/** @typedef {{epoch: string, seq: number}} Position a place in a room's order */
/** @typedef {{name?: string, [field: string]: unknown}} UserInfo what a token says of its user */
/** @typedef {{userId: string, user?: UserInfo}} Member */
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
/** @typedef {ChatMessage | MessageChange} RoomEvent an event with a place in the room's order */

/** @typedef {string | number} CommandId */

/**
 * @typedef {object} Connected
 * @property {"connected"} type
 * @property {string} connectionId
 * @property {string} userId
 * @property {number} expiresAt
 * @property {number} pingIntervalMs
 * @property {number} maxMessageBytes
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
 * @property {number} [unread]
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

/** @typedef {{type: "room_left", roomId: string, reason?: string, message?: string, retryAfterMs?: number, id?: CommandId}} RoomLeft */
/** @typedef {{type: "user_joined", roomId: string, memberCount: number, id?: CommandId} & Member} UserJoined */
/** @typedef {{type: "user_left", roomId: string, userId: string, memberCount: number, id?: CommandId}} UserLeft */
/** @typedef {{type: "member_count", roomId: string, memberCount: number, id?: CommandId}} MemberCount */
/** @typedef {{type: "typing", roomId: string, userId: string, isTyping: boolean, expiresInMs?: number, id?: CommandId}} Typing */
/** @typedef {{type: "read_marker", roomId: string, userId: string, epoch: string, readSeq: number, id?: CommandId}} ReadMarker */
/** @typedef {{roomId: string, headSeq: number, unread: number, epoch?: string, readSeq?: number}} RoomUnread */
/** @typedef {{type: "unread", rooms: RoomUnread[], roomId?: undefined, id?: CommandId}} UnreadCounts */
/** @typedef {{type: "drain", closesInMs: number, reconnectAfterMs: number, roomId?: undefined, id?: CommandId}} Drain */
/** @typedef {{type: "token_expiring", expiresAt: number, expiresInMs: number, roomId?: undefined, id?: CommandId}} TokenExpiring */
/** @typedef {{type: "token_refreshed", expiresAt: number, roomId?: undefined, id?: CommandId}} TokenRefreshed */
/** @typedef {{type: "pong", timestamp: number, roomId?: undefined, id?: CommandId}} Pong */

/**
 * @typedef {(RoomEvent & {id?: CommandId}) | Connected | Ack | Refusal | RoomJoined | RoomLeft | Gap
 *   | HistoryPage | PresencePage | UserJoined | UserLeft | MemberCount | Typing | ReadMarker
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
 *   | "muted" | "no_such_file"} ErrorCode
 */

export {};
