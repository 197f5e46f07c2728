/** What a room is like, and what one is in it: pure state. */

/** @typedef {import("./protocol.js").RoomAbout} RoomAbout */
/** @typedef {import("./protocol.js").Role} Role */

export class Standing {
  /** @type {RoomAbout} what is set */
  about = {};
  /** @type {Role | null} in a private or direct room; null in every other */
  role = null;

  #knownTo = 0; // a join tells how it is: what led there and comes later is not news

  /** @param {{seq: number, room?: RoomAbout, role?: Role}} event `room_joined` */
  joined({ seq, room = {}, role }) {
    this.about = room;
    this.role = role ?? null;
    this.#knownTo = seq;
  }

  /** @param {number} kept the last seq that the store still has after a reset */
  lost(kept) {
    this.#knownTo = Math.min(this.#knownTo, kept);
  }

  /**
   * @param {import("./protocol.js").RoomEvent} event
   * @param {string | null} selfId
   */
  heard(event, selfId) {
    if (event.seq <= this.#knownTo) return;
    if (event.type === "room_changed") this.about = event.room;
    else if (event.type === "participant_changed" && event.participant.userId === selfId) {
      this.role = event.participant.role;
    }
  }
}
