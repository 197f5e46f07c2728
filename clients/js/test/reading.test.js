import assert from "node:assert/strict";
import { test } from "node:test";

import { Reading } from "../src/reading.js";

const at = (seq) => ({ epoch: "e", seq });

function reader(t) {
  t.mock.timers.enable({ apis: ["setTimeout", "Date"] });
  const told = [];
  const line = { up: true };
  const reading = new Reading(({ seq }) => {
    if (line.up) told.push(seq);
    return line.up;
  });
  t.after(() => reading.forget());
  return { reading, told, line };
}

test("of many marks the first is told at once, and the last a little later", (t) => {
  const { reading, told } = reader(t);
  for (let seq = 1; seq <= 20; seq += 1) reading.read(at(seq));
  assert.deepEqual(told, [1]);
  t.mock.timers.tick(1_000);
  assert.deepEqual(told, [1, 20]);
  t.mock.timers.tick(5_000);
  assert.deepEqual(told, [1, 20]);
});

test("the marker only moves forward, whichever device moves it", (t) => {
  const { reading, told } = reader(t);
  reading.read(at(5));
  reading.read(at(3));
  reading.heard(4);
  assert.equal(reading.readSeq, 5);
  reading.heard(9);
  assert.equal(reading.readSeq, 9);
  assert.deepEqual(told, [5]);
});

test("what was read without a connection is told after the next join", (t) => {
  const { reading, told, line } = reader(t);
  line.up = false;
  reading.read(at(5));
  line.up = true;
  reading.joined({ readSeq: 3 });
  assert.deepEqual(told, [5]);
  assert.equal(reading.readSeq, 5);
  t.mock.timers.tick(2_000);
  reading.joined({ readSeq: 5 });
  assert.deepEqual(told, [5]);
});

test("a join tells how far the other devices were", (t) => {
  const { reading, told } = reader(t);
  reading.joined({});
  assert.equal(reading.readSeq, null);
  reading.joined({ readSeq: 7 });
  assert.equal(reading.readSeq, 7);
  assert.deepEqual(told, []);
});

test("after a reset what is gone does not count as read", (t) => {
  const { reading } = reader(t);
  reading.read(at(8));
  reading.lost(6);
  assert.equal(reading.readSeq, 6);
  reading.read({ epoch: "f", seq: 7 });
  assert.equal(reading.readSeq, 7);
});
