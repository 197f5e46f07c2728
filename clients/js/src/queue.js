/** A room's queue: the outbox, who empties it, and who waits for what is in it. */

import { NotSent } from "./errors.js";
import { Outbox } from "./outbox.js";
import { isAboutMessage, isUnsentMessage } from "./pending.js";
import { Sender } from "./sender.js";

/** @typedef {import("./outbox.js").OutboxItem} OutboxItem */
/** @typedef {import("./protocol.js").Ack} Ack */
/** @typedef {import("./protocol.js").RoomEvent} RoomEvent */

/**
 * @typedef {object} Sending
 * @property {string} clientMessageId
 * @property {Promise<Ack>} acknowledged resolves when the server has stored it; rejects with
 *   NotSent when it was refused for good, or given up
 */

/**
 * @typedef {object} QueueOptions
 * @property {string} roomId
 * @property {import("./room.js").Link} link
 * @property {import("./timeline.js").Timeline} timeline
 * @property {unknown} unsent what the outbox held in an earlier life
 * @property {number | undefined} limit
 * @property {() => void} onChange
 * @property {() => void} onNotJoined
 */

export class Queue {
  #options;
  #sender;
  /** @type {Map<string, {resolve: (ack: Ack) => void, reject: (error: Error) => void}>} */
  #waiting = new Map();

  /** @param {QueueOptions} options */
  constructor(options) {
    const { roomId, link, timeline, unsent, limit, onNotJoined } = options;
    this.#options = options;
    this.outbox = new Outbox(unsent, limit);
    this.#sender = new Sender({
      roomId, outbox: this.outbox, request: link.request, maxMessageBytes: link.maxMessageBytes,
      isReady: () => timeline.ready,
      onSettled: (item) => this.#settled(item),
      onNotJoined,
    });
  }

  /**
   * @param {import("./protocol.js").Command} command
   * @returns {Sending} throws QueueFull
   */
  add(command) {
    const { clientMessageId } = this.outbox.add(command, Date.now());
    /** @type {Promise<Ack>} */
    const acknowledged = new Promise((resolve, reject) => {
      this.#waiting.set(clientMessageId, { resolve, reject });
    });
    acknowledged.catch(() => {}); // who does not ask sees it in the outbox
    return { clientMessageId, acknowledged };
  }

  /** @param {string} clientMessageId */
  discard(clientMessageId) {
    this.outbox.remove(clientMessageId);
    this.#reject(clientMessageId, new NotSent("It was discarded."));
  }

  /** Send what can be sent now. */
  pump() {
    this.#sender.pump();
  }

  close() {
    this.#sender.close();
  }

  /**
   * Events have come. One's own is as good as its ack, which may be lost or come later.
   *
   * @param {RoomEvent[]} events
   */
  delivered(events) {
    for (const { userId, clientMessageId, epoch, seq, messageId, timestamp } of events) {
      if (userId !== this.#options.link.selfId() || clientMessageId === undefined) continue;
      this.outbox.remove(clientMessageId);
      this.#acknowledge(clientMessageId, { epoch, seq, messageId, timestamp });
    }
    this.#settleAcked();
  }

  /**
   * A part of the room's order will never be seen.
   *
   * @param {boolean} wentBack whether the store lost what it had confirmed
   */
  unseen(wentBack) {
    if (wentBack) this.outbox.afterReset();
    this.outbox.doubtOld(Date.now());
    this.#settleAcked();
    this.#tellFailed();
  }

  /** @param {OutboxItem} item */
  #settled(item) {
    if (item.state === "acked") {
      const { clientMessageId, epoch, seq, messageId, timestamp } = item;
      this.#acknowledge(clientMessageId, { epoch, seq, messageId, timestamp });
      if (seq === undefined) this.outbox.remove(clientMessageId); // it was so already: no event
      this.#settleAcked();
    }
    this.#tellFailed();
    // A message or a change of one is shown as failed, and a person decides; nobody sees the rest.
    if (item.state === "failed" && !isAboutMessage(item)) this.outbox.remove(item.clientMessageId);
    this.#options.onChange();
  }

  // Confirmed at a place that is behind us already: the room will not send that event again.
  #settleAcked() {
    const { link, timeline } = this.#options;
    for (const item of this.outbox.items.filter(({ state }) => state === "acked")) {
      if (!timeline.isBehind(item)) continue;
      if (isUnsentMessage(item)) timeline.confirmed(asMessage(item, link.selfId()));
      this.outbox.remove(item.clientMessageId);
    }
  }

  #tellFailed() {
    for (const { state, clientMessageId, reason, code } of this.outbox.items) {
      if (state === "failed") this.#reject(clientMessageId, new NotSent(reason ?? "", code));
    }
  }

  /** @param {string} clientMessageId  @param {Partial<Ack>} place */
  #acknowledge(clientMessageId, place) {
    const { roomId } = this.#options;
    this.#waiting.get(clientMessageId)?.resolve({ type: "ack", roomId, clientMessageId, ...place });
    this.#waiting.delete(clientMessageId);
  }

  /** @param {string} clientMessageId  @param {Error} error */
  #reject(clientMessageId, error) {
    this.#waiting.get(clientMessageId)?.reject(error);
    this.#waiting.delete(clientMessageId);
  }
}

/**
 * @param {OutboxItem} item an acknowledged message
 * @param {string | null} selfId
 * @returns {import("./protocol.js").ChatMessage}
 */
function asMessage({ command, clientMessageId, epoch, seq, messageId, timestamp }, selfId) {
  const place = { epoch, seq, messageId, timestamp };
  return /** @type {any} */ ({ ...command, clientMessageId, ...place, userId: selfId });
}
