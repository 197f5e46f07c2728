/**
 * One thread of a room, as long as somebody looks at it: its root and its replies.
 *
 * What the room's timeline holds is complete from some place on, so replies are read from history
 * only before that place, and what the timeline forgets meanwhile is kept here.
 */

import { comesAfter, isMessage, messageEntry } from "./entries.js";
import { folded, isChange } from "./fold.js";

const PAGE = 100;

/** @typedef {import("./entries.js").Entry} Entry */
/** @typedef {import("./entries.js").MessageEntry} MessageEntry */
/** @typedef {import("./protocol.js").HistoryPage} HistoryPage */

/**
 * @typedef {object} ThreadOptions
 * @property {string} rootId messageId of the message that the thread began with
 * @property {import("./timeline.js").Timeline} timeline
 * @property {(range: {before?: number, threadId: string, limit: number}) => Promise<HistoryPage>} history
 * @property {(entries: Entry[]) => Entry[]} withPending adds one's own changes that are on their way
 * @property {() => void} onChange
 * @property {(thread: Thread) => void} onClose
 */

export class Thread {
  /**
   * Where the latest try to read from history stands.
   *
   * @type {"idle" | "loading" | "failed"}
   */
  state = "idle";

  #options;
  /** @type {Map<string, MessageEntry>} */
  #known = new Map();
  /** @type {number | null} all of the thread from this place on was read; null: nothing was */
  #readFrom = null;
  #isWhole = false;

  /** @param {ThreadOptions} options */
  constructor(options) {
    this.#options = options;
    this.rootId = options.rootId;
    this.#learn();
  }

  /** The root, if it is still there, and the replies in their order. */
  get entries() {
    this.#learn();
    const entries = [...this.#known.values()].sort((one, other) => (comesAfter(one, other) ? 1 : -1));
    return this.#options.withPending(entries);
  }

  /** Whether history may hold earlier replies, or the root. */
  get hasOlder() {
    const { timeline } = this.#options;
    const reached = this.#known.has(this.rootId) || this.#isWhole;
    return !reached && (this.#readFrom ?? timeline.olderBefore) !== null;
  }

  /** Read the replies before those that are here. `state` tells how it went. */
  async loadOlder() {
    const { timeline, history, onChange } = this.#options;
    if (this.state === "loading" || !timeline.ready) return;
    this.state = "loading";
    onChange();
    try {
      let found = 0;
      while (this.hasOlder && found === 0) {
        const before = this.#readFrom ?? timeline.olderBefore ?? undefined;
        const page = await history({ before, threadId: this.rootId, limit: PAGE });
        if (page.epoch !== timeline.position?.epoch) break;
        found = page.messages.length;
        for (const message of page.messages) this.#add(messageEntry(0, message));
        this.#readFrom = page.fromSeq;
        this.#isWhole = !page.more;
      }
      this.state = "idle";
    } catch {
      this.state = "failed"; // the next try is the reader's, as with the room's own history
    }
    onChange();
  }

  /** @param {{type: string}} event in the room's order */
  event(event) {
    if (!isChange(event)) return;
    const entry = this.#known.get(event.messageId);
    if (entry !== undefined) this.#known.set(event.messageId, folded(entry, event));
  }

  /** The server's history went back in time: what was read may be lost with it. */
  reset() {
    this.#known.clear();
    this.#readFrom = null;
    this.#isWhole = false;
  }

  close() {
    this.#options.onClose(this);
  }

  /** What the timeline holds is the newest that is known. */
  #learn() {
    for (const entry of this.#options.timeline.entries) {
      if (!isMessage(entry)) continue;
      const { messageId, threadId } = entry;
      if (messageId === this.rootId || threadId === this.rootId) this.#known.set(messageId, entry);
    }
  }

  /** @param {MessageEntry} entry out of history */
  #add(entry) {
    const known = this.#known.get(entry.messageId);
    if (known === undefined || (known.version ?? 0) < (entry.version ?? 0)) {
      this.#known.set(entry.messageId, entry);
    }
  }
}
