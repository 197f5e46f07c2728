import assert from "node:assert/strict";
import { test } from "node:test";

import { Emitter } from "../src/emitter.js";

class Bell extends Emitter {
  ring(times) {
    this.emit("ring", times);
  }
}

test("a listener hears what comes after it, and nothing once it is taken off", () => {
  const bell = new Bell();
  const heard = [];
  bell.ring(1);
  const off = bell.on("ring", (times) => heard.push(times));
  bell.ring(2);
  off();
  bell.ring(3);
  assert.deepEqual(heard, [2]);
});

test("a mistake of a listener is told, and stops nobody else", (t) => {
  const later = [];
  t.mock.method(globalThis, "queueMicrotask", (task) => later.push(task));
  const bell = new Bell();
  const heard = [];
  bell.on("ring", () => {
    throw new Error("a bug of the application");
  });
  bell.on("ring", (times) => heard.push(times));
  bell.ring(1);
  assert.deepEqual(heard, [1]);
  assert.throws(later[0], { message: "a bug of the application" });
});
