/** A room's entries in their order, each message with what became of it: pure state. */

import { comesAfter, isMessage, messageEntry } from "./entries.js";
import { folded } from "./fold.js";

const MAX_CHANGES = 1_000; // more than can come while a page of history is on its way

/** @typedef {import("./entries.js").Entry} Entry */
/** @typedef {import("./entries.js").MessageEntry} MessageEntry */
/** @typedef {import("./protocol.js").ChatMessage} ChatMessage */
/** @typedef {import("./protocol.js").MessageChange} MessageChange */

export class EntryList {
  /** @type {Entry[]} */
  entries = [];

  #ids = new Set();
  /** @type {MessageChange[]} */
  #changes = [];

  /** @param {string} messageId */
  has(messageId) {
    return this.#ids.has(messageId);
  }

  /**
   * A page of history may have been read before a change that was heard of meanwhile.
   *
   * @param {number} segment
   * @param {ChatMessage} message
   */
  addMessage(segment, message) {
    const about = this.#changes.filter(({ messageId }) => messageId === message.messageId);
    this.add(about.reduce(folded, messageEntry(segment, message)));
  }

  /** @param {Entry} entry at its place; a message that is here already is replaced */
  add(entry) {
    if (isMessage(entry)) {
      if (this.#ids.has(entry.messageId)) return this.#replace(entry);
      this.#ids.add(entry.messageId);
    }
    this.entries.splice(this.#placeFor(entry), 0, entry);
  }

  /** @param {MessageChange} change */
  change(change) {
    this.#changes.push(change);
    if (this.#changes.length > MAX_CHANGES) this.#changes.shift();
    const at = this.#placeOf(change.messageId);
    const entry = this.entries[at];
    if (entry !== undefined && isMessage(entry)) this.entries[at] = folded(entry, change);
  }

  /**
   * The store went back in time.
   *
   * @param {number} kept the last seq that it still has
   * @returns {number} how many messages it lost
   */
  lose(kept) {
    this.#changes = this.#changes.filter(({ seq }) => seq <= kept);
    let lost = 0;
    this.entries = this.entries.map((entry) => {
      if (!isMessage(entry) || entry.lost || entry.seq <= kept) return entry;
      lost += 1;
      return { ...entry, lost: true };
    });
    return lost;
  }

  /**
   * Messages that are folded with something that is lost: history knows what they are.
   *
   * @param {number} kept the last seq that the store still has
   */
  doubtful(kept) {
    return this.entries.filter(isMessage).filter(({ lost, version = 0 }) => !lost && version > kept);
  }

  /** @param {number} count of the first entries, which are forgotten */
  drop(count) {
    for (const entry of this.entries.splice(0, count)) {
      if (isMessage(entry)) this.#ids.delete(entry.messageId);
    }
  }

  /** @param {Entry} entry  @returns {number} where it goes: entries are in order */
  #placeFor(entry) {
    let low = 0;
    let high = this.entries.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (comesAfter(this.entries[middle], entry)) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  /** @param {MessageEntry} entry that history tells again */
  #replace(entry) {
    const at = this.#placeOf(entry.messageId);
    const { segment } = this.entries[at];
    this.entries[at] = { ...entry, segment };
  }

  /** @param {string} messageId */
  #placeOf(messageId) {
    return this.entries.findLastIndex((each) => isMessage(each) && each.messageId === messageId);
  }
}
