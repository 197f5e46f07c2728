/**
 * The messages of one room, in their one order: pure state, no network.
 *
 * An entry sorts by (segment, seq). A segment ends only where the server's history was reset;
 * an epoch that changes without a hole stays in its segment, because its seq goes on.
 */

import { gapEntry, isMessage } from "./entries.js";
import { EntryList } from "./entry_list.js";
import { isChange } from "./fold.js";

const RESET_PAGE = 200;
const DROP_ENTRIES = 500;

/** @typedef {import("./entries.js").Entry} Entry */
/** @typedef {import("./protocol.js").ChatMessage} ChatMessage */
/** @typedef {import("./protocol.js").HistoryPage} HistoryPage */
/** @typedef {import("./protocol.js").Position} Position */

/**
 * @typedef {object} Fill a range `downTo < seq <= upTo` that history is still to be asked for
 * @property {number} segment
 * @property {number} upTo
 * @property {number} downTo
 * @property {number} limit
 * @property {boolean} again of messages that are here already, but may have changed
 */

export class Timeline {
  /** @type {Position | null} where to resume: the last event that was seen */
  position = null;
  /** @type {Fill[]} */
  fills = [];
  /** Whether history holds messages before the first one here. */
  hasOlder = false;

  #firstPage;
  #maxEntries;
  #segment = 0;
  /** @type {number} history is known from this place on */
  #knownFrom = 0;
  #oldestSegment = 0;
  #list = new EntryList();
  /** @type {number | null} */
  #target = null;
  /** @type {string | null} what the epoch is called there, until it is reached */
  #targetEpoch = null;
  #awaitsGap = false;
  /** @type {string | null} */
  #holeAt = null;

  /** @param {{firstPage?: number, maxEntries?: number}} bounds */
  constructor({ firstPage = 50, maxEntries = 2_000 } = {}) {
    this.#firstPage = firstPage;
    this.#maxEntries = maxEntries;
  }

  /** @returns {Entry[]} */
  get entries() {
    return this.#list.entries;
  }

