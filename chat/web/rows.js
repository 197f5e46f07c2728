/** From entries and unsent messages to the rows of a stream: pure, no DOM. */

import { gapRow, startRow } from "./gaps.js";
import { relative } from "./text.js";
import { summaries, threadOf } from "./threads.js";

const GROUP_MS = 5 * 60_000;

/**
 * @typedef {object} Scene what is to be shown
 * @property {object[]} entries
 * @property {object[]} items of the outbox
 * @property {string} selfId
 * @property {boolean} complete history has nothing before the first entry
 * @property {number} startSeq the first place of the room that history has, where it is complete
 * @property {boolean} ready messages are being sent
 * @property {(userId: string) => string} nameOf
 * @property {number} [now] in ms
 * @property {number | null} [newFrom] seq of the first message that was unread when one came
 */

/**
 * The conversation: replies in threads stand in one line each, where they were said.
 *
 * @param {Scene} scene
 * @returns {object[]} rows with a stable `key`: day, line, notice, note or message
 */
export function buildRows(scene) {
  const { entries, items, complete, startSeq } = scene;
  const start = complete ? startRow(entries, startSeq) : null;
  const unsent = items.filter(({ command }) => command.threadId === undefined);
  return [...(start === null ? [] : [start]), ...rowsOf(entries, unsent, scene, true)];
}

/**
 * One thread: its root and its replies.
 *
 * @param {Scene} scene  @param {string} rootId
 */
export function threadRows(scene, rootId) {
  const inside = ({ kind, messageId, threadId }) =>
    kind === "message" && (messageId === rootId || threadId === rootId);
  const unsent = scene.items.filter(({ command }) => command.threadId === rootId);
  const rows = rowsOf(scene.entries.filter(inside), unsent, { ...scene, newFrom: null }, false);
  return rows.map((row) => ({ ...row, thread: null }));
}

function rowsOf(entries, unsent, scene, folds) {
  const { selfId, ready, newFrom = null } = scene;
  const context = {
    ...scene,
    messages: new Map(scene.entries.map((entry) => [entry.messageId, entry])),
    threads: summaries(scene.entries),
  };
  const rows = [];
  let previous = null; // the message row above, as long as the next one may join it
  let shownDay = null;
  let lined = newFrom === null;
  for (const entry of [...entries, ...unsent.map((item) => unsentMessage(item, selfId, ready))]) {
    if (entry.kind !== "message") {
      rows.push(gapRow(entry));
      previous = null;
      continue;
    }
    const day = new Date(entry.timestamp).toDateString();
    if (day !== shownDay) {
      rows.push({ kind: "day", key: `day-${day}-${entry.messageId}`, timestamp: entry.timestamp });
      previous = null;
    }
    shownDay = day;
    if (!lined && entry.seq >= newFrom) {
      lined = true;
      rows.push({ kind: "line", key: "line" });
      previous = null;
    }
    const threadId = folds ? threadOf(entry) : null;
    if (threadId !== null) {
      addNote(rows, entry, threadId, context);
      previous = null;
      continue;
    }
    const row = messageRow(entry, previous, context);
    if (!row.first) previous.last = false;
    rows.push(row);
    previous = row;
  }
  return rows;
}

/** A reply in a thread: none right under its root, which tells of it; one line for several. */
function addNote(rows, entry, threadId, { messages, selfId }) {
  const { messageId, seq, deleted, timestamp } = entry;
  const name = entry.userId === selfId ? "You" : entry.name;
  const above = rows.at(-1);
  if (deleted || above?.messageId === threadId) return;
  if (above?.kind === "note" && above.threadId === threadId) {
    above.count += 1;
    if (!above.names.includes(name)) above.names.push(name);
    return;
  }
  const root = messages.get(threadId);
  rows.push({
    kind: "note", key: `note-${messageId}`, threadId, seq, count: 1, names: [name], timestamp,
    excerpt: root === undefined ? null : excerptOf(root),
  });
}

function messageRow(entry, previous, context) {
  const { selfId, threads } = context;
  const own = entry.userId === selfId;
  const id = own ? entry.clientMessageId ?? entry.messageId : entry.messageId;
  const { userId, name, content, timestamp, state = "delivered", reason = null } = entry;
  const { clientMessageId, messageId, seq, threadId, mentions = [] } = entry;
  const { deleted = false, lost = false, editedAt } = entry;
  const joins = previous?.userId === userId && timestamp - previous.timestamp < GROUP_MS;
  return {
    kind: "message", key: `message-${id}`, clientMessageId, messageId, seq, threadId, userId, name,
    content, timestamp, own, state, reason, first: !joins, last: true,
    attachments: deleted ? [] : entry.attachments ?? [],
    deleted, edited: editedAt !== undefined,
    canAct: state === "delivered" && !deleted && !lost,
    meant: mentions.map((each) => meantBy(each, context)),
    quote: quoteOf(entry, context),
    reactions: reactionsOf(entry, context),
    thread: threadUnder(threads.get(messageId), context),
  };
}

function threadUnder(summary, { now = Date.now() }) {
  return summary === undefined ? null : { ...summary, ago: relative(summary.lastAt, now) };
}

/** Somebody who is mentioned, by all names that the text may have for them. */
export function meantBy(userId, { nameOf, selfId }) {
  return { userId, labels: [...new Set([nameOf(userId), userId])], self: userId === selfId };
}

/** What a reply answers: its messageId is null where that is not here to be shown. */
function quoteOf({ replyTo, deleted }, { messages }) {
  if (replyTo === undefined || deleted) return null;
  const answered = messages.get(replyTo.messageId);
  if (answered === undefined) return { messageId: null, name: "", content: "An earlier message" };
  const { messageId, name } = answered;
  return { messageId, name, content: excerptOf(answered) };
}

/** What a message says, in words. @returns {string} */
export function excerptOf({ deleted, content, attachments: [file] = [] }) {
  if (deleted) return "A deleted message";
  return content === "" && file !== undefined ? file.name : content;
}

function reactionsOf({ reactions = {} }, { selfId, nameOf }) {
  return Object.entries(reactions).map(([reaction, users]) => ({
    reaction, count: users.length, own: users.includes(selfId),
    names: users.map((userId) => (userId === selfId ? "you" : nameOf(userId))).join(", "),
  }));
}

function unsentMessage(item, selfId, ready) {
  const { clientMessageId, createdAt, timestamp = createdAt, reason } = item;
  const { content, replyTo, threadId, mentions, attachments } = item.command;
  // Its turn comes in a moment: to call that "waiting" would only flicker.
  const soon = item.state === "queued" && ready && item.attempt === 0;
  const state = soon ? "sending" : item.state;
  return {
    kind: "message", messageId: clientMessageId, userId: selfId, name: selfId, clientMessageId,
    content, replyTo, threadId, mentions, attachments, timestamp, state, reason,
  };
}
