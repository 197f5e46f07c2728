import assert from "node:assert/strict";
import { test } from "node:test";

import { folded, isChange } from "../src/fold.js";
import { withPending } from "../src/pending.js";

const said = { kind: "message", messageId: "m", seq: 1, content: "Hello", userId: "ann" };
const about = { messageId: "m", messageSeq: 1, userId: "ben", timestamp: 7 };
const plus = (reaction, userId = "ben") => ({ ...about, type: "reaction_added", reaction, userId });
const minus = (reaction, userId = "ben") => ({ ...plus(reaction, userId), type: "reaction_removed" });
const fold = (...changes) => changes.map((each, i) => ({ seq: i + 2, ...each })).reduce(folded, said);

test("an edit replaces content and mentions, and says when", () => {
  const edit = { ...about, type: "message_edited", content: "Hello @cleo", mentions: ["cleo"] };
  const seen = fold(edit);
  assert.deepEqual(
    [seen.content, seen.mentions, seen.editedAt, seen.editedSeq, seen.version, seen.userId],
    ["Hello @cleo", ["cleo"], 7, 2, 2, "ann"],
  );
});

test("of a deleted message only the tombstone is left, and nothing changes it any more", () => {
  const edit = { ...about, type: "message_edited", content: "I am back" };
  const seen = fold(plus("👍"), { ...about, type: "message_deleted" }, edit, plus("🎉"));
  assert.deepEqual(
    [seen.content, seen.deleted, seen.deletedBy, seen.reactions, seen.editedAt],
    ["", true, "ben", undefined, undefined],
  );
});

test("each user reacts once with each reaction, and the last word counts", () => {
  const seen = fold(plus("👍"), plus("👍"), plus("👍", "cleo"), plus("🎉"), minus("🎉"), minus("🎈"));
  assert.deepEqual(seen.reactions, { "👍": ["ben", "cleo"] });
  assert.equal(fold(plus("👍"), minus("👍")).reactions, undefined);
});

test("what is folded in already is passed over, and so is an edit that lost its words", () => {
  const ahead = { ...said, content: "by now", version: 9 };
  const edit = { ...about, type: "message_edited", content: "back then", seq: 9 };
  assert.equal(folded(ahead, edit), ahead);
  assert.equal(folded(ahead, { ...edit, seq: 10, content: undefined }), ahead);
  assert.equal(folded(ahead, { ...edit, seq: 10 }).content, "back then");
});

test("a change leaves the message that was there as it was", () => {
  const before = structuredClone(said);
  fold(plus("👍"), { ...about, type: "message_deleted" });
  assert.deepEqual(said, before);
});

test("changes of one's own show while they are on their way, and not when they failed", () => {
  const command = { type: "add_reaction", messageId: "m", seq: 1, reaction: "👍" };
  const item = { command, createdAt: 9, state: "sending" };
  assert.deepEqual(withPending([said], [item], "ann")[0].reactions, { "👍": ["ann"] });
  assert.equal(withPending([said], [{ ...item, state: "failed" }], "ann")[0], said);
});

test("only changes are changes", () => {
  assert.ok(isChange({ type: "message_deleted" }));
  assert.ok(!isChange({ type: "chat_message" }));
});
