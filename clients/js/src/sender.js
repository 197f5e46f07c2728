/** Empties the outbox into the connection: one command at a time, until the server confirms it. */

import { CommandError } from "./errors.js";

const ENVELOPE_BYTES = 32; // the `id` that the connection adds
const encoder = new TextEncoder();

/** @typedef {import("./outbox.js").OutboxItem} OutboxItem */

/**
 * @typedef {object} SenderOptions
 * @property {string} roomId
 * @property {import("./outbox.js").Outbox} outbox
 * @property {(command: import("./protocol.js").Command) => Promise<any>} request
 * @property {() => number} maxMessageBytes
 * @property {() => boolean} isReady whether the room takes commands now
 * @property {(item: OutboxItem) => void} onSettled the item was confirmed, refused or not answered
 * @property {() => void} onNotJoined the server does not know us as a member
 */

export class Sender {
  #options;
  #busy = false;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /** @param {SenderOptions} options */
  constructor(options) {
    this.#options = options;
  }

  close() {
    clearTimeout(this.#timer);
  }

  /** Send what can be sent. Called whenever that may have changed. */
  async pump() {
    clearTimeout(this.#timer);
    const { outbox, isReady } = this.#options;
    if (this.#busy || !isReady()) return;
    const now = Date.now();
    const item = outbox.next(now);
    if (item === undefined) {
      const at = outbox.nextAt;
      if (at !== null && at > now) this.#timer = setTimeout(() => this.pump(), at - now);
      return;
    }
    this.#busy = true;
    await this.#send(item);
    this.#busy = false;
    this.#options.onSettled(item);
    this.pump();
  }

  /** @param {OutboxItem} item */
  async #send(item) {
    const { roomId, outbox, request, maxMessageBytes, onNotJoined } = this.#options;
    const { clientMessageId } = item;
    const command = { ...item.command, ...named(item.command), roomId, clientMessageId };
    const bytes = encoder.encode(JSON.stringify(command)).length + ENVELOPE_BYTES;
    if (bytes > maxMessageBytes()) {
      // Sent all the same, it would cost the connection (1009), again and again.
      outbox.fail(item, "This message is too long.");
      return;
    }
    outbox.sending(item, Date.now());
    try {
      outbox.acked(item, await request(command));
    } catch (error) {
      if (!(error instanceof CommandError)) {
        outbox.unanswered(item, Date.now());
        return;
      }
      outbox.refused(item, error, Date.now());
      if (error.code === "not_joined") onNotJoined();
    }
  }
}

/**
 * The server knows the files that come along by their ids; what else is kept of them is to be shown.
 *
 * @param {import("./protocol.js").Command} command
 */
function named({ attachments }) {
  const files = /** @type {{id: string}[] | undefined} */ (attachments);
  return files === undefined ? {} : { attachments: files.map(({ id }) => id) };
}
