/** Up to where one has read a room, or got it: what the other devices say, and telling them. */

const EVERY_MS = 1_000;

/** @typedef {import("./protocol.js").Position} Position */
/** @typedef {Position & {private?: boolean}} Mark `private`: others are not told */

export class Marker {
  /** @type {number | null} null while nothing is known */
  seq = null;

  #send;
  /** @type {Mark | null} the furthest place on this device */
  #here = null;
  #isTold = true;
  #sentAt = -Infinity;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /** @param {(mark: Mark) => boolean} send whether it could be sent */
  constructor(send) {
    this.#send = send;
  }

  /** @param {Mark} mark set on this device */
  set(mark) {
    this.#forward(mark.seq);
    if (this.#here !== null && mark.seq <= this.#here.seq) return;
    this.#here = mark;
    this.#isTold = false;
    this.#tell();
  }

  /** @param {number} seq up to where another device has moved it */
  heard(seq) {
    this.#forward(seq);
  }

  /** @param {number} seq where the server has it after a join: what it does not know yet is told */
  joined(seq = 0) {
    if (seq > 0) this.#forward(seq);
    this.#isTold = this.#here === null || this.#here.seq <= seq;
    this.#tell();
  }

  /** @param {number} kept the last seq that the store still has after a reset */
  lost(kept) {
    if (this.seq !== null) this.seq = Math.min(this.seq, kept);
    this.#here = null;
    this.#isTold = true;
  }

  forget() {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /** At most once in a while, and always the last. */
  #tell() {
    if (this.#isTold || this.#here === null || this.#timer !== undefined) return;
    const waitMs = this.#sentAt + EVERY_MS - Date.now();
    if (waitMs > 0) {
      this.#timer = setTimeout(() => {
        this.#timer = undefined;
        this.#tell();
      }, waitMs);
      return;
    }
    if (!this.#send(this.#here)) return; // told after the next join
    this.#isTold = true;
    this.#sentAt = Date.now();
  }

  /** @param {number} seq */
  #forward(seq) {
    this.seq = Math.max(this.seq ?? 0, seq);
  }
}
