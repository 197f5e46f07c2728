import assert from "node:assert/strict";
import { test } from "node:test";

import { Standing } from "../src/standing.js";

const changed = (seq, room) => ({ type: "room_changed", seq, room });
const seated = (seq, userId, role) => ({
  type: "participant_changed", seq, participant: { userId, role },
});

test("a room is like its last change, and plain without one", () => {
  const standing = new Standing();
  assert.deepEqual(standing.about, {});
  standing.joined({ seq: 4, room: { title: "Tea" } });
  assert.deepEqual(standing.about, { title: "Tea" });
  standing.heard(changed(5, { title: "Coffee", readOnly: true }), "ann");
  assert.deepEqual(standing.about, { title: "Coffee", readOnly: true });
  standing.heard(changed(6, {}), "ann");
  assert.deepEqual(standing.about, {});
});

test("what was missed before a join and comes after it does not bring an old title back", () => {
  const standing = new Standing();
  standing.joined({ seq: 9, room: { title: "Now" }, role: "owner" });
  standing.heard(changed(8, { title: "Then" }), "ann");
  standing.heard(seated(9, "ann", "member"), "ann");
  assert.deepEqual([standing.about.title, standing.role], ["Now", "owner"]);
});

test("only what is said of oneself changes one's role", () => {
  const standing = new Standing();
  standing.joined({ seq: 1, role: "member" });
  standing.heard(seated(2, "ben", "owner"), "ann");
  assert.equal(standing.role, "member");
  standing.heard(seated(3, "ann", "moderator"), "ann");
  assert.equal(standing.role, "moderator");
  standing.joined({ seq: 4 });
  assert.equal(standing.role, null);
});

test("after a reset the places begin again, and changes count", () => {
  const standing = new Standing();
  standing.joined({ seq: 9, room: { title: "Lost" } });
  standing.lost(3);
  standing.heard(changed(4, { title: "Kept" }), "ann");
  assert.equal(standing.about.title, "Kept");
});
