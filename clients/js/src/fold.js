/**
 * What edits, deletions and reactions make of a message: pure, the same rules as the server's
 * (docs/protocol.md, "Keeping a message up to date").
 *
 * A message knows as `version` the last change that is folded into it, so that whoever has it out
 * of history, ahead of the live stream, may be told the same changes once more.
 */

/** @typedef {import("./protocol.js").MessageChange} MessageChange */
/** @typedef {import("./protocol.js").Reactions} Reactions */

/**
 * @typedef {object} Foldable
 * @property {number} seq
 * @property {string} content
 * @property {string[]} [mentions]
 * @property {import("./protocol.js").Attachment[]} [attachments]
 * @property {number} [version]
 * @property {number} [editedAt]
 * @property {number} [editedSeq]
 * @property {boolean} [deleted]
 * @property {string} [deletedBy]
 * @property {Reactions} [reactions]
 */

const CHANGES = new Set([
  "message_edited", "message_deleted", "reaction_added", "reaction_removed",
]);

/**
 * @param {{type: string}} event
 * @returns {event is MessageChange}
 */
export function isChange(event) {
  return CHANGES.has(event.type);
}

/**
 * @template {Foldable} M
 * @param {M} message
 * @param {MessageChange} change about this message
 * @returns {M} a new message where something changed, else the same
 */
export function folded(message, change) {
  if (message.deleted || change.seq <= (message.version ?? message.seq)) return message;
  const changed = applied(message, change);
  return changed === null ? message : { ...message, ...changed, version: change.seq };
}

/**
 * @param {Foldable} message
 * @param {MessageChange} change
 * @returns {Partial<Foldable> | null} what is different then
 */
function applied(message, change) {
  switch (change.type) {
    case "message_edited": {
      const { content, mentions, timestamp, seq } = change;
      if (content === undefined) return null; // a later change has overtaken it, and follows
      return { content, mentions, editedAt: timestamp, editedSeq: seq };
    }
    case "message_deleted":
      return { ...GONE, content: "", deleted: true, deletedBy: change.userId };
    case "reaction_added":
    case "reaction_removed":
      return reacted(message.reactions ?? {}, change);
    default:
      return null;
  }
}

const GONE = {
  mentions: undefined, attachments: undefined, reactions: undefined, editedAt: undefined,
  editedSeq: undefined,
};

/**
 * @param {Reactions} reactions
 * @param {{type: string, reaction: string, userId: string}} change
 * @returns {{reactions: Reactions | undefined} | null}
 */
function reacted(reactions, { type, reaction, userId }) {
  const users = reactions[reaction] ?? [];
  const there = users.includes(userId);
  if (there === (type === "reaction_added")) return null;
  const left = there ? users.filter((user) => user !== userId) : [...users, userId];
  const changed = { ...reactions, [reaction]: left };
  if (left.length === 0) delete changed[reaction];
  return { reactions: Object.keys(changed).length === 0 ? undefined : changed };
}
