/** What is shown before the server has confirmed it: pure. */

import { folded, isChange } from "./fold.js";

/** @typedef {import("./entries.js").Entry} Entry */
/** @typedef {import("./outbox.js").OutboxItem} OutboxItem */

/** @type {Record<string, string>} */
const EVENT_OF = {
  edit_message: "message_edited",
  delete_message: "message_deleted",
  add_reaction: "reaction_added",
  remove_reaction: "reaction_removed",
};

/** @param {OutboxItem} item */
export function isUnsentMessage(item) {
  return item.command.type === "chat_message";
}

/** @param {OutboxItem} item  @returns {boolean} whether it is a message or a change of one */
export function isAboutMessage(item) {
  return isUnsentMessage(item) || item.command.type in EVENT_OF;
}

/**
 * Entries as they will be once the changes that are on their way have arrived.
 *
 * @param {Entry[]} entries
 * @param {OutboxItem[]} items
 * @param {string | null} selfId
 * @returns {Entry[]} the same list where there is nothing on its way
 */
export function withPending(entries, items, selfId) {
  const changes = items
    .filter(({ state, command }) => state !== "failed" && command.type in EVENT_OF)
    .map(({ command, createdAt }) => ({
      ...command, type: EVENT_OF[command.type], userId: selfId, timestamp: createdAt,
      seq: Number.MAX_SAFE_INTEGER, // after all that is known
    }));
  if (changes.length === 0) return entries;
  return entries.map((entry) => {
    if (entry.kind !== "message") return entry;
    let seen = entry;
    for (const change of changes) {
      if (!isChange(change) || change.messageId !== entry.messageId) continue;
      seen = { ...folded(seen, change), version: entry.version };
    }
    return seen;
  });
}
