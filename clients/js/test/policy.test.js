import assert from "node:assert/strict";
import { test } from "node:test";

import { afterClose, backoffMs, mayRetry, retryDelayMs } from "../src/policy.js";

const plan = (code, rest = {}) => afterClose({ code, drainMs: null, attempt: 0, ...rest }, 0.5);

test("the range of a close code decides how to come back", () => {
  for (const code of [4000, 4001, 4050, 4099]) assert.equal(plan(code).reconnect, false, `${code}`);
  for (const code of [1000, 1005, 1006, 1011, 4100, 4101, 4199]) {
    assert.deepEqual(plan(code), { reconnect: true, delayMs: 250 }, `${code}`);
  }
  for (const code of [1012, 4200, 4201, 4299]) {
    assert.deepEqual(plan(code), { reconnect: true, delayMs: 0 }, `${code}`);
  }
});

test("a drain is followed by the wait the server asked for, within reason", () => {
  for (const code of [1012, 1006]) {
    assert.equal(plan(code, { drainMs: 1234, attempt: 3 }).delayMs, 1234);
  }
  assert.equal(plan(1012, { drainMs: 86_400_000 }).delayMs, 60_000);
});

test("at once twice in a row becomes back-off", () => {
  assert.equal(plan(4200, { attempt: 1 }).delayMs, 500);
  assert.equal(plan(1012, { attempt: 2 }).delayMs, 1_000);
});

test("back-off has full jitter, from nothing to a ceiling that doubles up to 30 seconds", () => {
  const spans = [0, 1, 2, 6, 50, 5000].map((n) => [backoffMs(n, 0), backoffMs(n, 0.999999)]);
  assert.deepEqual(spans, [
    [0, 500], [0, 1_000], [0, 2_000], [0, 30_000], [0, 30_000], [0, 30_000],
  ]);
});

test("a refused command waits at least as long as the server said", () => {
  assert.ok(retryDelayMs({ retryAfterMs: 900 }, 0, 0) >= 900);
  assert.ok(retryDelayMs({ retryAfterMs: 900 }, 9, 0.999) < 1_200);
  assert.equal(retryDelayMs({}, 1, 0.5), 500);
});

test("what is certain not to help is not tried again, a sentence least of all", () => {
  for (const code of ["rate_limited", "busy", "unavailable", "not_replicated", "internal"]) {
    assert.ok(mayRetry({ code }), code);
  }
  for (const code of ["forbidden", "content_too_long", "too_late", "not_author", "message_gone"]) {
    assert.ok(!mayRetry({ code }), code);
  }
  assert.ok(!mayRetry({ code: "muted", retryAfterMs: 3_600_000 }));
  assert.ok(!mayRetry({ code: "banned", retryAfterMs: 3_600_000 }));
});
