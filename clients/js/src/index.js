/** What the package offers. */

export { ChatClient } from "./client.js";
export {
  ChatError, Closed, CommandError, ConnectionLost, NotSent, QueueFull, RoomLost, TokenNeeded,
} from "./errors.js";
export { folded } from "./fold.js";
export { Room } from "./room.js";
export { UploadRefused } from "./uploads.js";
export { Thread } from "./thread.js";

/** @typedef {import("./client.js").ClientOptions} ClientOptions */
/** @typedef {import("./connection.js").ConnectionState} ConnectionState */
/** @typedef {import("./connection.js").TokenReason} TokenReason */
/** @typedef {import("./entries.js").Entry} Entry */
/** @typedef {import("./entries.js").GapEntry} GapEntry */
/** @typedef {import("./entries.js").MessageEntry} MessageEntry */
/** @typedef {import("./outbox.js").OutboxItem} OutboxItem */
/** @typedef {import("./protocol.js").Attachment} Attachment */
/** @typedef {import("./protocol.js").ChatMessage} ChatMessage */
/** @typedef {import("./protocol.js").ErrorCode} ErrorCode */
/** @typedef {import("./protocol.js").Gap} Gap */
/** @typedef {import("./protocol.js").Membership} Membership */
/** @typedef {import("./protocol.js").MembershipChanged} MembershipChanged */
/** @typedef {import("./protocol.js").MessageReference} MessageReference */
/** @typedef {import("./protocol.js").OwnRoom} OwnRoom */
/** @typedef {import("./protocol.js").Participant} Participant */
/** @typedef {import("./protocol.js").PresenceState} PresenceState */
/** @typedef {import("./protocol.js").Role} Role */
/** @typedef {import("./protocol.js").RoomAbout} RoomAbout */
/** @typedef {import("./protocol.js").RoomEvent} RoomEvent */
/** @typedef {import("./protocol.js").ServerEvent} ServerEvent */
/** @typedef {import("./protocol.js").UserPresence} UserPresence */
/** @typedef {import("./commands.js").RoomChange} RoomChange */
/** @typedef {import("./room.js").RoomOptions} RoomOptions */
/** @typedef {import("./queue.js").Sending} Sending */
/** @typedef {import("./uploads.js").UploadOptions} UploadOptions */
/** @typedef {import("./uploads.js").UploadRules} UploadRules */
