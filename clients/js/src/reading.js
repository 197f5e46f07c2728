/** Up to where one has read a room: what the other devices say, and telling them. */

const EVERY_MS = 1_000;

/** @typedef {import("./protocol.js").Position} Position */

export class Reading {
  /** @type {number | null} null while nothing is known to be read */
  readSeq = null;

  #send;
  /** @type {Position | null} the furthest place that was read here */
  #here = null;
  #isTold = true;
  #sentAt = -Infinity;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /** @param {(position: Position) => boolean} send whether it could be sent */
  constructor(send) {
    this.#send = send;
  }

  /** @param {Position} position that was read on this device */
  read({ epoch, seq }) {
    this.#forward(seq);
    if (this.#here !== null && seq <= this.#here.seq) return;
    this.#here = { epoch, seq };
    this.#isTold = false;
    this.#tell();
  }

  /** @param {number} seq up to where one has read on another device */
  heard(seq) {
    this.#forward(seq);
  }

  /** @param {{readSeq?: number}} event `room_joined`: what the server does not know yet is told */
  joined({ readSeq = 0 }) {
    if (readSeq > 0) this.#forward(readSeq);
    this.#isTold = this.#here === null || this.#here.seq <= readSeq;
    this.#tell();
  }

  /** @param {number} kept the last seq that the store still has after a reset */
  lost(kept) {
    if (this.readSeq !== null) this.readSeq = Math.min(this.readSeq, kept);
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
    this.readSeq = Math.max(this.readSeq ?? 0, seq);
  }
}
