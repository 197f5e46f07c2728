import assert from "node:assert/strict";
import { test } from "node:test";

import { Marker } from "../src/marker.js";

const at = (seq) => ({ epoch: "e", seq });

function reader(t) {
  t.mock.timers.enable({ apis: ["setTimeout", "Date"] });
  const told = [];
  const line = { up: true };
  const marker = new Marker(({ seq }) => {
    if (line.up) told.push(seq);
    return line.up;
  });
  t.after(() => marker.forget());
  return { marker, told, line };
}

test("of many marks the first is told at once, and the last a little later", (t) => {
  const { marker, told } = reader(t);
  for (let seq = 1; seq <= 20; seq += 1) marker.set(at(seq));
  assert.deepEqual(told, [1]);
  t.mock.timers.tick(1_000);
  assert.deepEqual(told, [1, 20]);
  t.mock.timers.tick(5_000);
  assert.deepEqual(told, [1, 20]);
});

test("the marker only moves forward, whichever device moves it", (t) => {
  const { marker, told } = reader(t);
  marker.set(at(5));
  marker.set(at(3));
  marker.heard(4);
  assert.equal(marker.seq, 5);
  marker.heard(9);
  assert.equal(marker.seq, 9);
  assert.deepEqual(told, [5]);
});

test("what was read without a connection is told after the next join", (t) => {
  const { marker, told, line } = reader(t);
  line.up = false;
  marker.set(at(5));
  line.up = true;
  marker.joined(3);
  assert.deepEqual(told, [5]);
  assert.equal(marker.seq, 5);
  t.mock.timers.tick(2_000);
  marker.joined(5);
  assert.deepEqual(told, [5]);
});

test("a join tells how far the other devices were", (t) => {
  const { marker, told } = reader(t);
  marker.joined();
  assert.equal(marker.seq, null);
  marker.joined(7);
  assert.equal(marker.seq, 7);
  assert.deepEqual(told, []);
});

test("after a reset what is gone does not count as read", (t) => {
  const { marker } = reader(t);
  marker.set(at(8));
  marker.lost(6);
  assert.equal(marker.seq, 6);
  marker.set({ epoch: "f", seq: 7 });
  assert.equal(marker.seq, 7);
});