  /** Joined, and everything missed has arrived. */
  get caughtUp() {
    if (this.#target === null || this.position === null) return false;
    return !this.#awaitsGap && this.position.seq >= this.#target;
  }

  get ready() {
    return this.caughtUp && this.fills.length === 0;
  }

  disconnected() {
    this.#target = null;
  }

  /** @param {{epoch: string, seq: number, recovered?: boolean}} event `room_joined` */
  joined({ epoch, seq, recovered }) {
    this.#target = seq;
    this.#targetEpoch = epoch;
    this.#awaitsGap = recovered === false;
    if (this.position === null) {
      this.position = { epoch, seq };
      this.#knownFrom = seq + 1;
      this.hasOlder = seq > 0;
      if (seq > 0 && this.#firstPage > 0) this.fills.push(this.#fill(seq, 0, this.#firstPage));
    } else if (recovered !== false && seq === this.position.seq) {
      this.position = { epoch, seq };
    }
    // Otherwise the position moves with each missed event: a break half-way must not skip any.
  }

  /**
   * An event with a place in the order, from the live stream. One of a type that is not known
   * moves the position like any other.
   *
   * @param {{type: string, epoch: string, seq: number}} event
   * @returns {"added" | "duplicate" | "hole"} a hole asks for a new join with `since`
   */
  event(event) {
    const { epoch, seq } = event;
    if (this.position === null) return "hole";
    if (epoch === this.position.epoch && seq <= this.position.seq) return "duplicate";
    if (seq !== this.position.seq + 1 && !this.#acceptHole(epoch, seq)) return "hole";
    this.position = { epoch, seq };
    if (seq === this.#target && this.#targetEpoch !== null) {
      // A missed event names the epoch it was stored in, which may have ended without a loss since.
      this.position = { epoch: this.#targetEpoch, seq };
      this.#targetEpoch = null;
    }
    this.#holeAt = null;
    if (isChange(event)) this.#list.change(event);
    else if (isMessageEvent(event)) this.#add(event);
    return "added";
  }

  /**
   * @param {Pick<import("./protocol.js").Gap, "reason" | "epoch" | "fromSeq" | "toSeq">} event
   * @returns {boolean} whether the server's history went back in time
   */
  gap({ reason, epoch, fromSeq, toSeq }) {
    if (!this.#awaitsGap) this.#targetEpoch = null;
    this.#awaitsGap = false;
    this.position = { epoch, seq: toSeq };
    if (reason !== "reset") {
      this.#list.add(gapEntry(this.#segment, "trimmed", fromSeq, toSeq));
      return false;
    }
    this.#knownFrom = Math.min(this.#knownFrom, fromSeq + 1);
    const lost = this.#list.lose(fromSeq);
    this.fills = this.fills
      .map((fill) => ({ ...fill, upTo: Math.min(fill.upTo, fromSeq) }))
      .filter((fill) => fill.upTo > fill.downTo);
    this.#readAgain(fromSeq);
    this.#segment += 1;
    this.#list.add({ ...gapEntry(this.#segment, "reset", fromSeq, toSeq), seq: -1, lost });
    if (toSeq > fromSeq) this.fills.push(this.#fill(toSeq, fromSeq, RESET_PAGE));
    return true;
  }

  /**
   * @param {HistoryPage} page the answer for the first of `fills`; one of another epoch is void, as
   *   it may hold what was lost since
   */
  filled(page) {
    const [fill] = this.fills;
    if (fill === undefined || page.epoch !== this.position?.epoch) return;
    this.fills.shift();
    const from = page.more ? page.fromSeq : fill.downTo + 1;
    const found = page.messages.filter(({ seq }) => seq <= fill.upTo && seq > fill.downTo);
    const known = found.filter(({ messageId }) => this.#list.has(messageId));
    for (const message of fill.again ? known : found) {
      this.#list.addMessage(fill.segment, message);
    }
    const first = fill.segment === 0 && !fill.again;
    if (first) this.#reached(page.more ? from : page.fromSeq, page.more);
    // Pages are cut by size, too, and may hold no message at all among many changes.
    const rest = from > fill.downTo + 1 && from <= fill.upTo;
    if (rest && !(first && found.length > 0)) this.fills.unshift({ ...fill, upTo: from - 1 });
  }

  /** @returns {number | null} `before` for the page that precedes what is here */
  get olderBefore() {
    return this.hasOlder ? this.#knownFrom : null;
  }

  /**
   * The first place that is known of. Once there is nothing older it is the first that history has:
   * 1, unless the server has dropped what was before.
   */
  get startSeq() {
    return this.#knownFrom;
  }

  /** @param {HistoryPage} page the answer for `olderBefore` */
  older(page) {
    if (page.epoch !== this.position?.epoch) return;
    const found = page.messages.filter(({ seq }) => seq < this.#knownFrom);
    for (const message of found) this.#list.addMessage(this.#oldestSegment, message);
    this.#reached(page.fromSeq, page.more);
  }

  /**
   * A message of one's own whose copy will not come any more, because the server confirmed a
   * place that is already behind us (it lies in a gap).
   *
   * @param {ChatMessage} message
   */
  confirmed(message) {
    this.#add(message);
  }

  /**
   * Whether a place in the order has been passed.
   *
   * @param {{epoch?: string, seq?: number}} place
   */
  isBehind({ epoch, seq }) {
    if (this.position === null || seq === undefined) return false;
    return epoch === this.position.epoch && seq <= this.position.seq;
  }

  /** Forget the oldest entries beyond a bound; history brings them back. */
  prune() {
    if (this.entries.length <= this.#maxEntries) return;
    const surplus = Math.max(DROP_ENTRIES, this.entries.length - this.#maxEntries);
    this.#list.drop(surplus);
    const [first] = this.entries;
    this.#reached(first.seq, first.segment === this.#segment && isMessage(first) && first.seq > 1);
    this.#oldestSegment = first.segment;
  }

  /** @param {ChatMessage} message that is not in doubt: a copy says nothing new */
  #add(message) {
    if (!this.#list.has(message.messageId)) this.#list.addMessage(this.#segment, message);
  }

  /** @param {number} from  @param {boolean} more whether there is something before it */
  #reached(from, more) {
    this.#knownFrom = from;
    this.hasOlder = more;
  }

  // The server promises no hole. Should one come all the same, the first join asks for the
  // missing events; if they do not come then either, the hole is shown and life goes on.
  /** @param {string} epoch  @param {number} seq */
  #acceptHole(epoch, seq) {
    const here = this.position ?? { epoch, seq };
    const from = `${here.epoch}/${here.seq}`;
    if (this.#holeAt !== from) {
      this.#holeAt = from;
      return false;
    }
    if (seq > here.seq) {
      this.#list.add(gapEntry(this.#segment, "trimmed", here.seq + 1, seq - 1));
    } else {
      this.gap({ reason: "reset", epoch, fromSeq: 0, toSeq: seq - 1 });
    }
    return true;
  }

  // What was folded into these after that place is lost with it: history knows.
  /** @param {number} kept the last seq that the store still has */
  #readAgain(kept) {
    let doubtful = this.#list.doubtful(kept);
    for (let last = doubtful.at(-1); last !== undefined; last = doubtful.at(-1)) {
      const { seq } = last;
      const downTo = Math.max(0, seq - RESET_PAGE);
      this.fills.push({ ...this.#fill(seq, downTo, RESET_PAGE), again: true });
      doubtful = doubtful.filter((entry) => entry.seq <= downTo);
    }
  }

  /**
   * @param {number} upTo
   * @param {number} downTo
   * @param {number} page
   * @returns {Fill}
   */
  #fill(upTo, downTo, page) {
    return {
      segment: this.#segment, upTo, downTo, limit: Math.min(page, upTo - downTo), again: false,
    };
  }
}

/**
 * @param {{type: string}} event
 * @returns {event is ChatMessage}
 */
function isMessageEvent(event) {
  return event.type === "chat_message";
}
