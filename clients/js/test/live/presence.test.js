/** How users are, with a real worker. */

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { afterEach, test } from "node:test";

import { next, until } from "../support/waiting.js";
import { newRoom, Party } from "../support/worker.js";

const party = new Party();
afterEach(() => party.close());

test("a choice is listed, heard, and found of who is not here", async () => {
  const roomId = newRoom("states");
  const user = `ann-${randomUUID().slice(0, 6)}`;
  const ben = await party.member("ben", roomId);
  const ann = await party.member(user, roomId);
  await ann.client.setPresence("busy", { status: "In a call" });
  await until(() => ben.room.members.get(user)?.state === "busy", "busy");
  assert.equal(ben.room.members.get(user).status, "In a call");
  const cleo = await party.member("cleo", roomId);
  await until(() => cleo.room.members.get(user)?.state === "busy", "the list");
  await ann.client.setPresence("online", { status: "" });
  await until(() => ben.room.members.get(user).state === "online", "online");
  assert.equal(ben.room.members.get(user).status, undefined);
  const [here, nobody] = await ben.room.users([user, "nobody"]);
  assert.deepEqual([here.state, nobody.state, nobody.lastSeen], ["online", "offline", undefined]);
});

test("who is idle is away, until somebody is there again", async () => {
  const roomId = newRoom("idle");
  const user = `ann-${randomUUID().slice(0, 6)}`;
  const ben = await party.member("ben", roomId);
  const ann = await party.member(user, roomId);
  ann.client.setIdle(true);
  await until(() => ben.room.members.get(user)?.state === "away", "away");
  ann.client.setIdle(false);
  await until(() => ben.room.members.get(user)?.state === "online", "back");
});

test("what one got is told, and the marker only moves forward", async () => {
  const roomId = newRoom("delivered");
  const [ben, ann] = [await party.member("ben", roomId), await party.member("ann", roomId)];
  const { seq, epoch } = await ben.room.send("one").acknowledged;
  const told = next(ben.room, "receipt", ({ type }) => type === "delivered_marker");
  ann.room.markDelivered({ seq, epoch });
  const { userId, deliveredSeq } = await told;
  assert.deepEqual([userId, deliveredSeq], ["ann", seq]);
});
