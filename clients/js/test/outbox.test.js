import assert from "node:assert/strict";
import { test } from "node:test";

import { QueueFull } from "../src/errors.js";
import { Outbox } from "../src/outbox.js";

const say = (content) => ({ type: "chat_message", content });

function filled(...contents) {
  const outbox = new Outbox();
  for (const content of contents) outbox.add(say(content), 0);
  return outbox;
}

test("unsent messages keep their order through refusals", () => {
  const outbox = filled("one", "two");
  const first = outbox.next(0);
  outbox.sending(first, 0);
  assert.equal(outbox.next(0), undefined, "one at a time");
  outbox.refused(first, { code: "rate_limited", message: "slow", retryAfterMs: 500 }, 0);
  assert.equal(outbox.next(100), undefined, "the second does not overtake");
  assert.equal(outbox.next(1_000), first);
  outbox.sending(first, 1_000);
  outbox.refused(first, { code: "forbidden", message: "no" }, 1_000);
  assert.deepEqual([first.state, first.reason, first.code], ["failed", "no", "forbidden"]);
  assert.equal(outbox.next(1_000).command.content, "two");
});

test("an old message is not sent again over a part nobody saw", () => {
  const outbox = filled("sent long ago", "sent now", "never sent");
  outbox.items[0].firstSentAt = 0;
  outbox.items[1].firstSentAt = 399_000;
  outbox.doubtOld(400_000);
  assert.deepEqual(outbox.items.map(({ state }) => state), ["failed", "queued", "queued"]);
});

test("no more than its bound wait, and each has an id of its own", () => {
  const outbox = new Outbox([], 3);
  for (const content of ["a", "b", "c"]) outbox.add(say(content), 0);
  assert.throws(() => outbox.add(say("d"), 0), QueueFull);
  assert.equal(new Set(outbox.items.map(({ clientMessageId }) => clientMessageId)).size, 3);
});

test("what was saved comes back under the same id, what is confirmed does not", () => {
  const outbox = filled("one", "two", "three");
  outbox.acked(outbox.items[0], { epoch: "e", seq: 1, messageId: "m", timestamp: 1 });
  outbox.sending(outbox.items[1], 5);
  const saved = JSON.parse(JSON.stringify(outbox.save()));
  const again = new Outbox(saved);
  assert.deepEqual(again.items.map(({ command, state }) => [command.content, state]), [
    ["two", "queued"], ["three", "queued"],
  ]);
  assert.equal(again.items[0].clientMessageId, outbox.items[1].clientMessageId);
});

test("what was tampered with in storage is left out", () => {
  for (const saved of [null, "x", {}, [null], [{ clientMessageId: 1 }], [{ command: {} }]]) {
    assert.deepEqual(new Outbox(saved).items, []);
  }
});

test("what a store lost after it had confirmed it has failed", () => {
  const outbox = filled("one", "two");
  outbox.acked(outbox.items[0], { epoch: "e", seq: 1, messageId: "m", timestamp: 1 });
  outbox.afterReset();
  assert.deepEqual(outbox.items.map(({ state }) => state), ["failed", "queued"]);
});
