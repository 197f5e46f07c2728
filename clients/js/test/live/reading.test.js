import assert from "node:assert/strict";
import { afterEach, test } from "node:test";

import { until } from "../support/waiting.js";
import { newRoom, Party } from "../support/worker.js";

const party = new Party();

afterEach(() => party.close());

test("what one reads on a device is read on the others, and counts after a reload", async () => {
  const roomId = newRoom("tea");
  const laptop = await party.member("ann", roomId);
  const phone = await party.member("ann", roomId);
  const ben = await party.member("ben", roomId);
  for (const text of ["one", "two", "three"]) await ben.room.send(text).acknowledged;
  await until(() => laptop.room.unread === 3 && phone.room.unread === 3, "three unread");
  laptop.room.markRead(laptop.room.entries[1]);
  assert.deepEqual([laptop.room.readSeq, laptop.room.unread], [2, 1]);
  await until(() => phone.room.unread === 1, "read on the laptop");
  const again = await party.member("ann", roomId);
  assert.deepEqual([again.room.readSeq, again.room.unread], [2, 1]);
  assert.equal(ben.room.readSeq, null);
  await laptop.room.send("mine").acknowledged;
  await until(() => laptop.room.entries.length === 4, "one's own");
  assert.equal(laptop.room.unread, 1);
});

test("what was read without a connection is told when it is back", async () => {
  const roomId = newRoom("tea");
  const laptop = await party.member("ann", roomId);
  const phone = await party.member("ann", roomId);
  await phone.room.send("one").acknowledged;
  await until(() => laptop.room.entries.length === 1, "the message");
  laptop.client.close();
  laptop.room.markRead();
  assert.equal(phone.room.readSeq, null);
  await laptop.client.connect();
  await until(() => phone.room.readSeq === 1, "the marker");
});
