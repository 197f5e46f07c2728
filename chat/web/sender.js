/** Empties the outbox into the connection: one message at a time, until the server confirms it. */

import { CommandError } from "./connection.js";

const ENVELOPE_BYTES = 32; // the `id` that the connection adds
const encoder = new TextEncoder();

export class Sender {
  #busy = false;
  #timer = null;

  constructor({ connection, room, outbox, onChange, onAcked, onNotJoined }) {
    Object.assign(this, { connection, room, outbox, onChange, onAcked, onNotJoined });
  }

  close() {
    clearTimeout(this.#timer);
  }

  /** Send what can be sent. Called whenever that may have changed. */
  async pump() {
    clearTimeout(this.#timer);
    if (this.#busy || !this.room.ready) return;
    const now = Date.now();
    const item = this.outbox.next(now);
    if (item === undefined) {
      const at = this.outbox.nextAt;
      if (at !== null) this.#timer = setTimeout(() => this.pump(), at - now);
      return;
    }
    this.#busy = true;
    await this.#send(item);
    this.#busy = false;
    this.onChange("outbox");
    this.pump();
  }

  async #send(item) {
    const { clientMessageId, content } = item;
    const command = { type: "chat_message", roomId: this.room.roomId, content, clientMessageId };
    const bytes = encoder.encode(JSON.stringify(command)).length + ENVELOPE_BYTES;
    if (bytes > this.connection.limits.maxMessageBytes) {
      // Sent all the same, it would cost the connection (1009), again and again.
      this.outbox.fail(item, "This message is too long.");
      return;
    }
    this.outbox.sending(item, Date.now());
    try {
      this.outbox.acked(item, await this.connection.request(command));
      this.onAcked();
    } catch (error) {
      if (!(error instanceof CommandError)) {
        this.outbox.unanswered(item);
        return;
      }
      this.outbox.refused(item, error, Date.now());
      if (error.code === "not_joined") this.onNotJoined();
    }
  }
}
