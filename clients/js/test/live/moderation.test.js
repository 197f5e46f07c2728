import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";

import { CommandError, RoomLost } from "../../src/index.js";
import { next, until } from "../support/waiting.js";
import { newRoom, Party, texts } from "../support/worker.js";

const MODERATOR = { "*": ["join", "publish", "moderate"] };
const party = new Party();

afterEach(() => party.close());

const moderator = (roomId) => {
  return party.member("mod", roomId, { token: () => party.token("mod", { rooms: MODERATOR }) });
};

async function pair() {
  const roomId = newRoom("tea");
  const mod = await moderator(roomId);
  const ben = await party.member("ben", roomId);
  await until(() => mod.room.members.count === 2, "both");
  return { roomId, mod, ben };
}

test("who is kicked is told why, stays out until joining again, and has missed nothing", async () => {
  const { mod, ben } = await pair();
  await mod.room.send("before").acknowledged;
  await until(() => texts(ben.room).length === 1, "the message");
  const told = next(ben.room, "error");
  await mod.room.moderation.kick("ben", { reason: "Off topic" });
  const lost = await told;
  assert.ok(lost instanceof RoomLost);
  assert.equal(lost.reason, "kicked");
  assert.match(lost.message, /Off topic/);
  await until(() => mod.room.members.count === 1, "ben is out");
  ben.client.cut(); // another connection is no way back in
  await until(() => ben.client.sockets.length > 1 && ben.client.state.phase === "online", "back");
  await mod.room.send("meanwhile").acknowledged;
  assert.equal(ben.room.ready, false);
  assert.deepEqual(texts(ben.room), ["before"]);
  await ben.room.join();
  await until(() => texts(ben.room).length === 2, "what was said meanwhile");
  await ben.room.send("back").acknowledged;
  await until(() => texts(mod.room).length === 3, "ben is heard");
  assert.deepEqual(texts(mod.room), ["before", "meanwhile", "back"]);
});

test("a ban puts out everywhere, and refuses until it is lifted", async () => {
  const { roomId, mod, ben } = await pair();
  const other = await party.member("ben", roomId);
  const told = [ben, other].map(({ room }) => next(room, "error"));
  await mod.room.moderation.ban("ben", { durationMs: 60_000, reason: "Spam" });
  for (const lost of await Promise.all(told)) {
    assert.equal(lost.reason, "banned");
    assert.match(lost.message, /Spam/);
    assert.ok(lost.retryAfterMs > 0 && lost.retryAfterMs <= 60_000);
  }
  await assert.rejects(ben.room.join(), ({ name, code, retryAfterMs }) => {
    return name === "CommandError" && code === "banned" && retryAfterMs <= 60_000;
  });
  await mod.room.moderation.unban("ben");
  await ben.room.join();
  await ben.room.send("I am sorry").acknowledged;
});

test("who was banned while away is not let in again, and does not ask again", async () => {
  const { mod, ben } = await pair();
  ben.client.close();
  await mod.room.moderation.ban("ben");
  const refusals = [];
  ben.client.on("event", ({ type, code }) => type === "error" && refusals.push(code));
  const told = next(ben.room, "error");
  await ben.client.connect();
  const refused = await told;
  assert.ok(refused instanceof CommandError);
  assert.equal(refused.code, "banned");
  await pause(700); // longer than the first two tries of a back-off
  assert.deepEqual(refusals, ["banned"]);
  assert.equal(ben.room.ready, false);
});

test("a ban ends when the server said", async () => {
  const { mod, ben } = await pair();
  const told = next(ben.room, "error");
  await mod.room.moderation.ban("ben", { durationMs: 2_000 });
  const { retryAfterMs } = await told;
  assert.ok(retryAfterMs > 0 && retryAfterMs <= 2_000);
  await pause(retryAfterMs + 50);
  await ben.room.join();
});

test("who is muted reads on, and what was refused can be sent after the mute", async () => {
  const { mod, ben } = await pair();
  await mod.room.moderation.mute("ben", { reason: "Shouting" });
  const sending = ben.room.send("HELLO");
  await assert.rejects(sending.acknowledged, { name: "NotSent", code: "muted" });
  await mod.room.send("Quiet, please").acknowledged;
  await until(() => texts(ben.room).length === 1, "ben reads");
  const [message] = ben.room.entries;
  const reaction = ben.room.react(message, "👍");
  await assert.rejects(reaction.acknowledged, { name: "NotSent", code: "muted" });
  assert.equal(ben.room.entries[0].reactions, undefined);
  ben.room.discard(reaction.clientMessageId);
  await mod.room.moderation.unmute("ben");
  assert.deepEqual(ben.room.unsent.map(({ state }) => state), ["failed"]);
  ben.room.retry(sending.clientMessageId);
  await until(() => texts(mod.room).length === 2, "ben is heard");
  assert.deepEqual(texts(mod.room), ["Quiet, please", "HELLO"]);
});

test("a moderator deletes what others wrote", async () => {
  const { mod, ben } = await pair();
  await ben.room.send("Buy now").acknowledged;
  await until(() => texts(mod.room).length === 1, "the message");
  await mod.room.delete(mod.room.entries[0]).acknowledged;
  await until(() => ben.room.entries[0].deleted, "the deletion");
  assert.deepEqual(texts(ben.room), [""]);
});

test("who is no moderator is refused, and nobody acts on oneself", async () => {
  const { mod, ben } = await pair();
  for (const act of ["kick", "ban", "unban", "mute", "unmute"]) {
    await assert.rejects(ben.room.moderation[act]("mod"), (error) => {
      return error instanceof CommandError && error.code === "forbidden";
    });
    await assert.rejects(mod.room.moderation[act]("mod"), { code: "forbidden" });
  }
  assert.ok(mod.room.ready && ben.room.ready);
});

test("anyone reports a message that is there", async () => {
  const { mod, ben } = await pair();
  await mod.room.send("Buy now").acknowledged;
  await until(() => texts(ben.room).length === 1, "the message");
  const [message] = ben.room.entries;
  await ben.room.reportMessage(message, "Spam");
  const gone = { ...message, messageId: "another" };
  await assert.rejects(ben.room.reportMessage(gone, "Spam"), { code: "message_gone" });
});
