import assert from "node:assert/strict";
import { afterEach, test } from "node:test";

import { until } from "../support/waiting.js";
import { newRoom, Party } from "../support/worker.js";

const party = new Party();

afterEach(() => party.close());

const shown = (room) => {
  return room.entries.map(({ content, editedAt, deleted, reactions }) => {
    return [content, editedAt !== undefined, deleted ?? false, reactions ?? {}];
  });
};
const agree = (one, other) => {
  return until(() => JSON.stringify(shown(one)) === JSON.stringify(shown(other)), "both see the same");
};

const both = (one, other, count) => {
  return until(() => [one, other].every(({ room }) => room.entries.length === count), "the messages");
};

async function pair(name) {
  const roomId = newRoom(name);
  const ann = await party.member("ann", roomId);
  const ben = await party.member("ben", roomId);
  await ann.room.send("Hello").acknowledged;
  await both(ann, ben, 1);
  return { roomId, ann, ben };
}

test("edits, reactions and deletions show at once here, and soon there", async () => {
  const { ann, ben } = await pair("tea");
  const [message] = ann.room.entries;
  const edit = ann.room.edit(message, "Hello!");
  assert.equal(ann.room.entries[0].content, "Hello!");
  await edit.acknowledged;
  await ben.room.react(message, "👍").acknowledged;
  await agree(ann.room, ben.room);
  assert.deepEqual(shown(ann.room), [["Hello!", true, false, { "👍": ["ben"] }]]);
  await ben.room.unreact(message, "👍").acknowledged;
  await ann.room.delete(message).acknowledged;
  await agree(ann.room, ben.room);
  assert.deepEqual(shown(ben.room), [["", false, true, {}]]);
});

test("changes made while one was away arrive, and what one changed meanwhile is sent", async () => {
  const { ann, ben } = await pair("tea");
  const [message] = ben.room.entries;
  ben.client.cut();
  ben.room.react(message, "🎉");
  await ann.room.edit(message, "Hello again").acknowledged;
  await ann.room.react(message, "👍").acknowledged;
  await until(() => ben.room.ready && ben.room.outbox.items.length === 0, "ben is back");
  await agree(ann.room, ben.room);
  const [[content, , , reactions]] = shown(ben.room);
  assert.deepEqual([content, reactions], ["Hello again", { "👍": ["ann"], "🎉": ["ben"] }]);
});

test("who reads history sees what was made of it", async () => {
  const { roomId, ann, ben } = await pair("tea");
  const [message] = ann.room.entries;
  await ann.room.edit(message, "Hello!").acknowledged;
  await ben.room.react(message, "👍").acknowledged;
  const reply = { replyTo: { seq: message.seq, messageId: message.messageId }, mentions: ["ann"] };
  await ben.room.send("Hi", reply).acknowledged;
  await both(ann, ben, 2);
  await agree(ann.room, ben.room);
  const cleo = await party.member("cleo", roomId);
  await until(() => cleo.room.ready, "history");
  assert.deepEqual(shown(cleo.room), shown(ann.room));
  assert.deepEqual(cleo.room.entries[1].replyTo, reply.replyTo);
  assert.deepEqual(cleo.room.entries[1].mentions, ["ann"]);
});

test("what one may not change stays, and one is told why", async () => {
  const { ann, ben } = await pair("tea");
  const [message] = ben.room.entries;
  const refused = ben.room.edit(message, "I said so");
  await assert.rejects(refused.acknowledged, { name: "NotSent", code: "not_author" });
  assert.equal(ben.room.entries[0].content, "Hello");
  ben.room.discard(refused.clientMessageId);
  await ann.room.delete(message).acknowledged;
  const late = ben.room.react(message, "👍");
  await assert.rejects(late.acknowledged, { name: "NotSent", code: "message_gone" });
});
