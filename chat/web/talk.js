/** One person's rooms over one connection: which there are, and what is unread in them. No DOM. */

import { plainTitle } from "./kinds.js";
import { mentionsIn, unreadMentions } from "./mentions.js";
import { ChatClient } from "./sdk/index.js";

const KEEPS_UNSENT = new Set(["outbox", "chat_message", "history", "gap"]);

export class Talk {
  /** @type {Map<string, object>} rooms by id, in the order they were joined */
  #rooms = new Map();

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
    return [...this.#rooms.keys()];
  }

  /** @returns {{roomId: string, title: string, unread: number, mentions: number}[]} */
  get list() {
    return Array.from(this.#rooms, ([roomId, room]) => ({
      roomId,
      title: this.titleOf(roomId),
      unread: room.unread,
      mentions: unreadMentions(room.timeline.entries, room.readSeq, this.selfId),
    }));
  }

  /** Messages in which one was mentioned, of all rooms, the newest first. */
  get mentions() {
    const rooms = Array.from(this.#rooms, ([roomId, { entries, readSeq, members }]) => ({
      roomId, entries, readSeq, nameOf: (userId) => members.nameOf(userId),
    }));
    return mentionsIn(rooms, this.selfId);
  }

  /** What a room is called. */
  titleOf(roomId) {
    return plainTitle(roomId);
  }

  room(roomId) {
    return this.#rooms.get(roomId);
  }

  join(roomId) {
    if (this.#rooms.has(roomId)) return;
    const room = this.client.room(roomId, { unsent: this.session.loadUnsent(roomId) });
    const { onChange, onMessage, onRefused } = this.handlers;
    this.#rooms.set(roomId, room);
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

  /** Who can be mentioned in a room: its members, and who said something that is loaded. */
  people(roomId) {
    const { members, timeline } = this.#rooms.get(roomId);
    const { userId: selfId } = this.client;
    const found = new Map(members.list(selfId).map((member) => [member.userId, member]));
    for (const { kind, userId, name } of timeline.entries) {
      if (kind === "message" && !found.has(userId)) found.set(userId, { userId, name });
    }
    found.delete(selfId);
    return [...found.values()];
  }

  close() {
    for (const roomId of this.roomIds) this.#drop(roomId);
    this.client.close();
  }

  #drop(roomId) {
    this.client.forget(roomId);
    this.#rooms.delete(roomId);
  }

  #remember() {
    this.session.saveRooms(this.roomIds);
  }
}
