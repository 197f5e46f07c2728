/** From entries and unsent messages to the rows of the stream: pure, no DOM. */

const GROUP_MS = 5 * 60_000;

/**
 * @param {{entries: object[], items: object[], selfId: string, complete: boolean, headSeq: number,
 *   ready: boolean, nameOf: (userId: string) => string}} state
 *   `complete`: history has nothing before the first entry; `headSeq`: the room's last seq;
 *   `ready`: messages are being sent
 * @returns {object[]} rows with a stable `key`: day, notice or message
 */
export function buildRows({ entries, items, selfId, complete, headSeq, ready, nameOf }) {
  const rows = complete ? startRows(entries, headSeq) : [];
  const unsent = items.map((item) => unsentMessage(item, selfId, ready));
  const messages = new Map(entries.map((entry) => [entry.messageId, entry]));
  let previous = null;
  let shownDay = null;
  for (const entry of [...entries, ...unsent]) {
    if (entry.kind !== "message") {
      rows.push({ kind: "notice", key: `gap-${entry.segment}-${entry.seq}`, text: gapText(entry) });
      previous = null;
      continue;
    }
    const day = new Date(entry.timestamp).toDateString();
    if (day !== shownDay) {
      const { messageId, timestamp } = entry;
      rows.push({ kind: "day", key: `day-${day}-${messageId}`, timestamp });
    }
    const row = messageRow(entry, selfId, day === shownDay ? previous : null);
    row.quote = quoteOf(entry, messages);
    row.reactions = reactionsOf(entry, selfId, nameOf);
    if (!row.first) previous.last = false;
    rows.push(row);
    shownDay = day;
    previous = row;
  }
  return rows;
}

function messageRow(entry, selfId, previous) {
  const own = entry.userId === selfId;
  const id = own ? entry.clientMessageId ?? entry.messageId : entry.messageId;
  const { userId, name, content, timestamp, state = "delivered", reason = null } = entry;
  const { clientMessageId, messageId, seq, deleted = false, lost = false, editedAt } = entry;
  const joins = previous?.userId === userId && timestamp - previous.timestamp < GROUP_MS;
  return {
    kind: "message", key: `message-${id}`, clientMessageId, messageId, seq, userId, name, content,
    timestamp, own, state, reason, first: !joins, last: true,
    attachments: deleted ? [] : entry.attachments ?? [],
    deleted, edited: editedAt !== undefined,
    canAct: state === "delivered" && !deleted && !lost,
  };
}

/** What a reply answers: its messageId is null where that is not here to be shown. */
function quoteOf({ replyTo, deleted }, messages) {
  if (replyTo === undefined || deleted) return null;
  const answered = messages.get(replyTo.messageId);
  if (answered === undefined) return { messageId: null, name: "", content: "An earlier message" };
  const { messageId, name } = answered;
  return { messageId, name, content: answered.deleted ? "A deleted message" : wordsOf(answered) };
}

function wordsOf({ content, attachments: [file] = [] }) {
  return content === "" && file !== undefined ? file.name : content;
}

function reactionsOf({ reactions = {} }, selfId, nameOf) {
  return Object.entries(reactions).map(([reaction, users]) => ({
    reaction, count: users.length, own: users.includes(selfId),
    names: users.map((userId) => (userId === selfId ? "you" : nameOf(userId))).join(", "),
  }));
}

function unsentMessage(item, selfId, ready) {
  const { clientMessageId, createdAt, timestamp = createdAt, reason } = item;
  const { content, replyTo, attachments } = item.command;
  // Its turn comes in a moment: to call that "waiting" would only flicker.
  const soon = item.state === "queued" && ready && item.attempt === 0;
  const state = soon ? "sending" : item.state;
  return {
    kind: "message", messageId: clientMessageId, userId: selfId, name: selfId,
    clientMessageId, content, replyTo, attachments, timestamp, state, reason,
  };
}

function startRows(entries, headSeq) {
  const [first] = entries;
  if (first !== undefined && first.kind !== "message") return [];
  const missing = first === undefined ? headSeq : first.seq - 1;
  if (missing === 0) {
    const text = "This is the beginning of the room.";
    return [{ kind: "notice", key: "start", text, quiet: true }];
  }
  return [{ kind: "notice", key: "trimmed", text: `${span(1, missing)} no longer available.` }];
}

function gapText({ reason, fromSeq, toSeq, lost }) {
  if (reason === "trimmed") return `${span(fromSeq, toSeq)} no longer available.`;
  if (lost === 0) return "The server\u2019s history was reset.";
  const exist = lost === 1 ? "message above exists" : `${lost} messages above exist`;
  return `The server\u2019s history was reset. The last ${exist} in this window only.`;
}

function span(from, to) {
  return from === to ? `Message ${from} is` : `Messages ${from}\u2013${to} are`;
}
