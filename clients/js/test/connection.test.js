import assert from "node:assert/strict";
import { afterEach, test } from "node:test";

import WebSocket from "ws";

import { ChatClient, Closed, TokenNeeded } from "../src/index.js";
import { quietRoom, ScriptedServer } from "./support/scripted_server.js";
import { next, until } from "./support/waiting.js";

const open = [];

afterEach(async () => {
  for (const end of open.splice(0).reverse()) await end();
});

async function start(answer) {
  const server = await ScriptedServer.start(answer);
  open.push(() => server.stop());
  return server;
}

function clientOf(server, token = () => "a.b.c") {
  const client = new ChatClient({ url: server.url, token, WebSocket });
  open.push(() => client.close());
  const phases = [];
  client.on("state", ({ phase }) => phases.push(phase));
  return Object.assign(client, { phases });
}

const visits = (server, count) => until(() => server.visits.length >= count, `${count} visits`);

test("it connects with a token as subprotocol, and says who one is", async () => {
  const server = await start();
  const client = clientOf(server);
  await client.connect();
  assert.deepEqual(client.phases, ["connecting", "online"]);
  assert.equal(server.visits[0].token, "a.b.c");
  assert.equal(client.userId, "ann");
});

test("a connection that breaks is replaced, with a fresh token", async () => {
  const server = await start();
  let tokens = 0;
  const client = clientOf(server, () => `token-${(tokens += 1)}`);
  await client.connect();
  server.visits[0].socket.terminate();
  await visits(server, 2);
  await until(() => client.state.phase === "online", "online again");
  assert.deepEqual(server.visits.map(({ token }) => token), ["token-1", "token-2"]);
  assert.deepEqual(client.phases.slice(2), ["waiting", "connecting", "online"]);
});

test("a code of 4000 to 4099 is not followed by another try", async () => {
  const server = await start();
  const client = clientOf(server);
  await client.connect();
  server.visits[0].socket.close(4000, "too many refused commands in a row");
  const state = await next(client, "state", ({ phase }) => phase === "stopped");
  assert.equal(state.reason, "too many refused commands in a row");
  assert.equal(state.needsToken, false);
  client.retryNow();
  await visits(server, 2);
});

test("a token that is refused is replaced once, and a second refusal stops it", async () => {
  const server = await start();
  server.refuses = ({ socket }) => socket.close(4001, "the token has expired") ?? true;
  const reasons = [];
  const client = clientOf(server, (reason) => `${reasons.push(reason)}.b.c`);
  await assert.rejects(client.connect(), Closed);
  assert.deepEqual(reasons, ["connect", "refused"]);
  assert.equal(server.visits.length, 2);
  assert.deepEqual([client.state.needsToken, client.state.reason], [true, "the token has expired"]);
});

test("the same token is not offered again after it was refused", async () => {
  const server = await start();
  server.refuses = ({ socket }) => socket.close(4001, "no") ?? true;
  const client = clientOf(server);
  await assert.rejects(client.connect(), Closed);
  assert.equal(server.visits.length, 1);
});

test("who is signed out needs another token, and does not ask for it", async () => {
  const server = await start();
  const reasons = [];
  const client = clientOf(server, (reason) => `${reasons.push(reason)}.b.c`);
  await client.connect();
  server.visits[0].socket.close(4002, "signed out: the token was revoked");
  const state = await next(client, "state", ({ phase }) => phase === "stopped");
  assert.ok(state.needsToken);
  assert.deepEqual(reasons, ["connect"]);
});

test("after 4101 it comes back by itself with another token", async () => {
  const server = await start();
  let tokens = 0;
  const client = clientOf(server, () => `token-${(tokens += 1)}`);
  await client.connect();
  server.visits[0].socket.close(4101, "token expired, reconnect with a fresh one");
  await visits(server, 2);
  assert.equal(server.visits[1].token, "token-2");
});

test("who has no token for a person's want of one stops and says so", async () => {
  const server = await start();
  const client = clientOf(server, () => {
    throw new TokenNeeded("Please log in.");
  });
  await assert.rejects(client.connect(), { message: "Please log in." });
  assert.ok(client.state.needsToken);
});

test("who waits to be in a room hears that the client has stopped", async () => {
  const server = await start();
  const client = clientOf(server, () => {
    throw new TokenNeeded("Please log in.");
  });
  client.connect();
  await assert.rejects(client.room("tea").join(), { name: "Closed", message: "Please log in." });
});

test("a token service that is down is asked again", async () => {
  const server = await start();
  let tries = 0;
  const client = clientOf(server, async () => {
    if ((tries += 1) < 3) throw new Error("503");
    return "a.b.c";
  });
  await client.connect();
  assert.equal(tries, 3);
});

