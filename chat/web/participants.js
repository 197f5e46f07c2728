/** Who belongs to the private or direct room that is looked at, here or not. No DOM. */

const SOON_MS = 300;
const MOST = 200;

export class Participants {
  /** @type {object[]} `{userId, role, invited, state, status, lastSeen}`, by role and name */
  list = [];

  #room = null;
  #off = () => {};
  #soon;
  #onChange;

  /** @param {() => void} onChange */
  constructor(onChange) {
    this.#onChange = onChange;
  }

  /** @param {object | null} room null where nobody belongs to the room */
  look(room) {
    this.#off();
    clearTimeout(this.#soon);
    this.#room = room;
    this.list = [];
    if (room === null) return;
    this.#off = room.on("change", (what) => {
      if (what === "participant_changed" || what === "user_left" || what === "room_joined") {
        this.refreshSoon();
      }
    });
    if (room.ready) this.refresh();
  }

  /** Many may come and go at once. */
  refreshSoon() {
    clearTimeout(this.#soon);
    this.#soon = setTimeout(() => this.refresh(), SOON_MS);
  }

  /** What can not be had now comes with the next change, or the next time. */
  async refresh() {
    const room = this.#room;
    if (room === null) return;
    const found = [];
    try {
      for await (const participant of room.participants()) {
        found.push(participant);
        if (found.length === MOST) break;
      }
      const users = await room.users(found.map(({ userId }) => userId)).catch(() => []);
      const states = new Map(users.map((user) => [user.userId, user]));
      if (room !== this.#room) return;
      this.list = found.map((each) => ({ ...each, ...states.get(each.userId) }));
    } catch {
      return;
    }
    this.#onChange();
  }
}
