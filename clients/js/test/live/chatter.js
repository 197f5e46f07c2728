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
const REACTIONS = ["👍", "🎉"];
const MAY_COME_TOO_LATE = new Set(["message_gone"]); // somebody else deleted it meanwhile

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
      if (!room.outbox.full) this.#act(room, `${this.name} says ${number}`);
      await new Promise((resolve) => setTimeout(resolve, EVERY_MS * (0.5 + Math.random())));
    }
  }

  // Mostly words, and now and then a change of what was said lately, by oneself or by others.
  #act(room, words) {
    const messages = room.entries.filter(({ kind, deleted }) => kind === "message" && !deleted);
    const any = pick(messages.slice(-8));
    const own = messages.findLast(({ userId }) => userId === this.name);
    const chance = Math.random();
    if (chance < 0.2 && any !== undefined) this.#do(room, room.react(any, pick(REACTIONS)));
    else if (chance < 0.3 && any !== undefined) this.#do(room, room.unreact(any, pick(REACTIONS)));
    else if (chance < 0.4 && own !== undefined) this.#do(room, room.edit(own, `${words}, edited`));
    else if (chance < 0.43 && own !== undefined) this.#do(room, room.delete(own));
    else this.#do(room, room.send(words));
  }

  #do(room, { clientMessageId, acknowledged }) {
    acknowledged.then(
      ({ seq }) => seq !== undefined && this.acked.push([room.roomId, seq, clientMessageId]),
      (error) => {
        room.discard(clientMessageId);
        if (!MAY_COME_TOO_LATE.has(error.code)) this.failed.push(error.message);
      },
    );
  }

  get quiet() {
    return this.rooms.every((room) => room.ready && room.outbox.items.length === 0);
  }
}

const pick = (list) => list[Math.floor(Math.random() * list.length)];

/** What a message is by now, in a form that can be compared. */
function state({ seq, messageId, content, version, editedSeq, deleted, reactions }) {
  return [seq, messageId, content, version, editedSeq, deleted, reactions].map((v) => v ?? null);
}

async function history(client, roomId) {
  const messages = [];
  for (let after = 0, more = true; more; ) {
    const page = await client.request({ type: "history", roomId, after, limit: PAGE });
    messages.push(...page.messages.map(state));
    after = page.toSeq;
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
  const { headSeq } = await client.request({ type: "history", roomId, limit: 1 });
  const there = (chatter) => chatter.client.room(roomId).timeline.position.seq === headSeq;
  await until(() => chatters.every(there), `everyone at ${headSeq} of ${roomId}`, SETTLE_MS);
  logs[roomId] = await history(client, roomId);
}
const told = chatters.map(({ name, rooms, acked, failed, gaps, connects, events }) => {
  const entries = rooms.map((room) => [room.roomId, room.entries.map(state)]);
  const [seen, shown] = [events, entries].map((each) => Object.fromEntries(each));
  return { name, acked, failed, gaps, connects, seen, shown };
});
process.stdout.write(`${JSON.stringify({ history: logs, chatters: told })}\n`);
party.close();
process.stdin.destroy();