test("a token that no request can carry stops it instead of failing for ever", async () => {
  const server = await start();
  const client = clientOf(server, () => "not a token");
  await assert.rejects(client.connect(), Closed);
  assert.ok(client.state.needsToken);
});

test("a drain is followed by the wait the server asked for", async () => {
  const server = await start();
  const client = clientOf(server);
  await client.connect();
  const [{ socket, say }] = server.visits;
  say({ type: "drain", closesInMs: 0, reconnectAfterMs: 300 });
  socket.close(1012, "worker is draining, reconnect");
  const before = Date.now();
  const state = await next(client, "state", ({ phase }) => phase === "waiting");
  assert.ok(state.retryAt - before >= 290, "the hint is the least wait");
  await visits(server, 2);
  assert.ok(Date.now() - before >= 290);
});

test("a token that ends soon is replaced on the live connection", async () => {
  const server = await start(quietRoom);
  const reasons = [];
  const client = clientOf(server, (reason) => `${reasons.push(reason)}.b.c`);
  await client.connect();
  server.visits[0].say({ type: "token_expiring", expiresAt: 1, expiresInMs: 60_000 });
  const told = await next(client, "event", ({ type }) => type === "token_refreshed");
  assert.equal(told.token, "2.b.c");
  assert.deepEqual(reasons, ["connect", "expiring"]);
  assert.equal(server.visits.length, 1);
});

test("a person is asked for a token only when nothing else helps", async () => {
  const server = await start(quietRoom);
  let mayAnswer = true;
  const client = clientOf(server, () => {
    if (!mayAnswer) throw new TokenNeeded("Please log in.");
    return "a.b.c";
  });
  await client.connect();
  mayAnswer = false;
  server.visits[0].say({ type: "token_expiring", expiresAt: 1, expiresInMs: 60_000 });
  assert.equal((await next(client, "tokenNeeded")).message, "Please log in.");
  assert.equal(client.state.phase, "online");
});

test("all rooms are joined again from where they were", async () => {
  const server = await start(quietRoom);
  const client = clientOf(server);
  const rooms = ["tea", "coffee"].map((name) => client.room(name));
  client.connect();
  await Promise.all(rooms.map((room) => room.join()));
  const event = { epoch: "e", timestamp: 1, userId: "ben", messageId: "m", content: "hi" };
  server.visits[0].say({ type: "chat_message", roomId: "tea", seq: 1, ...event });
  server.visits[0].say({ type: "reaction_added", roomId: "tea", seq: 2, ...event, reaction: "x" });
  await until(() => rooms[0].timeline.position.seq === 2, "both events");
  server.visits[0].socket.terminate();
  await visits(server, 2);
  await until(() => rooms.every((room) => room.ready), "both rooms");
  const joins = server.visits[1].heard.filter(({ type }) => type === "join_room");
  assert.deepEqual(joins.map(({ roomId, since }) => [roomId, since.seq]), [["tea", 2], ["coffee", 0]]);
});

test("who leaves and comes back at once is in the room in the end", async () => {
  const server = await start(quietRoom);
  const client = clientOf(server);
  const room = client.room("tea");
  await client.connect();
  const first = room.join();
  room.leave();
  await assert.rejects(first, Closed);
  await room.join();
  await until(() => room.ready, "the room");
  const types = server.visits[0].heard.map(({ type }) => type);
  assert.deepEqual(types.filter((type) => type !== "presence"), [
    "join_room", "leave_room", "join_room",
  ]);
});

test("a message beyond the server's size fails here and costs no connection", async () => {
  const server = await start(quietRoom);
  const client = clientOf(server);
  client.connect();
  const room = client.room("tea");
  await room.join();
  await assert.rejects(room.send("x".repeat(600)).acknowledged, { name: "NotSent" });
  assert.equal(server.visits.length, 1);
  assert.equal(server.visits[0].heard.filter(({ type }) => type === "chat_message").length, 0);
});

test("a retry has the same id, and an event counts as the ack that was lost", async () => {
  const server = await start((visit, command) => {
    if (command.type !== "chat_message") quietRoom(visit, command);
    else if (server.visits.length === 1) visit.socket.terminate();
    else {
      const { roomId, clientMessageId, content } = command;
      const place = { roomId, epoch: "e", seq: 1, timestamp: 1, messageId: "m", userId: "ann" };
      visit.say({ type: "chat_message", ...place, clientMessageId, content });
    }
  });
  const client = clientOf(server);
  client.connect();
  const room = client.room("tea");
  await room.join();
  const { clientMessageId, acknowledged } = room.send("Hello");
  assert.equal((await acknowledged).seq, 1);
  const sent = server.visits.flatMap(({ heard }) => heard.filter(({ type }) => type === "chat_message"));
  assert.deepEqual(sent.map((each) => each.clientMessageId), [clientMessageId, clientMessageId]);
  assert.deepEqual(room.unsent, []);
  assert.deepEqual(room.entries.map(({ content }) => content), ["Hello"]);
});

