/** A client of the chat cluster: one connection, and the rooms that are talked about over it. */

import { Connection } from "./connection.js";
import { Account } from "./account.js";
import { globalWebSocket } from "./environment.js";
import { Closed, ConnectionLost, TokenNeeded } from "./errors.js";
import { Room } from "./room.js";
import { httpBase, Uploads } from "./uploads.js";

const RENEW_TRIES = 3;
const RENEW_EVERY_MS = 5_000;

/** @typedef {import("./connection.js").ConnectionState} ConnectionState */
/** @typedef {import("./connection.js").TokenReason} TokenReason */
/** @typedef {import("./protocol.js").Command} Command */
/** @typedef {import("./protocol.js").MembershipChanged} MembershipChanged */
/** @typedef {import("./protocol.js").ServerEvent} ServerEvent */

/**
 * @typedef {object} ClientEvents
 * @property {ConnectionState} state the phase of the connection changed
 * @property {ServerEvent} event everything the server says, before the rooms have handled it
 * @property {TokenNeeded} tokenNeeded the token ends soon and only a person can get another; call
 *   `renewToken` once there is one
 * @property {MembershipChanged | null} membership with the option `inbox`: what one has become in a
 *   private or direct room; null where some of these were missed: list the rooms again
 */

/**
 * @typedef {object} ClientOptions
 * @property {string} url of the server's WebSocket, `wss://chat.example/ws`
 * @property {string} [http] of its HTTP side, where files go; the same host by default
 * @property {(reason: TokenReason) => string | Promise<string>} token asked for each connection
 *   and a minute before a token ends. Throw TokenNeeded when only a person can help: the client
 *   stops then. Any other error is tried again.
 * @property {boolean} [inbox] be in one's own inbox, and hear of invitations by `membership`; false
 * @property {import("./environment.js").WebSocketClass} [WebSocket] instead of the global one
 */

export class ChatClient extends Account {
  /** Who one is, as the token says; null before the first connection. */
  /** @type {string | null} */
  userId = null;
  /** @type {Map<string, Room>} */
  rooms = new Map();
  /** One's own inbox; null before the first connection, and without the option. */
  /** @type {Room | null} */
  inbox = null;
  /** @type {Uploads} */
  uploads;

  #token;
  #wantsInbox;
  #isIdle = false;
  #connection;
  /** @type {import("./room.js").Link} */
  #link;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #renewal;

  /** @param {ClientOptions} options */
  constructor({ url, http, token, inbox = false, WebSocket = globalWebSocket() }) {
    super();
    this.#token = token;
    this.uploads = new Uploads(http ?? httpBase(url), async () => token("upload"));
    this.#wantsInbox = inbox;
    const connection = new Connection({
      url,
      WebSocket,
      fetchToken: async (reason) => token(reason),
      onEvent: (event) => this.#received(event),
      onState: (state) => this.#stateChanged(state),
    });
    this.#connection = connection;
    this.#link = {
      request: (command, onAnswer) => connection.request(command, onAnswer),
      send: (command) => connection.send(command),
      isOnline: () => connection.state.phase === "online",
      maxMessageBytes: () => connection.maxMessageBytes,
      selfId: () => this.userId,
      upload: (roomId, file, options) => this.uploads.upload(roomId, file, options),
    };
  }

  get state() {
    return this.#connection.state;
  }

  /**
   * Connect, and stay connected until `close`.
   *
   * @returns {Promise<void>} resolves once online; rejects with Closed when it stops instead
   */
  connect() {
    const online = new Promise((/** @type {(value: void) => void} */ resolve, reject) => {
      const off = this.on("state", ({ phase, reason }) => {
        if (phase !== "online" && phase !== "stopped") return;
        off();
        if (phase === "online") resolve();
        else reject(new Closed(reason ?? "The client was closed."));
      });
    });
    online.catch(() => {}); // who does not ask sees it in `state`
    if (this.state.phase === "online") return Promise.resolve();
    this.#connection.start();
    return online;
  }

  /** Close the connection for good. Rooms keep what they know; `connect` goes on from there. */
  close() {
    clearTimeout(this.#renewal);
    this.#connection.stop();
  }

  /** Try at once instead of waiting; also the way back from `stopped`. */
  retryNow() {
    this.#connection.retryNow();
  }

  /**
   * The room of this name; the same one each time. Options count the first time.
   *
   * @param {string} roomId
   * @param {import("./room.js").RoomOptions} options
   */
  room(roomId, options = {}) {
    let room = this.rooms.get(roomId);
    if (room === undefined) {
      room = new Room(roomId, this.#link, options);
      this.rooms.set(roomId, room);
    }
    return room;
  }

  /**
   * Leave a room and forget all about it.
   *
   * @param {string} roomId
   */
  forget(roomId) {
    this.rooms.get(roomId)?.leave();
    this.rooms.delete(roomId);
  }

  /**
   * Send any command of the protocol and wait for its answer.
   *
   * @override
   * @param {Command} command without `id`
   * @returns {Promise<any>} rejects with CommandError or ConnectionLost
   */
  request(command) {
    return this.#connection.request(command);
  }

  /**
   * Say whether nobody is at this device. A user is away when nobody is at any.
   *
   * @param {boolean} isIdle
   */
  setIdle(isIdle) {
    if (isIdle === this.#isIdle) return;
    this.#isIdle = isIdle;
    this.#tellIdle();
  }

  /** Put a fresh token in force. Called by itself when the server says that the old one ends. */
  async renewToken(triesLeft = RENEW_TRIES) {
    clearTimeout(this.#renewal);
    try {
      const token = await this.#token("expiring");
      await this.request({ type: "refresh_token", token });
    } catch (error) {
      if (error instanceof TokenNeeded) this.emit("tokenNeeded", error);
      else if (!(error instanceof ConnectionLost) && triesLeft > 1) {
        this.#renewal = setTimeout(() => this.renewToken(triesLeft - 1), RENEW_EVERY_MS);
      }
      // Otherwise the connection ends with its token, and the next one asks for another.
    }
  }

  /** @param {ServerEvent} event */
  #received(event) {
    this.emit("event", event);
    if (event.type === "connected") {
      this.userId = event.userId;
      for (const room of this.rooms.values()) room.handle(event);
      if (this.#isIdle) this.#tellIdle(); // a new connection counts as in use
      if (this.#wantsInbox && event.inbox !== undefined) this.#watchInbox(event.inbox);
    } else if (event.type === "token_expiring") {
      this.renewToken();
    } else if (event.roomId !== undefined) {
      this.rooms.get(event.roomId)?.handle(event);
    }
  }

  #tellIdle() {
    const state = this.#isIdle ? "away" : "online";
    this.#connection.send({ type: "set_presence", state, automatic: true });
  }

  /** @param {string} roomId */
  #watchInbox(roomId) {
    if (this.inbox?.roomId === roomId) return;
    this.inbox = this.room(roomId, { firstPage: 0, listMembers: false });
    this.inbox.on("event", (event) => {
      if (event.type === "membership_changed") this.emit("membership", event);
    });
    this.inbox.on("gap", () => this.emit("membership", null));
    this.inbox.join();
  }

  /** @param {ConnectionState} state */
  #stateChanged(state) {
    const { phase, reason } = state;
    if (phase !== "online") {
      clearTimeout(this.#renewal);
      const end = phase === "stopped" ? new Closed(reason ?? "The client was closed.") : null;
      for (const room of this.rooms.values()) room.disconnected(end);
    }
    this.emit("state", state);
  }
}
