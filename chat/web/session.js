/** Who the person is: name, room, token, and what the browser remembers of them. */

import { TokenNeeded } from "./sdk/index.js";
import { recall, remember } from "./store.js";

const FETCH_MS = 10_000;
const TOKEN = /^[\w-]+\.[\w-]+\.[\w-]+$/;
const ROOM_ID = /^[A-Za-z0-9_.:@+=~-]{1,128}$/;

/** Turn what a person types ("#Tea room") into a room id. Returns null if that is impossible. */
export function roomIdOf(text) {
  const roomId = text.trim().replace(/^#+/, "").replace(/\s+/g, "-");
  return ROOM_ID.test(roomId) ? roomId : null;
}

/** Room and name from the address's fragment, which never reaches a server. */
export function readFragment() {
  const values = new URLSearchParams(location.hash.slice(1));
  return { roomId: roomIdOf(values.get("room") ?? ""), name: (values.get("name") ?? "").trim() };
}

export function writeFragment({ roomId, name } = {}) {
  const fragment = roomId === undefined ? "" : `#${new URLSearchParams({ room: roomId, name })}`;
  history.replaceState(null, "", `${location.pathname}${location.search}${fragment}`);
}

export class Session {
  #pasted = null;
  #used = null;
  #latest = null;

  /** @param {string} name the person's name, and in local mode the user id */
  constructor(name) {
    this.name = name;
  }

  /** @returns {boolean} whether the text can be a token at all */
  paste(text) {
    if (!TOKEN.test(text.trim())) return false;
    this.#pasted = text.trim();
    return true;
  }

  /** Never offer this token again. */
  forgetToken() {
    this.#pasted = null;
  }

  /**
   * A token. Throws TokenNeeded if the server does not hand them out.
   *
   * @param {string} reason "expiring" if the live connection's own will not do any more
   */
  async token(reason) {
    if (this.#pasted !== null) {
      if (hasExpired(this.#pasted)) throw new TokenNeeded("Your access token has expired.");
      if (reason === "expiring" && this.#pasted === this.#used) {
        throw new TokenNeeded("A new access token is needed.");
      }
      this.#used = this.#pasted;
      this.#latest = this.#pasted;
      return this.#pasted;
    }
    const answer = await fetch(`/local/token?user=${encodeURIComponent(this.name)}`, {
      cache: "no-store",
      signal: AbortSignal.timeout(FETCH_MS),
    });
    if (answer.ok) {
      this.#latest = (await answer.json()).token;
      return this.#latest;
    }
    if (answer.status === 404 || answer.status === 403) {
      throw new TokenNeeded("This server needs an access token.");
    }
    if (answer.status === 400) throw new TokenNeeded("The server does not accept this name.");
    throw new Error(`The server answered ${answer.status}.`);
  }

  /** What the token in force lets one do: actions by pattern of room ids. The server decides. */
  get rights() {
    return payloadOf(this.#latest)?.rooms ?? {};
  }

  /** Unsent messages outlive a reload of this window, never the window. */
  loadUnsent(roomId) {
    try {
      return JSON.parse(sessionStorage.getItem(this.#key(roomId)) ?? "[]");
    } catch {
      return []; // storage is blocked or was tampered with: start with an empty outbox
    }
  }

  saveUnsent(roomId, items) {
    try {
      if (items.length === 0) sessionStorage.removeItem(this.#key(roomId));
      else sessionStorage.setItem(this.#key(roomId), JSON.stringify(items));
    } catch {
      // Storage is blocked or full: the messages are still in this page's memory.
    }
  }

  /** The rooms one was in; the fragment names only the one that is looked at. */
  loadRooms() {
    const rooms = recall(this.#roomsKey, []);
    return Array.isArray(rooms) ? rooms.filter((roomId) => roomIdOf(String(roomId)) === roomId) : [];
  }

  saveRooms(roomIds) {
    remember(this.#roomsKey, roomIds);
  }

  get #roomsKey() {
    return `chat.rooms/${this.name}`;
  }

  #key(roomId) {
    return `chat.unsent/${this.name}/${roomId}`;
  }
}

// The server decides; this only spares it, and the person, a refusal that is certain.
function hasExpired(token) {
  return payloadOf(token)?.exp * 1000 < Date.now();
}

/** @returns {object | null} null where it is not a token that a page can read */
function payloadOf(token) {
  try {
    const bytes = atob(token.split(".")[1].replaceAll("-", "+").replaceAll("_", "/"));
    return JSON.parse(new TextDecoder().decode(Uint8Array.from(bytes, (char) => char.charCodeAt(0))));
  } catch {
    return null;
  }
}
