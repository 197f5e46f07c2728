/** What a room is like, with a real worker. */

import assert from "node:assert/strict";
import { afterEach, test } from "node:test";

import { next, until } from "../support/waiting.js";
import { newRoom, Party, texts } from "../support/worker.js";

const party = new Party();
afterEach(() => party.close());

const MODERATOR = { "*": ["join", "publish", "moderate"] };

async function pair() {
  const roomId = newRoom("rules");
  const token = () => party.token("mod", { rooms: MODERATOR });
  return {
    roomId,
    mod: await party.member("mod", roomId, { token }),
    ann: await party.member("ann", roomId),
  };
}

test("a change is heard by all, and known to who joins later", async () => {
  const { roomId, mod, ann } = await pair();
  const heard = next(ann.room, "event", ({ type }) => type === "room_changed");
  const ack = await mod.room.change({ title: "Tea", topic: "Green or black?" });
  const { seq, userId, room } = await heard;
  assert.deepEqual([seq, userId, room], [ack.seq, "mod", ann.room.about]);
  await mod.room.change({ topic: null });
  const ben = await party.member("ben", roomId);
  assert.deepEqual(ben.room.about, { title: "Tea" });
  await until(() => ann.room.about.topic === undefined, "the reset");
});

test("where only moderators write, others read", async () => {
  const { mod, ann } = await pair();
  await mod.room.change({ readOnly: true });
  await until(() => ann.room.about.readOnly, "the rule");
  const sending = ann.room.send("but");
  await assert.rejects(sending.acknowledged, { name: "NotSent", code: "read_only" });
  await mod.room.send("Hear, hear").acknowledged;
  await until(() => texts(ann.room).length === 1, "the message");
  await assert.rejects(ann.room.change({ readOnly: null }), { code: "forbidden" });
  await mod.room.change({ readOnly: null });
  await until(() => !ann.room.about.readOnly, "the reset");
  ann.room.retry(sending.clientMessageId);
  await until(() => texts(ann.room).length === 2, "it is sent");
});

test("what changed while one was away comes in its place", async () => {
  const { mod, ann } = await pair();
  const seen = [];
  ann.room.on("event", ({ type, room, content }) => seen.push(room?.title ?? content ?? type));
  ann.client.cut();
  await mod.room.change({ title: "One" });
  await mod.room.send("between").acknowledged;
  await mod.room.change({ title: "Two" });
  await until(() => seen.length === 3, "all");
  assert.deepEqual(seen, ["One", "between", "Two"]);
  assert.equal(ann.room.about.title, "Two");
});
