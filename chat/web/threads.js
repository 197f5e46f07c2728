/** Which of a room's messages belong to which thread: pure. */

const FACES = 3;

/** @returns {string | null} messageId of the thread that a message is a reply in */
export function threadOf({ kind, threadId, messageId }) {
  return kind === "message" && threadId !== undefined && threadId !== messageId ? threadId : null;
}

/**
 * @param {object[]} entries in order
 * @returns {Map<string, {count: number, lastAt: number, people: {userId: string, name: string}[]}>}
 *   by the messageId of the root; deleted replies do not count
 */
export function summaries(entries) {
  const found = new Map();
  for (const entry of entries) {
    const threadId = threadOf(entry);
    if (threadId === null || entry.deleted) continue;
    const { userId, name, timestamp } = entry;
    const summary = found.get(threadId) ?? { count: 0, lastAt: 0, people: [] };
    summary.count += 1;
    summary.lastAt = timestamp;
    const known = summary.people.some((each) => each.userId === userId);
    if (!known && summary.people.length < FACES) summary.people.push({ userId, name });
    found.set(threadId, summary);
  }
  return found;
}
