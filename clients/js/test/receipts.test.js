import assert from "node:assert/strict";
import { test } from "node:test";

import { CommandError } from "../src/index.js";
import { Receipts } from "../src/receipts.js";
import { Timeline } from "../src/timeline.js";

const at = (seq) => ({ epoch: "e", seq });

function receipts(t, answer) {
  t.mock.timers.enable({ apis: ["setTimeout", "Date"] });
  const [sent, asked] = [[], []];
  const made = new Receipts(
    new Timeline(),
    (command) => sent.push(command) > 0,
    (command) => asked.push(command) && answer(),
  );
  t.after(() => made.forget());
  return { made, sent, asked };
}

test("what is read in private is told as such", (t) => {
  const { made, sent } = receipts(t, () => Promise.resolve());
  made.markRead(at(3), { private: true });
  t.mock.timers.tick(1_000);
  made.markRead(at(4), {});
  assert.deepEqual(sent, [
    { type: "mark_read", ...at(3), private: true }, { type: "mark_read", ...at(4) },
  ]);
});

test("where delivered markers are not turned on they are told once", async (t) => {
  const refusal = new CommandError({ code: "not_enabled", message: "No." });
  const { made, asked } = receipts(t, () => Promise.reject(refusal));
  made.markDelivered(at(1));
  await Promise.resolve();
  t.mock.timers.tick(1_000);
  made.markDelivered(at(2));
  t.mock.timers.tick(5_000);
  assert.deepEqual(asked, [{ type: "mark_delivered", ...at(1) }]);
});
