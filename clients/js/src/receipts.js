/** Up to where a room's messages were read and delivered, by oneself on any device. */

import { isMessage } from "./entries.js";
import { CommandError } from "./errors.js";
import { Marker } from "./marker.js";

/** @typedef {import("./protocol.js").Command} Command */
/** @typedef {import("./protocol.js").DeliveredMarker} DeliveredMarker */
/** @typedef {import("./protocol.js").Position} Position */
/** @typedef {import("./protocol.js").ReadMarker} ReadMarker */
/** @typedef {import("./protocol.js").RoomJoined} RoomJoined */

export class Receipts {
  #timeline;
  #read;
  #delivered;
  /** Whether the server takes delivered markers, as far as is known. */
  #areWanted = true;

  /**
   * @param {import("./timeline.js").Timeline} timeline
   * @param {(command: Command) => boolean} send whether it could be sent
   * @param {(command: Command) => Promise<unknown> | null} ask null while it can not
   */
  constructor(timeline, send, ask) {
    this.#timeline = timeline;
    this.#read = new Marker((mark) => send({ type: "mark_read", ...mark }));
    this.#delivered = new Marker((mark) => this.#deliver(mark, ask));
  }

  get readSeq() {
    return this.#read.seq;
  }

  /** @param {string | null} selfId  @returns {number} messages of others that are not read */
  unread(selfId) {
    const { entries, olderBefore, position, ready } = this.#timeline;
    const read = this.readSeq ?? 0;
    if (ready && (olderBefore === null || olderBefore <= read + 1)) {
      return entries.filter((entry) => {
        return isMessage(entry) && entry.seq > read && isNews(entry) && entry.userId !== selfId;
      }).length;
    }
    return Math.max(0, (position?.seq ?? 0) - read);
  }

  /** @param {Position} upTo  @param {{private?: boolean}} options */
  markRead({ epoch, seq }, { private: isPrivate }) {
    const mark = { epoch: this.#timeline.position?.epoch ?? epoch, seq };
    this.#read.set(isPrivate ? { ...mark, private: true } : mark);
  }

  /** @param {Position} upTo */
  markDelivered({ epoch, seq }) {
    this.#delivered.set({ epoch: this.#timeline.position?.epoch ?? epoch, seq });
  }

  /** @param {RoomJoined} event */
  joined({ readSeq, deliveredSeq }) {
    this.#read.joined(readSeq);
    this.#delivered.joined(deliveredSeq);
  }

  /** @param {ReadMarker | DeliveredMarker} event of one's own, maybe from another device */
  heard(event) {
    if (event.type === "read_marker") this.#read.heard(event.readSeq);
    else this.#delivered.heard(event.deliveredSeq);
  }

  /** @param {number} kept the last seq that the store still has after a reset */
  lost(kept) {
    this.#read.lost(kept);
    this.#delivered.lost(kept);
  }

  forget() {
    this.#read.forget();
    this.#delivered.forget();
  }

  // Where the operator has not turned it on, one refusal is enough: too many end a connection.
  /** @param {Position} mark  @param {(command: Command) => Promise<unknown> | null} ask */
  #deliver(mark, ask) {
    if (!this.#areWanted) return false;
    const answer = ask({ type: "mark_delivered", ...mark });
    answer?.catch((error) => {
      if (error instanceof CommandError && error.code === "not_enabled") this.#areWanted = false;
    });
    return answer !== null;
  }
}

/** @param {import("./entries.js").MessageEntry} entry */
function isNews({ deleted, lost }) {
  return !deleted && !lost;
}
