/**
 * The messages of one room, in their one order: pure state, no DOM and no network.
 *
 * An entry sorts by (segment, seq). A segment ends only where the server's history was reset;
 * an epoch that changes without a hole stays in its segment, because its seq goes on.
 */

export const FIRST_PAGE = 50;
const RESET_PAGE = 200;
const MAX_ENTRIES = 2_000;
const DROP_ENTRIES = 500;

export class Room {
  entries = [];
  /** @type {{epoch: string, seq: number} | null} where to resume: the last message that was seen */
  position = null;
  /** Ranges `downTo < seq <= upTo` that history is still to be asked for. */
  fills = [];
  /** Whether history holds messages before the first one here. */
  hasOlder = false;

  #segment = 0;
  #ids = new Set();
  #target = null;
  #awaitsGap = false;
  #holeAt = null;

  constructor(roomId) {
    this.roomId = roomId;
  }

  /** Joined, and everything missed has arrived. */
  get caughtUp() {
    return this.#target !== null && !this.#awaitsGap && this.position.seq >= this.#target;
  }

  get ready() {
    return this.caughtUp && this.fills.length === 0;
  }

  disconnected() {
    this.#target = null;
  }

  /** @param {object} event `room_joined` */
  joined({ epoch, seq, recovered }) {
    this.#target = seq;
    this.#awaitsGap = recovered === false;
    if (this.position === null) {
      this.position = { epoch, seq };
      if (seq > 0) this.fills.push(this.#fill(seq, 0, FIRST_PAGE));
    } else if (recovered !== false && seq === this.position.seq) {
      this.position = { epoch, seq };
    }
    // Otherwise the position moves with each missed message: a break half-way must not skip any.
  }

  /**
   * @param {object} event `chat_message` from the live stream
   * @returns {"added" | "duplicate" | "hole"} a hole asks for a new join with `since`
   */
  message(event) {
    const { epoch, seq, messageId } = event;
    if (this.#ids.has(messageId)) {
      if (seq === this.position?.seq + 1) this.position = { epoch, seq };
      return "duplicate";
    }
    if (this.position === null) return "hole";
    if (epoch === this.position.epoch && seq <= this.position.seq) return "duplicate";
    if (seq !== this.position.seq + 1 && !this.#acceptHole(epoch, seq)) return "hole";
    this.position = { epoch, seq };
    this.#holeAt = null;
    this.#insert(messageEntry(this.#segment, event));
    return "added";
  }

  /**
   * @param {object} event an edit, a deletion or a reaction: it has a place in the order, too
   * @returns {"added" | "duplicate" | "hole"} as `message`
   */
  changed({ epoch, seq }) {
    if (this.position === null) return "hole";
    if (epoch === this.position.epoch && seq <= this.position.seq) return "duplicate";
    if (seq !== this.position.seq + 1 && !this.#acceptHole(epoch, seq)) return "hole";
    this.position = { epoch, seq };
    this.#holeAt = null;
    return "added";
  }

  /**
   * @param {object} event `gap`
   * @returns {boolean} whether the server's history went back in time
   */
  gap({ reason, epoch, fromSeq, toSeq }) {
    this.#awaitsGap = false;
    this.position = { epoch, seq: toSeq };
    if (reason !== "reset") {
      this.#insert(gapEntry(this.#segment, "trimmed", fromSeq, toSeq));
      return false;
    }
    const first = this.entries.find(isMessage);
    this.hasOlder = this.hasOlder && first !== undefined && first.seq - 1 <= fromSeq;
    const lost = this.entries.filter(
      (entry) => isMessage(entry) && entry.segment === this.#segment && entry.seq > fromSeq,
    ).length;
    this.#segment += 1;
    this.#insert({ ...gapEntry(this.#segment, "reset", fromSeq, toSeq), seq: -1, lost });
    this.fills = this.fills
      .map((fill) => ({ ...fill, upTo: Math.min(fill.upTo, fromSeq) }))
      .filter((fill) => fill.upTo > fill.downTo);
    if (toSeq > fromSeq) this.fills.push(this.#fill(toSeq, fromSeq, RESET_PAGE));
    return true;
  }

  /** @param {object} page `history`, the answer for the first of `fills` */
  filled(page) {
    const fill = this.fills.shift();
    const found = page.messages.filter(({ seq }) => seq <= fill.upTo && seq > fill.downTo);
    for (const message of found) this.#insert(messageEntry(fill.segment, message));
    if (fill.segment === 0) this.hasOlder = page.more && found.length > 0;
    else if ((found[0]?.seq ?? fill.upTo + 1) > fill.downTo + 1) {
      const toSeq = (found[0]?.seq ?? fill.upTo + 1) - 1;
      this.#insert(gapEntry(fill.segment, "unshown", fill.downTo + 1, toSeq));
    }
  }

  /** @returns {number | null} `before` for the page that precedes what is here */
  get olderBefore() {
    return this.hasOlder ? this.entries.find(isMessage).seq : null;
  }

  /** @param {object} page `history`, the answer for `olderBefore` */
  older(page) {
    const { segment, seq: first } = this.entries.find(isMessage);
    const found = page.messages.filter(({ seq }) => seq < first);
    for (const message of found) this.#insert(messageEntry(segment, message));
    this.hasOlder = page.more && found.length > 0;
  }

  /**
   * A message of one's own whose copy will not come any more, because the server confirmed a
   * place that is already behind us (it lies in a gap).
   */
  confirmed(message) {
    const { epoch, seq, messageId } = message;
    const behind = epoch === this.position?.epoch && seq <= this.position.seq;
    if (behind && !this.#ids.has(messageId)) this.#insert(messageEntry(this.#segment, message));
    return behind;
  }

  /** Forget the oldest entries beyond a bound; history brings them back. */
  prune() {
    if (this.entries.length <= MAX_ENTRIES) return;
    const surplus = Math.max(DROP_ENTRIES, this.entries.length - MAX_ENTRIES);
    for (const entry of this.entries.splice(0, surplus)) this.#ids.delete(entry.messageId);
    const [first] = this.entries;
    this.hasOlder = first.segment === this.#segment && isMessage(first) && first.seq > 1;
  }

  // The server promises no hole. Should one come all the same, the first join asks for the
  // missing messages; if they do not come then either, the hole is shown and life goes on.
  #acceptHole(epoch, seq) {
    const from = `${this.position.epoch}/${this.position.seq}`;
    if (this.#holeAt !== from) {
      this.#holeAt = from;
      return false;
    }
    if (seq > this.position.seq) {
      this.#insert(gapEntry(this.#segment, "trimmed", this.position.seq + 1, seq - 1));
    } else {
      this.gap({ reason: "reset", epoch, fromSeq: 0, toSeq: seq - 1 });
    }
    return true;
  }

  #fill(upTo, downTo, page) {
    return { segment: this.#segment, upTo, downTo, limit: Math.min(page, upTo - downTo) };
  }

  #insert(entry) {
    if (isMessage(entry)) {
      if (this.#ids.has(entry.messageId)) return;
      this.#ids.add(entry.messageId);
    }
    let at = this.entries.length;
    while (at > 0 && comesAfter(this.entries[at - 1], entry)) at -= 1;
    this.entries.splice(at, 0, entry);
  }
}

export function isMessage(entry) {
  return entry.kind === "message";
}

function comesAfter(left, right) {
  if (left.segment !== right.segment) return left.segment > right.segment;
  return left.seq > right.seq;
}

function messageEntry(segment, event) {
  const { seq, messageId, clientMessageId, userId, user, timestamp, content } = event;
  return {
    kind: "message", segment, seq, messageId, clientMessageId,
    userId, name: user?.name ?? userId, timestamp, content,
  };
}

function gapEntry(segment, reason, fromSeq, toSeq) {
  return { kind: "gap", segment, seq: fromSeq, reason, fromSeq, toSeq };
}
