/** A WebSocket server on loopback that does what a test says: for what a real worker seldom does. */

import { once } from "node:events";

import { WebSocketServer } from "ws";

export class ScriptedServer {
  /** Everyone who came, in order: `{socket, token, heard}`. */
  visits = [];
  /** Further fields of `connected`. */
  connected = {};

  /** @param {(visit: object, command: object) => void} answer to each command */
  static async start(answer = () => {}) {
    const server = new ScriptedServer();
    const options = { host: "127.0.0.1", port: 0, handleProtocols: () => "chat.v1" };
    server.server = new WebSocketServer(options);
    server.server.on("connection", (socket, request) => server.#came(socket, request, answer));
    await once(server.server, "listening");
    server.url = `ws://127.0.0.1:${server.server.address().port}/ws`;
    return server;
  }

  async stop() {
    for (const { socket } of this.visits) socket.terminate();
    this.server.close();
    await once(this.server, "close");
  }

  #came(socket, request, answer) {
    const offered = request.headers["sec-websocket-protocol"].split(",");
    const token = offered.map((name) => name.trim()).find((name) => name.startsWith("chat.token."));
    const say = (event) => socket.send(JSON.stringify(event));
    const visit = { socket, say, token: token.slice("chat.token.".length), heard: [] };
    this.visits.push(visit);
    socket.on("message", (data) => {
      const command = JSON.parse(data);
      visit.heard.push(command);
      answer(visit, command);
    });
    if (this.refuses?.(visit)) return;
    say({
      type: "connected", connectionId: "c", userId: "ann", expiresAt: 0, pingIntervalMs: 25_000,
      maxMessageBytes: 500, ...this.connected,
    });
  }
}

/** Answers as a worker does, in a room where nothing happens but what one says. */
export function quietRoom(visit, { type, id, roomId, since, ...rest }) {
  const answer = (event) => visit.say({ id, roomId, ...event });
  if (type === "join_room") {
    answer({ type: "room_joined", memberCount: 1, epoch: "e", seq: since?.seq ?? 0, recovered: since && true });
  } else if (type === "presence") {
    answer({ type: "presence", memberCount: 1, members: [{ userId: "ann" }] });
  } else if (type === "leave_room") {
    answer({ type: "room_left" });
  } else if (type === "refresh_token") {
    visit.say({ type: "token_refreshed", id, expiresAt: 1, token: rest.token });
  }
}
