import assert from "node:assert/strict";
import { test } from "node:test";

import { TypingSignal } from "../src/typing.js";

function signal(t, { sends = true } = {}) {
  const told = [];
  const typing = new TypingSignal((isTyping) => {
    if (sends) told.push(isTyping);
    return sends;
  });
  t.after(() => typing.forget());
  return { typing, told };
}

test("many keystrokes are one sign, and stopping is another", (t) => {
  const { typing, told } = signal(t);
  for (let key = 0; key < 20; key += 1) typing.set(true);
  typing.set(false);
  typing.set(false);
  assert.deepEqual(told, [true, false]);
});

test("a message takes the sign back by itself, so nothing more is said", (t) => {
  const { typing, told } = signal(t);
  typing.set(true);
  typing.forget();
  typing.set(false);
  assert.deepEqual(told, [true]);
  typing.set(true);
  assert.deepEqual(told, [true, true]);
});

test("what could not be sent is not taken back", (t) => {
  const { typing, told } = signal(t, { sends: false });
  typing.set(true);
  typing.set(false);
  assert.deepEqual(told, []);
});
