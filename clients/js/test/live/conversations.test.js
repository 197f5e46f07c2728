/** Private and direct rooms, with a real worker. */

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { afterEach, test } from "node:test";

import { next, until } from "../support/waiting.js";
import { Party, texts } from "../support/worker.js";

const party = new Party();
afterEach(() => party.close());

const RIGHTS = { "*": ["join", "publish", "create"] };

async function people(...names) {
  const clients = names.map((name) => {
    const user = `${name}-${randomUUID().slice(0, 6)}`;
    return party.client(user, { inbox: true, token: () => party.token(user, { rooms: RIGHTS }) });
  });
  await Promise.all(clients.map((client) => client.connect()));
  await until(() => clients.every(({ inbox }) => inbox?.ready), "the inboxes");
  return clients;
}

const gathered = async (iterable) => {
  const found = [];
  for await (const each of iterable) found.push(each);
  return found;
};

test("an invitation is heard, accepted, and seen in the room", async () => {
  const [ann, ben] = await people("ann", "ben");
  const told = next(ben, "membership");
  const { roomId, role } = await ann.createRoom();
  assert.equal(role, "owner");
  const room = ann.room(roomId);
  await room.join();
  assert.equal(room.role, "owner");
  const seen = next(room, "event", ({ type }) => type === "participant_changed");
  const ack = await room.invite(ben.userId, { role: "moderator" });
  const { membership } = await told;
  assert.deepEqual([membership.roomId, membership.invited, membership.by], [roomId, true, ann.userId]);
  assert.equal((await seen).seq, ack.seq);
  await assert.rejects(ben.room(roomId).join(), { code: "forbidden" });
  await ben.answerInvitation(roomId, true);
  const theirs = ben.room(roomId);
  await theirs.join();
  assert.equal(theirs.role, "moderator");
  await theirs.send("Here I am").acknowledged;
  await until(() => texts(room).length === 1, "the message");
  const roles = (await gathered(room.participants())).map(({ userId, role }) => [userId, role]);
  assert.deepEqual(new Map(roles), new Map([[ann.userId, "owner"], [ben.userId, "moderator"]]));
  assert.deepEqual((await gathered(ben.listRooms())).map((each) => each.roomId), [roomId]);
});

test("who is removed is out, and comes back by no connection", async () => {
  const [ann, ben] = await people("ann", "ben");
  const { roomId } = await ann.createRoom({ userIds: [ben.userId] });
  await ben.answerInvitation(roomId, true);
  const [room, theirs] = [ann.room(roomId), ben.room(roomId)];
  await Promise.all([room.join(), theirs.join()]);
  await room.setRole(ben.userId, "moderator");
  await until(() => theirs.role === "moderator", "the role");
  await assert.rejects(theirs.setRole(ann.userId, "member"), { code: "forbidden" });
  const told = next(theirs, "error");
  await room.removeParticipant(ben.userId);
  assert.equal((await told).reason, "removed");
  const joins = [];
  ben.on("event", ({ type, roomId: where }) => type === "room_joined" && joins.push(where));
  ben.cut();
  await until(() => joins.includes(ben.inbox.roomId), "the next connection");
  assert.deepEqual(joins, [ben.inbox.roomId]);
  await assert.rejects(theirs.join(), { code: "forbidden" });
});

test("the last owner stays; who leaves for good is told so", async () => {
  const [ann, ben] = await people("ann", "ben");
  const { roomId } = await ann.createRoom({ userIds: [ben.userId] });
  await ben.answerInvitation(roomId, true);
  const [room, theirs] = [ann.room(roomId), ben.room(roomId)];
  await Promise.all([room.join(), theirs.join()]);
  await assert.rejects(room.leaveForGood(), { code: "last_owner" });
  const told = next(theirs, "error");
  await theirs.leaveForGood();
  assert.equal((await told).reason, "removed");
  assert.deepEqual(await gathered(ben.listRooms()), []);
});

test("the same users get the same direct room", async () => {
  const [ann, ben] = await people("ann", "ben");
  const told = next(ben, "membership");
  const made = await ann.openDirect([ben.userId]);
  const { membership } = await told;
  assert.equal(membership.roomId, made.roomId);
  assert.deepEqual(new Set(membership.userIds), new Set([ann.userId, ben.userId]));
  const again = await ben.openDirect([ann.userId]);
  assert.deepEqual([again.roomId, again.duplicate], [made.roomId, true]);
});
