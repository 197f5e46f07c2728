/** Tells a room that one types: repeated while it goes on, and taken back when it stops. */

const EVERY_MS = 3_000;
const STOPS_MS = 5_000; // without a further keystroke

export class TypingSignal {
  #send;
  /** @type {number | null} */
  #sentAt = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #stops;

  /** @param {(isTyping: boolean) => boolean} send whether it could be sent */
  constructor(send) {
    this.#send = send;
  }

  /** @param {boolean} isTyping say true with every keystroke */
  set(isTyping) {
    clearTimeout(this.#stops);
    if (!isTyping) {
      if (this.#sentAt !== null) this.#send(false);
      this.#sentAt = null;
      return;
    }
    this.#stops = setTimeout(() => this.set(false), STOPS_MS);
    const now = Date.now();
    if (this.#sentAt !== null && now - this.#sentAt < EVERY_MS) return;
    if (this.#send(true)) this.#sentAt = now;
  }

  /** What was told is void: a message says the same, and a new connection knows nothing. */
  forget() {
    clearTimeout(this.#stops);
    this.#sentAt = null;
  }
}
