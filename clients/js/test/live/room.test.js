import assert from "node:assert/strict";
import { afterEach, test } from "node:test";

import { CommandError } from "../../src/index.js";
import { next, until } from "../support/waiting.js";
import { newRoom, Party, texts } from "../support/worker.js";

const HISTORY_SIZE = 120; // of the worker; see tests/clients/test_js.py
const numbers = (from, to) => Array.from({ length: to - from + 1 }, (_, i) => `${from + i}`);
const party = new Party();

afterEach(() => party.close());

const sendAll = (room, contents) => {
  return Promise.all(contents.map((content) => room.send(content).acknowledged));
};

test("what one sends is shown at once, confirmed, and reaches the others in one order", async () => {
  const roomId = newRoom("tea");
  const ann = await party.member("ann", roomId);
  const ben = await party.member("ben", roomId);
  const sending = ann.room.send("Hello!");
  assert.deepEqual(ann.room.unsent.map(({ command }) => command.content), ["Hello!"]);
  const ack = await sending.acknowledged;
  assert.equal(ack.clientMessageId, sending.clientMessageId);
  await Promise.all([sendAll(ann.room, numbers(1, 20)), sendAll(ben.room, numbers(21, 40))]);
  await until(() => texts(ann.room).length === 41 && texts(ben.room).length === 41, "all messages");
  assert.deepEqual(texts(ann.room), texts(ben.room));
  assert.deepEqual(texts(ann.room).filter((text) => Number(text) <= 20), numbers(1, 20));
  assert.deepEqual(ann.room.unsent, []);
  assert.equal(ben.room.entries[0].name, "ANN");
});

test("who was cut off gets what was missed, each once and in order, and sends what waited", async () => {
  const roomId = newRoom("tea");
  const ann = await party.member("ann", roomId);
  const ben = await party.member("ben", roomId);
  const heard = [];
  ben.room.on("event", ({ seq }) => heard.push(seq));
  ben.client.on("state", ({ phase }) => phase === "waiting" && ben.client.retryNow());
  for (let round = 0; round < 5; round += 1) {
    ben.client.cut();
    const sent = sendAll(ann.room, numbers(round * 10 + 1, round * 10 + 10));
    ben.room.send(`written while away ${round}`);
    await sent;
    await until(() => ben.room.ready && ben.room.outbox.items.length === 0, "ben is back");
  }
  await until(() => heard.length === 55, "all events");
  assert.deepEqual(heard, Array.from({ length: 55 }, (_, i) => i + 1));
  await until(() => texts(ann.room).length === 55, "ann has all");
  assert.deepEqual(texts(ben.room), texts(ann.room));
});

test("who was away for too long is told what is gone", async () => {
  const roomId = newRoom("tea");
  const ann = await party.member("ann", roomId);
  const ben = await party.member("ben", roomId);
  await sendAll(ann.room, ["one", "two"]);
  await until(() => texts(ben.room).length === 2, "both");
  ben.client.close();
  await sendAll(ann.room, numbers(1, HISTORY_SIZE + 30));
  const told = next(ben.room, "gap");
  await ben.client.connect();
  const gap = await told;
  assert.deepEqual([gap.reason, gap.fromSeq, gap.toSeq], ["trimmed", 3, 32]);
  await until(() => ben.room.ready, "the rest");
  assert.deepEqual(texts(ben.room), ["one", "two", ...numbers(31, HISTORY_SIZE + 30)]);
});

test("history is read page by page, to its end", async () => {
  const roomId = newRoom("tea");
  const ann = await party.member("ann", roomId);
  await sendAll(ann.room, numbers(1, HISTORY_SIZE));
  const ben = await party.member("ben", roomId, { firstPage: 10 });
  await until(() => ben.room.ready, "the first page");
  assert.deepEqual(texts(ben.room), numbers(111, 120));
  await ben.room.loadOlder();
  assert.deepEqual(texts(ben.room), numbers(11, 120));
  await ben.room.loadOlder();
  assert.deepEqual(texts(ben.room), numbers(1, 120));
  assert.equal(ben.room.timeline.hasOlder, false);
  assert.equal(ben.room.olderState, "idle");
});

test("members come and go, and typing is told once and taken back", async () => {
  const roomId = newRoom("tea");
  const ann = await party.member("ann", roomId);
  const ben = await party.member("ben", roomId);
  const names = ({ client, room }) => room.members.list(client.userId).map(({ name }) => name);
  await until(() => names(ann).length === 2 && names(ben).length === 2, "both lists");
  assert.deepEqual([names(ann), names(ben)], [["ANN", "BEN"], ["BEN", "ANN"]]);
  const signs = [];
  ann.client.on("event", (event) => event.type === "typing" && signs.push(event.isTyping));
  for (let key = 0; key < 10; key += 1) ben.room.typing(true);
  await until(() => ann.room.members.typists("ann", Date.now()).length === 1, "ben types");
  assert.deepEqual(ann.room.members.typists("ann", Date.now()), ["BEN"]);
  ben.room.typing(false);
  await until(() => signs.length === 2, "ben stops");
  assert.deepEqual(signs, [true, false]);
  ben.room.leave();
  await until(() => ann.room.members.count === 1 && names(ann).length === 1, "ben leaves");
});

test("a room that is not allowed is refused with the reason, and not asked for again", async () => {
  const token = () => party.token("eve", { rooms: { "public-*": ["join"] } });
  const eve = party.client("eve", { token });
  await eve.connect();
  const room = eve.room(newRoom("secret"));
  const told = next(room, "error");
  await assert.rejects(room.join(), { name: "CommandError", code: "forbidden" });
  assert.ok((await told) instanceof CommandError);
  const open = eve.room(newRoom("public"));
  await open.join();
  await assert.rejects(open.send("Hello").acknowledged, { name: "NotSent", code: "forbidden" });
});

test("what a page could not send before it died is sent once by the next", async () => {
  const roomId = newRoom("tea");
  const first = await party.member("ann", roomId);
  await until(() => first.room.ready, "the room");
  first.room.send("sent, and the answer never read");
  first.room.send("not sent");
  await new Promise((resolve) => setImmediate(resolve));
  const saved = JSON.parse(JSON.stringify(first.room.outbox.save()));
  first.client.cut();
  first.client.close();
  const second = await party.member("ann", roomId, { unsent: saved });
  await until(() => second.room.ready && second.room.outbox.items.length === 0, "all sent");
  assert.deepEqual(texts(second.room), ["sent, and the answer never read", "not sent"]);
});

test("a slow room holds messages back, in order, and loses none", async () => {
  const { room } = await party.member("ann", newRoom("slow"));
  await sendAll(room, ["one", "two", "three"]);
  await until(() => texts(room).length === 3, "the last copy");
  assert.deepEqual(texts(room), ["one", "two", "three"]);
});
