/**
 * Many clients that chat while others do harm: run by tests/clients/test_js_faults.py.
 *
 * `CHATTER` says who: {urls, secret, rooms, clients}. The first line on standard input ends the
 * talk. Then everyone waits for what is due, and the last line on standard output tells what each
 * client sent and saw, and what history has.
 */

import { once } from "node:events";

import { until } from "../support/waiting.js";
import { mint, Party } from "../support/worker.js";

const SETTLE_MS = 45_000;
const EVERY_MS = 60;
const PAGE = 500;

const { urls, secret, rooms: roomIds, clients } = JSON.parse(process.env.CHATTER);
const party = new Party();
let over = false;

class Chatter {
  acked = [];
  failed = [];
  events = new Map();
  gaps = 0;
  connects = 0;

  constructor(index) {
    this.name = `u${index}`;
    this.client = party.client(this.name, {
      url: urls[index % urls.length],
      token: () => mint(secret, this.name),
    });
    this.client.on("state", ({ phase }) => {
      if (phase === "online") this.connects += 1;
    });
    this.rooms = roomIds.map((roomId) => this.#room(roomId));
  }

  #room(roomId) {
    const room = this.client.room(roomId, { maxEntries: 1_000_000, firstPage: 0 });
    const seen = [];
    this.events.set(roomId, seen);
    room.on("event", ({ seq, clientMessageId }) => seen.push([seq, clientMessageId]));
    room.on("gap", () => {
      this.gaps += 1;
    });
    return room;
  }

  async start() {
    this.client.connect();
    await Promise.all(this.rooms.map((room) => room.join()));
    this.talk = this.#talk();
  }

  async #talk() {
    for (let number = 0; !over; number += 1) {
      const room = this.rooms[number % this.rooms.length];
      if (!room.outbox.full) this.#say(room, `${this.name} says ${number}`);
      await new Promise((resolve) => setTimeout(resolve, EVERY_MS * (0.5 + Math.random())));
    }
  }

  #say(room, content) {
    const { clientMessageId, acknowledged } = room.send(content);
    acknowledged.then(
      ({ seq }) => this.acked.push([room.roomId, seq, clientMessageId]),
      (error) => this.failed.push(`${clientMessageId}: ${error.message}`),
    );
  }

  get quiet() {
    return this.rooms.every((room) => room.ready && room.outbox.items.length === 0);
  }
}

async function history(room) {
  const messages = [];
  for (let more = true; more; ) {
    const after = messages.at(-1)?.[0] ?? 0;
    const command = { type: "history", roomId: room.roomId, after, limit: PAGE };
    const page = await room.request(command);
    messages.push(...page.messages.map(({ seq, clientMessageId }) => [seq, clientMessageId]));
    more = page.more;
  }
  return messages;
}

const chatters = Array.from({ length: clients }, (_, index) => new Chatter(index));
await Promise.all(chatters.map((chatter) => chatter.start()));
process.stdout.write("talking\n");
await once(process.stdin, "data");
over = true;
await Promise.all(chatters.map(({ talk }) => talk));
await until(() => chatters.every(({ quiet }) => quiet), "everything is sent", SETTLE_MS);
const [{ client }] = chatters;
const logs = {};
for (const roomId of roomIds) {
  const request = (command) => client.request(command);
  logs[roomId] = await history({ roomId, request });
  const head = logs[roomId].at(-1)?.[0] ?? 0;
  const there = (chatter) => chatter.client.room(roomId).timeline.position.seq === head;
  await until(() => chatters.every(there), `everyone at ${head} of ${roomId}`, SETTLE_MS);
}
const told = chatters.map(({ name, acked, failed, gaps, connects, events }) => {
  return { name, acked, failed, gaps, connects, events: Object.fromEntries(events) };
});
process.stdout.write(`${JSON.stringify({ history: logs, chatters: told })}\n`);
party.close();
process.stdin.destroy();
