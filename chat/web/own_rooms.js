/**
 * The private and direct rooms of the person, and invitations: listed once, then kept up to date by
 * the inbox. No DOM.
 */

const AGAIN_MS = 5_000;

export class OwnRooms {
  /** @type {Map<string, object>} by id: `{roomId, role, invited, title, userIds, by}` */
  #rooms = new Map();
  #client;
  #handlers;
  #again;

  /**
   * @param {object} client of the SDK, with its inbox
   * @param {{onChange: () => void, onRoom: (roomId: string) => void}} handlers onRoom: one takes
   *   part in this one
   */
  constructor(client, handlers) {
    this.#client = client;
    this.#handlers = handlers;
    client.on("event", ({ type, roomId, recovered }) => {
      // Where the inbox was resumed nothing was missed.
      const inbox = type === "room_joined" && roomId === client.inbox?.roomId;
      if (inbox && recovered === undefined) this.#list();
    });
    client.on("membership", (event) => {
      if (event === null) this.#list();
      else this.#take(event.membership);
    });
  }

  get(roomId) {
    return this.#rooms.get(roomId);
  }

  /** Those the person has not answered yet. */
  get invitations() {
    return [...this.#rooms.values()].filter(({ invited }) => invited);
  }

  /** Everybody in direct rooms of the person. */
  get userIds() {
    return [...this.#rooms.values()].flatMap(({ userIds = [] }) => userIds);
  }

  close() {
    clearTimeout(this.#again);
  }

  async #list() {
    clearTimeout(this.#again);
    const found = new Map();
    try {
      for await (const room of this.#client.listRooms()) found.set(room.roomId, room);
    } catch {
      this.#again = setTimeout(() => this.#list(), AGAIN_MS);
      return;
    }
    this.#rooms = found;
    for (const room of found.values()) this.#enter(room);
    this.#handlers.onChange();
  }

  #take(membership) {
    if (membership.role === null) {
      this.#rooms.delete(membership.roomId);
    } else {
      this.#rooms.set(membership.roomId, membership);
      this.#enter(membership);
    }
    this.#handlers.onChange();
  }

  #enter({ roomId, invited }) {
    if (!invited) this.#handlers.onRoom(roomId);
  }
}
