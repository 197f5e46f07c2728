/** Where one is mentioned, among the messages that are loaded: pure. */

import { meantBy } from "./rows.js";

/** @param {object} entry  @param {string | null} selfId  @returns {boolean} by somebody else */
export function mentions({ kind, deleted, lost, mentions: ids, userId }, selfId) {
  return kind === "message" && !deleted && !lost && userId !== selfId && ids?.includes(selfId) === true;
}

/**
 * @param {{roomId: string, entries: object[], readSeq: number | null, nameOf: Function}[]} rooms
 * @param {string | null} selfId
 * @returns {{roomId: string, entry: object, unread: boolean, meant: object[]}[]} the newest first
 */
export function mentionsIn(rooms, selfId) {
  return rooms
    .flatMap(({ roomId, entries, readSeq, nameOf }) => entries
      .filter((entry) => mentions(entry, selfId))
      .map((entry) => ({
        roomId, entry, unread: entry.seq > (readSeq ?? 0),
        meant: entry.mentions.map((userId) => meantBy(userId, { nameOf, selfId })),
      })))
    .sort((one, other) => other.entry.timestamp - one.entry.timestamp);
}

/** @param {object[]} entries  @param {number | null} readSeq  @returns {number} unread ones */
export function unreadMentions(entries, readSeq, selfId) {
  let count = 0;
  for (let index = entries.length - 1; index >= 0; index -= 1) {
    if (entries[index].kind === "message" && entries[index].seq <= (readSeq ?? 0)) break;
    if (mentions(entries[index], selfId)) count += 1;
  }
  return count;
}