test("a refusal that names a wait is waited for, and one that is final is told", async () => {
  let tries = 0;
  const server = await start((visit, command) => {
    if (command.type !== "chat_message") return quietRoom(visit, command);
    tries += 1;
    const refusal = tries === 1 ? { code: "slow_mode", retryAfterMs: 200 } : { code: "forbidden" };
    return visit.say({ type: "error", id: command.id, message: "No.", ...refusal });
  });
  const client = clientOf(server);
  client.connect();
  const room = client.room("tea");
  await room.join();
  const before = Date.now();
  await assert.rejects(room.send("Hello").acknowledged, { name: "NotSent", code: "forbidden" });
  assert.ok(Date.now() - before >= 195);
});

test("a moderator's acts are the protocol's commands, and a refusal of one is told", async () => {
  const acts = /_user$/;
  const server = await start((visit, command) => {
    if (!acts.test(command.type)) return quietRoom(visit, command);
    const { id, type } = command;
    if (type === "kick_user") return visit.say({ type: "error", id, code: "forbidden", message: "No." });
    return visit.say({ type: "ack", id });
  });
  const client = clientOf(server);
  await client.connect();
  const { moderation } = client.room("tea");
  await moderation.ban("eve", { durationMs: 60_000, reason: "spam" });
  await moderation.unban("eve");
  await moderation.mute("eve");
  await moderation.unmute("eve");
  await assert.rejects(moderation.kick("eve"), { name: "CommandError", code: "forbidden" });
  const heard = server.visits[0].heard.filter(({ type }) => acts.test(type));
  assert.deepEqual(heard.map(({ id: _, ...act }) => act), [
    { type: "ban_user", roomId: "tea", userId: "eve", durationMs: 60_000, reason: "spam" },
    { type: "unban_user", roomId: "tea", userId: "eve" },
    { type: "mute_user", roomId: "tea", userId: "eve" },
    { type: "unmute_user", roomId: "tea", userId: "eve" },
    { type: "kick_user", roomId: "tea", userId: "eve" },
  ]);
});

test("who comes right behind the list of members is counted", async () => {
  const server = await start((visit, command) => {
    quietRoom(visit, command);
    if (command.type !== "presence") return;
    visit.say({ type: "user_joined", roomId: "tea", userId: "ben", memberCount: 2 });
    visit.say({ type: "typing", roomId: "tea", userId: "ben", isTyping: true });
  });
  const client = clientOf(server);
  client.connect();
  const { members } = client.room("tea");
  await client.room("tea").join();
  await until(() => members.list().length === 2 && members.typists("ann", Date.now())[0], "both");
  assert.equal(members.count, 2);
});

test("who is kicked out is told why, and does not come back by itself", async () => {
  const server = await start(quietRoom);
  const client = clientOf(server);
  client.connect();
  const room = client.room("tea");
  await room.join();
  const told = next(room, "error");
  const left = { type: "room_left", roomId: "tea", reason: "banned", retryAfterMs: 60_000 };
  server.visits[0].say({ ...left, message: "Off topic" });
  const { name, message, reason, retryAfterMs } = await told;
  assert.equal(name, "RoomLost");
  assert.equal(message, "You are banned from this room: Off topic");
  assert.deepEqual([reason, retryAfterMs], ["banned", 60_000]);
  server.visits[0].socket.terminate();
  await visits(server, 2);
  await until(() => client.state.phase === "online", "online again");
  assert.equal(room.ready, false);
  assert.deepEqual(server.visits[1].heard.filter(({ type }) => type === "join_room"), []);
});

test("what is refused to somebody muted fails at once, however long that lasts", async () => {
  const server = await start((visit, command) => {
    if (command.type !== "chat_message") return quietRoom(visit, command);
    const refusal = { code: "muted", message: "You are muted.", retryAfterMs: 3_600_000 };
    return visit.say({ type: "error", id: command.id, ...refusal });
  });
  const client = clientOf(server);
  client.connect();
  const room = client.room("tea");
  await room.join();
  await assert.rejects(room.send("Hello").acknowledged, { name: "NotSent", code: "muted" });
});

test("a change that was so already is done, without an event", async () => {
  const server = await start((visit, command) => {
    if (command.type !== "add_reaction") return quietRoom(visit, command);
    const { id, roomId, messageId } = command;
    return visit.say({ type: "ack", id, roomId, messageId, duplicate: true });
  });
  const client = clientOf(server);
  client.connect();
  const room = client.room("tea");
  await room.join();
  await room.react({ seq: 1, messageId: "m" }, "👍").acknowledged;
  await until(() => room.outbox.items.length === 0, "nothing is left");
});
