/** One person's rooms over one connection: which there are, and what is unread in them. No DOM. */

import { orderOf, plainTitle, sectionOf } from "./kinds.js";
import { mentionsIn, unreadMentions } from "./mentions.js";
import { OwnRooms } from "./own_rooms.js";
import { Participants } from "./participants.js";
import { ChatClient } from "./sdk/index.js";

const KEEPS_UNSENT = new Set(["outbox", "chat_message", "history", "gap"]);

export class Talk {
  /** @type {Map<string, object>} rooms by id, in the order they were joined */
  #rooms = new Map();
  #joinedAt = new Map(); // by room: its last seq when this page came into it

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
      inbox: true,
    });
    this.own = new OwnRooms(this.client, {
      onChange: () => handlers.onChange(),
      onRoom: (own) => this.join(own),
    });
    /** Who belongs to the room that is looked at. */
    this.participants = new Participants(() => handlers.onChange());
    this.client.on("state", onState);
    this.client.on("tokenNeeded", () => onTokenWish("Your access token is about to expire."));
    this.client.on("event", ({ type }) => type === "token_refreshed" && onTokenWish(null));
  }

  get selfId() {
    return this.client.userId ?? this.session.name;
  }

  /** The rooms one is in, as they stand in the sidebar. */
  get roomIds() {
    return [...this.#rooms.keys()].sort((a, b) => orderOf(a) - orderOf(b));
  }

  /** @returns {{roomId: string, title: string, unread: number, mentions: number, invited: boolean}[]} */
  get list() {
    const rooms = Array.from(this.#rooms, ([roomId, room]) => ({
      roomId,
      title: this.titleOf(roomId),
      unread: room.unread,
      mentions: unreadMentions(room.timeline.entries, room.readSeq, this.selfId),
      invited: false,
    }));
    const invitations = this.own.invitations.map(({ roomId }) => ({
      roomId, title: this.titleOf(roomId), unread: 0, mentions: 0, invited: true,
    }));
    return [...rooms, ...invitations];
  }

  /** Other users that the page has heard of, by name. @returns {{userId: string, name: string}[]} */
  get known() {
    const found = new Map();
    for (const roomId of this.#rooms.keys()) {
      for (const person of this.people(roomId)) found.set(person.userId, person);
    }
    for (const userId of this.own.userIds) {
      if (!found.has(userId)) found.set(userId, { userId, name: userId });
    }
    found.delete(this.selfId);
    return [...found.values()].sort((a, b) => a.name.localeCompare(b.name));
  }

  /** How one is, as the others see it. */
  get presence() {
    const member = [...this.#rooms.values()]
      .map(({ members }) => members.get(this.selfId))
      .find((each) => each !== undefined);
    return member ?? { state: "online" };
  }

  setPresence(state, status) {
    return this.client.setPresence(state, { status });
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
    const own = this.own.get(roomId);
    const title = this.#rooms.get(roomId)?.about.title ?? own?.title;
    if (title !== undefined) return title;
    const others = own?.userIds?.filter((userId) => userId !== this.selfId) ?? [];
    return others.map((userId) => this.nameOf(userId)).join(", ") || plainTitle(roomId);
  }

  /** What a room is called in a sentence: open rooms have a sign. */
  signedTitleOf(roomId) {
    const { kind, sign } = sectionOf(roomId);
    return `${kind === "open" ? sign : ""}${this.titleOf(roomId)}`;
  }

  /** What somebody is called, in whichever room that is known. */
  nameOf(userId) {
    for (const { members } of this.#rooms.values()) {
      const name = members.get(userId)?.name;
      if (name !== undefined) return name;
    }
    return userId;
  }

  /** What there is to show of a room: see `rows.js`. */
  scene(roomId) {
    const room = this.#rooms.get(roomId);
    const { timeline, members } = room;
    return {
      entries: room.entries,
      items: room.unsent,
      selfId: this.selfId,
      complete: timeline.position !== null && timeline.fills.length === 0 && !timeline.hasOlder,
      startSeq: timeline.startSeq,
      readUpTo: this.#readUpTo(roomId),
      ready: room.ready,
      nameOf: (userId) => members.nameOf(userId),
      now: Date.now(),
    };
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
      const { position } = room.timeline;
      if (position !== null && !this.#joinedAt.has(roomId)) this.#joinedAt.set(roomId, position.seq);
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
    this.own.close();
    this.participants.look(null);
    for (const roomId of this.roomIds) this.#drop(roomId);
    this.client.close();
  }

  /** Up to where one has read a room; in one that was never read, what was there before one came. */
  #readUpTo(roomId) {
    return this.#rooms.get(roomId).readSeq ?? this.#joinedAt.get(roomId) ?? null;
  }

  #drop(roomId) {
    this.client.forget(roomId);
    this.#rooms.delete(roomId);
    this.#joinedAt.delete(roomId);
  }

  #remember() {
    // The server knows of the others who takes part in them.
    this.session.saveRooms(this.roomIds.filter((roomId) => sectionOf(roomId).kind === "open"));
  }
}
