/** Clients of the real worker that the test run was given: `CHAT_TEST_URL`, `CHAT_TEST_SECRET`. */

import { createHmac, randomUUID } from "node:crypto";

import WebSocket from "ws";

import { ChatClient } from "../../src/index.js";

const base64url = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
const EVERY_ROOM = { "*": ["join", "publish", "edit", "delete", "react"] };

export function mint(secret, user, { ttlS = 3_600, rooms = EVERY_ROOM } = {}) {
  const now = Date.now() / 1_000;
  const claims = { sub: user, exp: now + ttlS, rooms, user: { name: user.toUpperCase() } };
  const signed = `${base64url({ alg: "HS256", typ: "JWT" })}.${base64url(claims)}`;
  return `${signed}.${createHmac("sha256", secret).update(signed).digest("base64url")}`;
}

/** A room that no other test has. */
export const newRoom = (name) => `${name}-${randomUUID()}`;

/** Clients of one test, closed after it. */
export class Party {
  clients = [];

  client(user, { token, url = process.env.CHAT_TEST_URL, inbox } = {}) {
    const sockets = [];
    const client = new ChatClient({
      url,
      token: token ?? (() => this.token(user)),
      inbox,
      WebSocket: class extends WebSocket {
        constructor(...options) {
          super(...options);
          sockets.push(this);
        }
      },
    });
    this.clients.push(client);
    /** End the connection as a network does: without a word. */
    client.cut = () => sockets.at(-1).terminate();
    client.sockets = sockets;
    return client;
  }

  token(user, options) {
    return mint(process.env.CHAT_TEST_SECRET, user, options);
  }

  /** A client that is in a room. */
  async member(user, roomId, options) {
    const client = this.client(user, options);
    client.connect();
    const room = client.room(roomId, options);
    await room.join();
    return { client, room };
  }

  close() {
    for (const client of this.clients.splice(0)) client.close();
  }
}

export const texts = (room) => {
  return room.entries.filter(({ kind }) => kind === "message").map(({ content }) => content);
};
