/** Private rooms, rules and presence, as the wire says them: against a server that follows a script. */

import assert from "node:assert/strict";
import { afterEach, test } from "node:test";

import WebSocket from "ws";

import { ChatClient, NotSent, RoomLost } from "../src/index.js";
import { quietRoom, ScriptedServer } from "./support/scripted_server.js";
import { next, until } from "./support/waiting.js";

const open = [];

afterEach(async () => {
  for (const end of open.splice(0).reverse()) await end();
});

async function online(answer, options = {}) {
  const server = await ScriptedServer.start((visit, command) => {
    if (answer?.(visit, command) !== true) quietRoom(visit, command);
  });
  Object.assign(server, options.server);
  open.push(() => server.stop());
  const client = new ChatClient({ url: server.url, token: () => "a.b.c", WebSocket, ...options.client });
  open.push(() => client.close());
  await client.connect();
  return { server, client, heard: (type) => server.visits.flatMap(({ heard }) => heard).filter((each) => each.type === type) };
}

const gathered = async (iterable) => {
  const found = [];
  for await (const each of iterable) found.push(each);
  return found;
};

test("lists come page by page until there is no more", async () => {
  const pages = { rooms: [["private:a"], ["direct:b", "direct:c"]], participants: [["ann"], ["ben"]] };
  const { client, heard } = await online(({ say }, { type, id, roomId, cursor = "0" }) => {
    const more = cursor === "0" ? { cursor: "1" } : {};
    const found = (name) => pages[name][Number(cursor)];
    if (type === "list_rooms") say({ type: "rooms", id, rooms: found("rooms").map((name) => ({ roomId: name, role: "owner" })), ...more });
    else if (type === "participants") say({ type, id, roomId, participants: found("participants").map((userId) => ({ userId, role: "member", since: 1 })), ...more });
    else return false;
    return true;
  });
  const rooms = await gathered(client.listRooms());
  assert.deepEqual(rooms.map(({ roomId }) => roomId), ["private:a", "direct:b", "direct:c"]);
  const people = await gathered(client.room("private:a").participants());
  assert.deepEqual(people.map(({ userId }) => userId), ["ann", "ben"]);
  assert.equal(heard("list_rooms").length, 2);
});

test("a change of the room is queued, said once, and known by its event", async () => {
  let stored;
  const { client, server, heard } = await online((visit, { type, id, roomId, clientMessageId, title }) => {
    if (type !== "change_room") return false;
    if (stored === undefined) {
      stored = clientMessageId; // it is stored, and the answer gets lost
      visit.socket.terminate();
      return true;
    }
    assert.equal(clientMessageId, stored);
    const place = { epoch: "e", seq: 1, timestamp: 1 };
    visit.say({ type: "ack", id, roomId, clientMessageId, duplicate: true, ...place });
    visit.say({ type: "room_changed", roomId, userId: "ann", room: { title }, clientMessageId, ...place });
    return true;
  });
  const room = client.room("tea");
  await room.join();
  const ack = await room.change({ title: "Tea", topic: undefined });
  assert.equal(ack.seq, 1);
  await until(() => room.about.title === "Tea", "the event");
  assert.equal(heard("change_room").length, 2);
  assert.equal("topic" in heard("change_room")[0], false);
  assert.equal(server.visits.length, 2);
  assert.equal(room.outbox.items.length, 0);
  assert.equal(room.timeline.position.seq, 1);
});

test("a refused invitation is told to who asked and stays nowhere", async () => {
  const { client } = await online(({ say }, { type, id, roomId }) => {
    if (type !== "invite_user") return false;
    say({ type: "error", id, roomId, code: "too_many_participants", message: "Full." });
    return true;
  });
  const room = client.room("private:a");
  await room.join();
  await assert.rejects(room.invite("ben", { role: "moderator" }), (error) => {
    return error instanceof NotSent && error.code === "too_many_participants";
  });
  assert.deepEqual(room.outbox.items, []);
});

test("who is removed does not come back by itself", async () => {
  const { client, server, heard } = await online();
  const room = client.room("private:a");
  await room.join();
  const told = next(room, "error");
  server.visits[0].say({ type: "room_left", roomId: "private:a", reason: "removed" });
  const lost = await told;
  assert.ok(lost instanceof RoomLost);
  assert.equal(lost.reason, "removed");
  server.visits[0].socket.terminate();
  await until(() => server.visits.length === 2 && client.state.phase === "online", "another connection");
  await client.request({ type: "leave_room", roomId: "private:a" });
  assert.equal(heard("join_room").length, 1);
});

test("any event with a place moves the position, of whatever type", async () => {
  const { client, server, heard } = await online();
  const room = client.room("tea");
  await room.join();
  const seen = [];
  room.on("event", ({ type }) => seen.push(type));
  const types = ["room_changed", "participant_changed", "of_tomorrow"];
  types.forEach((type, at) => server.visits[0].say({
    type, roomId: "tea", epoch: "e", seq: at + 1, timestamp: 1, userId: "ben", room: {}, participant: { userId: "ben", role: null },
  }));
  await until(() => seen.length === 3, "the events");
  assert.deepEqual(seen, types);
  server.visits[0].socket.terminate();
  await until(() => heard("join_room").length === 2, "the next join");
  assert.deepEqual(heard("join_room")[1].since, { epoch: "e", seq: 3 });
  assert.deepEqual(room.entries, []);
});

test("with the inbox one hears what one has become, and when something was missed", async () => {
  const told = [];
  const server = { connected: { inbox: "inbox:ann" } };
  const { client, server: { visits }, heard } = await online(undefined, { server, client: { inbox: true } });
  client.on("membership", (event) => told.push(event?.membership.roomId ?? null));
  await until(() => client.inbox?.ready, "the inbox");
  assert.equal(heard("join_room")[0].roomId, "inbox:ann");
  assert.deepEqual(heard("presence"), []);
  const membership = { roomId: "private:a", role: "member", invited: true, by: "ben" };
  visits[0].say({ type: "membership_changed", roomId: "inbox:ann", epoch: "e", seq: 1, timestamp: 1, membership });
  visits[0].say({ type: "gap", roomId: "inbox:ann", reason: "trimmed", epoch: "e", fromSeq: 2, toSeq: 4 });
  await until(() => told.length === 2, "both");
  assert.deepEqual(told, ["private:a", null]);
});

test("a device that nobody is at says so again on each connection", async () => {
  const { client, server, heard } = await online();
  client.setIdle(true);
  client.setIdle(true);
  await until(() => heard("set_presence").length === 1, "away");
  server.visits[0].socket.terminate();
  await until(() => heard("set_presence").length === 2, "still away");
  client.setIdle(false);
  await until(() => heard("set_presence").length === 3, "back");
  assert.deepEqual(heard("set_presence").map(({ state, automatic }) => [state, automatic]), [
    ["away", true], ["away", true], ["online", true],
  ]);
});
