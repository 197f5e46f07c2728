import assert from "node:assert/strict";
import { test } from "node:test";

import { Members } from "../src/members.js";

test("who comes while the list is read is on it, who leaves is not", () => {
  const members = new Members();
  members.listBegins();
  members.joined({ userId: "new", memberCount: 3 });
  members.left({ userId: "gone", memberCount: 2 });
  members.replace([{ userId: "gone" }, { userId: "zoe" }, { userId: "ada", user: { name: "Ada" } }]);
  assert.deepEqual(members.list("zoe").map(({ name }) => name), ["zoe", "Ada", "new"]);
  assert.equal(members.count, 2);
});

test("a page of the list that is older than who came meanwhile does not say how many there are", () => {
  const members = new Members();
  members.listBegins();
  members.listed(1);
  assert.equal(members.count, 1);
  members.joined({ userId: "ben", memberCount: 2 });
  members.listed(1);
  members.replace([{ userId: "ada" }]);
  assert.equal(members.count, 2);
  members.listBegins();
  members.listed(3);
  assert.equal(members.count, 3);
});

test("typing ends by itself, and oneself is not told", () => {
  const members = new Members();
  members.typing({ userId: "ada", isTyping: true, expiresInMs: 50 }, 0);
  members.typing({ userId: "zoe", isTyping: true }, 0);
  assert.deepEqual(members.typists("zoe", 49), ["ada"]);
  assert.deepEqual(members.typists("zoe", 50), []);
});

test("of a crowd only so many are listed, and all are counted", () => {
  const members = new Members();
  members.counted(9_000);
  members.replace(Array.from({ length: 700 }, (_, i) => ({ userId: `u${i}` })));
  assert.equal(members.list().length, 500);
  assert.equal(members.count, 9_000);
});

test("how a member is comes with the list, with who joins, and by itself", () => {
  const members = new Members();
  members.listBegins();
  members.became({ userId: "zoe", state: "busy", status: "In a call" });
  members.replace([{ userId: "ada", state: "away" }, { userId: "zoe" }]);
  members.joined({ userId: "bob", state: "online", status: "Back soon", memberCount: 3 });
  const known = () => members.list().map(({ userId, state, status }) => [userId, state, status]);
  assert.deepEqual(known(), [
    ["ada", "away", undefined], ["bob", "online", "Back soon"], ["zoe", "busy", "In a call"],
  ]);
  members.became({ userId: "zoe", state: "online" });
  members.became({ userId: "nobody", state: "busy" });
  assert.deepEqual(known()[2], ["zoe", "online", undefined]);
  assert.equal(members.get("nobody"), undefined);
});
