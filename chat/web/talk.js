/** One person's rooms over one connection: which there are, and what is unread in them. No DOM. */

import { ChatClient } from "./sdk/index.js";

const KEEPS_UNSENT = new Set(["outbox", "chat_message", "history", "gap"]);

export class Talk {
  /** @type {Map<string, {room: object, unread: number}>} in the order they were joined */
  #places = new Map();

  /**
   * @param {object} options
   * @param {import("./session.js").Session} options.session
   * @param {string} options.roomId the first room, where the connection should lead
   * @param {() => void} options.onChange something to show changed
   * @param {(roomId: string, message: object) => void} options.onMessage someone else said something
   * @param {(roomId: string, problem: string) => void} options.onRefused a room had to be left
   * @param {(state: object) => void} options.onState the connection's
   * @param {(wish: string | null) => void} options.onTokenWish
   */
  constructor({ session, roomId, onState, onTokenWish, ...handlers }) {
    this.session = session;
    this.handlers = handlers;
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    const hint = new URLSearchParams({ room: roomId }); // for a balancer: members meet on a worker
    this.client = new ChatClient({
      url: `${scheme}://${location.host}/ws?${hint}`,
      token: (reason) => session.token(reason),
    });
    this.client.on("state", onState);
    this.client.on("tokenNeeded", () => onTokenWish("Your access token is about to expire."));
    this.client.on("event", ({ type }) => type === "token_refreshed" && onTokenWish(null));
  }

  get selfId() {
    return this.client.userId ?? this.session.name;
  }

  get roomIds() {
    return [...this.#places.keys()];
  }

  /** @returns {{roomId: string, unread: number}[]} */
  get list() {
    return Array.from(this.#places, ([roomId, { unread }]) => ({ roomId, unread }));
  }

  room(roomId) {
    return this.#places.get(roomId)?.room;
  }

  join(roomId) {
    if (this.#places.has(roomId)) return;
    const room = this.client.room(roomId, { unsent: this.session.loadUnsent(roomId) });
    const { onChange, onMessage, onRefused } = this.handlers;
    this.#places.set(roomId, { room, unread: 0 });
    room.on("change", (what) => {
      if (KEEPS_UNSENT.has(what)) this.session.saveUnsent(roomId, room.outbox.save());
      onChange();
    });
    room.on("event", (event) => {
      const others = event.type === "chat_message" && event.userId !== this.client.userId;
      if (others) onMessage(roomId, event);
    });
    room.on("error", (error) => {
      this.#drop(roomId);
      onRefused(roomId, error.message);
    });
    room.join();
    this.#remember();
  }

  leave(roomId) {
    this.#drop(roomId);
    this.#remember();
  }

  /** @param {boolean} seen whether it is being looked at; else one more is unread */
  count(roomId, seen) {
    const place = this.#places.get(roomId);
    if (place !== undefined) place.unread = seen ? 0 : place.unread + 1;
  }

  close() {
    for (const roomId of this.roomIds) this.#drop(roomId);
    this.client.close();
  }

  #drop(roomId) {
    this.client.forget(roomId);
    this.#places.delete(roomId);
  }

  #remember() {
    this.session.saveRooms(this.roomIds);
  }
}
