/** What a room's timeline is made of: messages, and the places where some are missing. */

/**
 * @typedef {object} MessageEntry
 * @property {"message"} kind
 * @property {number} segment
 * @property {number} seq
 * @property {string} messageId
 * @property {string} [clientMessageId]
 * @property {string} userId
 * @property {string} name
 * @property {number} timestamp
 * @property {string} content "" once deleted
 * @property {import("./protocol.js").MessageReference} [replyTo]
 * @property {string} [threadId]
 * @property {string[]} [mentions]
 * @property {import("./protocol.js").Attachment[]} [attachments]
 * @property {number} [version] `seq` of the last change that is folded in
 * @property {number} [editedAt]
 * @property {number} [editedSeq]
 * @property {boolean} [deleted]
 * @property {string} [deletedBy]
 * @property {import("./protocol.js").Reactions} [reactions]
 * @property {boolean} lost the server has it no more: it exists here only
 */

/**
 * @typedef {object} GapEntry
 * @property {"gap"} kind
 * @property {number} segment
 * @property {number} seq
 * @property {"trimmed" | "reset"} reason
 * @property {number} fromSeq
 * @property {number} toSeq
 * @property {number} [lost] messages above that the server lost
 */

/** @typedef {MessageEntry | GapEntry} Entry */

/**
 * @param {Entry} entry
 * @returns {entry is MessageEntry}
 */
export function isMessage(entry) {
  return entry.kind === "message";
}

/**
 * @param {Entry} left
 * @param {Entry} right
 */
export function comesAfter(left, right) {
  if (left.segment !== right.segment) return left.segment > right.segment;
  return left.seq > right.seq;
}

/**
 * @param {number} segment
 * @param {import("./protocol.js").ChatMessage} message
 * @returns {MessageEntry}
 */
export function messageEntry(segment, message) {
  const { seq, messageId, clientMessageId, userId, user, timestamp, content } = message;
  const { replyTo, threadId, mentions, attachments, reactions } = message;
  const { version, editedAt, editedSeq, deleted, deletedBy } = message;
  return {
    kind: "message", segment, seq, messageId, clientMessageId,
    userId, name: user?.name ?? userId, timestamp, content,
    replyTo, threadId, mentions, attachments, reactions, version, editedAt, editedSeq, deleted, deletedBy,
    lost: false,
  };
}

/**
 * @param {number} segment
 * @param {GapEntry["reason"]} reason
 * @param {number} fromSeq
 * @param {number} toSeq
 * @returns {GapEntry}
 */
export function gapEntry(segment, reason, fromSeq, toSeq) {
  return { kind: "gap", segment, seq: fromSeq, reason, fromSeq, toSeq };
}
