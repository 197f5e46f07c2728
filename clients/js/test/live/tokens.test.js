import assert from "node:assert/strict";
import { afterEach, test } from "node:test";

import { Closed, TokenNeeded } from "../../src/index.js";
import { next, until } from "../support/waiting.js";
import { newRoom, Party } from "../support/worker.js";

const party = new Party();

afterEach(() => party.close());

test("a token is replaced before it ends, and the connection lives on", async () => {
  const reasons = [];
  let ends;
  const token = (reason) => {
    reasons.push(reason);
    if (reason !== "connect") return party.token("ann");
    ends = Date.now() + 4_000;
    return party.token("ann", { ttlS: 4 });
  };
  const client = party.client("ann", { token });
  const refreshed = next(client, "event", ({ type }) => type === "token_refreshed");
  client.connect();
  const room = client.room(newRoom("tea"));
  await room.join();
  await refreshed;
  await new Promise((resolve) => setTimeout(resolve, ends - Date.now() + 500));
  assert.deepEqual(reasons, ["connect", "expiring"]);
  assert.equal(client.sockets.length, 1);
  await room.send("still here").acknowledged;
});

test("a token that ended is followed by a new connection that resumes", async () => {
  let connects = 0;
  const token = (reason) => {
    if (reason === "expiring") throw new TokenNeeded("later");
    connects += 1;
    return party.token("ann", { ttlS: connects === 1 ? 1.5 : 3_600 });
  };
  const client = party.client("ann", { token });
  const lost = next(client, "state", ({ phase }) => phase === "waiting");
  client.connect();
  const room = client.room(newRoom("tea"));
  await room.join();
  assert.match((await lost).reason, /token expired/);
  await room.send("with another token").acknowledged;
  assert.equal(client.sockets.length, 2);
});

test("a token that is not valid stops the client with the server's reason", async () => {
  const client = party.client("ann", { token: () => party.token("ann", { ttlS: -10 }) });
  await assert.rejects(client.connect(), Closed);
  assert.ok(client.state.needsToken);
  assert.match(client.state.reason, /expired/);
});

test("a room that the new token does not allow is left, and said so", async () => {
  const roomId = newRoom("tea");
  const token = (reason) => {
    return party.token("ann", reason === "connect" ? {} : { rooms: { other: ["join"] } });
  };
  const { client, room } = await party.member("ann", roomId, { token });
  const told = next(room, "error");
  await client.renewToken();
  assert.equal((await told).reason, "forbidden");
  await until(() => !room.ready, "out of the room");
});
