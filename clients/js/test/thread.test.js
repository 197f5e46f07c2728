import assert from "node:assert/strict";
import { test } from "node:test";

import { Thread } from "../src/thread.js";
import { Timeline } from "../src/timeline.js";

const message = (seq, more = {}) => ({
  type: "chat_message", roomId: "tea", epoch: "e1", seq, messageId: `m${seq}`, userId: "ann",
  timestamp: seq, content: `${seq}`, ...more,
});

/** A room of which history holds `stored`, and the timeline what came since `joinedAt`. */
function roomWith(stored, joinedAt) {
  const timeline = new Timeline({ firstPage: 0 });
  timeline.joined({ epoch: "e1", seq: joinedAt });
  const asked = [];
  const history = async ({ before = Infinity, threadId, limit }) => {
    asked.push(before);
    const covered = stored.filter(({ seq }) => seq < before).slice(-limit);
    const messages = covered.filter((each) => [each.threadId, each.messageId].includes(threadId));
    const fromSeq = covered[0]?.seq ?? 1;
    return { epoch: "e1", fromSeq, toSeq: before - 1, messages, more: fromSeq > stored[0].seq };
  };
  const open = (rootId) => new Thread({
    rootId, timeline, history,
    withPending: (entries) => entries, onChange: () => {}, onClose: () => {},
  });
  return { timeline, open, asked };
}

const seqs = (thread) => thread.entries.map(({ seq }) => seq);

test("a thread that is loaded asks for nothing and follows the room", async () => {
  const { timeline, open, asked } = roomWith([message(1)], 0);
  timeline.event(message(1));
  const thread = open("m1");
  assert.equal(thread.hasOlder, false);
  timeline.event(message(2, { threadId: "m1" }));
  timeline.event(message(3));
  assert.deepEqual(seqs(thread), [1, 2]);
  assert.deepEqual(asked, []);
});

test("what came before the room was joined is read, over pages with none of it", async () => {
  const stored = [message(1), message(2, { threadId: "m1" })];
  for (let seq = 3; seq <= 350; seq += 1) stored.push(message(seq));
  const { timeline, open, asked } = roomWith(stored, 350);
  timeline.event(message(351, { threadId: "m1" }));
  const thread = open("m1");
  assert.equal(thread.hasOlder, true);
  await thread.loadOlder();
  assert.deepEqual(seqs(thread), [1, 2, 351]);
  assert.deepEqual(asked, [351, 251, 151, 51]);
  assert.equal(thread.hasOlder, false);
});

test("a root that history has no more ends the search", async () => {
  const { open } = roomWith([message(5, { threadId: "m1" }), message(6)], 6);
  const thread = open("m1");
  await thread.loadOlder();
  assert.deepEqual(seqs(thread), [5]);
  assert.equal(thread.hasOlder, false);
  assert.equal(thread.state, "idle");
});

test("changes reach what was read, and what the timeline forgets stays", async () => {
  const { timeline, open } = roomWith([message(1), message(2, { threadId: "m1" })], 2);
  const thread = open("m1");
  await thread.loadOlder();
  const edit = {
    type: "message_edited", roomId: "tea", epoch: "e1", seq: 3, userId: "ann", timestamp: 9,
    messageSeq: 2, messageId: "m2", content: "better",
  };
  timeline.event(edit);
  thread.event(edit);
  assert.equal(thread.entries[1].content, "better");
  timeline.event(message(4, { threadId: "m1" }));
  assert.deepEqual(seqs(thread), [1, 2, 4]);
  timeline.entries.length = 0;
  assert.deepEqual(seqs(thread), [1, 2, 4]);
});

test("a reset of the history is a new beginning", async () => {
  const { open } = roomWith([message(1), message(2, { threadId: "m1" })], 2);
  const thread = open("m1");
  await thread.loadOlder();
  thread.reset();
  assert.deepEqual(seqs(thread), []);
  assert.equal(thread.hasOlder, true);
});
