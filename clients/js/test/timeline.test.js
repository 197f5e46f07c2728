import assert from "node:assert/strict";
import { test } from "node:test";

import { Timeline } from "../src/timeline.js";
import { Random } from "./support/random.js";
import { RoomModel } from "./support/room_model.js";

const message = (seq, epoch = "e1") => ({
  type: "chat_message", seq, epoch, messageId: `m-${epoch}-${seq}`, userId: "u", timestamp: seq,
  content: `${seq}`,
});
const page = (from, to, more, headSeq = to) => ({
  epoch: "e1", headSeq, fromSeq: from, more, messages: Array.from({ length: to - from + 1 }, (_, i) => message(from + i)),
});
const order = (timeline) => timeline.entries.map((entry) => {
  return entry.kind === "gap" ? `${entry.reason} ${entry.fromSeq}-${entry.toSeq}` : entry.seq;
});
const joined = (seq, options = {}) => {
  const timeline = new Timeline(options);
  timeline.joined({ epoch: "e1", seq });
  return timeline;
};

/** One client of one room: its events come late or twice, its link breaks, its pages are old. */
class Follower {
  timeline = new Timeline({ firstPage: 15 });
  #queue = [];
  #asked = null;

  constructor(server, random) {
    Object.assign(this, { server, random });
  }

  connect() {
    const { joined: answer, missed } = this.server.join(this.timeline.position);
    this.timeline.joined(answer);
    this.#queue = [...missed];
  }

  hear(event) {
    this.#queue.push(event);
  }

  step() {
    const { random } = this;
    if (random.chance(0.6)) this.#take(this.#queue.shift());
    else if (this.#asked === null) this.#ask();
    else if (random.chance(0.5)) this.#answer();
  }

  disconnect() {
    this.timeline.disconnected();
    this.#asked = null;
  }

  settle() {
    while (this.#queue.length > 0) this.#take(this.#queue.shift());
    for (this.#ask(); this.#asked !== null; this.#ask()) this.#answer();
  }

  #take(event) {
    if (event === undefined) return;
    if (event.type === "gap") {
      this.timeline.gap(event);
      return;
    }
    assert.notEqual(this.timeline.event(event), "hole");
    const again = event.epoch === this.timeline.position.epoch && this.random.chance(0.2);
    if (again) assert.equal(this.timeline.event(event), "duplicate");
  }

  // The page is as old as the asking; the epoch is checked where it is read, as the server does.
  #ask() {
    const { timeline, server } = this;
    this.#asked = null;
    if (timeline.position.epoch !== server.epoch) return;
    const [fill] = timeline.fills;
    if (fill !== undefined) {
      this.#asked = { fill, page: server.page({ before: fill.upTo + 1, limit: fill.limit }) };
    } else if (timeline.olderBefore !== null) {
      const before = timeline.olderBefore;
      this.#asked = { before, page: server.page({ before, limit: 15 }) };
    }
  }

  #answer() {
    const { timeline } = this;
    const { fill, before, page: answer } = this.#asked;
    this.#asked = null;
    if (fill !== undefined && timeline.fills[0] === fill) timeline.filled(answer);
    else if (before !== undefined && timeline.olderBefore === before) timeline.older(answer);
  }
}

const SEEN = [
  "seq", "messageId", "userId", "content", "timestamp", "version", "editedAt", "editedSeq",
  "deleted", "deletedBy",
];
const seen = (each) => {
  return [...SEEN.map((field) => each[field]), JSON.stringify(each.reactions ?? {})].join("|");
};

function live(seed, mayLose) {
  const random = new Random(seed);
  const server = new RoomModel(random);
  const follower = new Follower(server, random);
  for (let i = random.below(60); i > 0; i -= 1) server.happen();
  for (let life = 0; life < 5; life += 1) {
    follower.connect();
    for (let step = 0; step < 60; step += 1) {
      if (random.chance(0.3)) follower.hear(server.happen());
      if (mayLose && random.chance(0.01)) follower.hear(server.lose(1 + random.below(20)));
      follower.step();
    }
    follower.disconnect();
    for (let i = random.below(20); i > 0; i -= 1) server.happen();
    if (mayLose && random.chance(0.2)) server.lose(1 + random.below(30));
  }
  follower.connect();
  follower.settle();
  return { server, timeline: follower.timeline };
}

test("whatever breaks, every message shows once, in order, as the server has it", () => {
  for (let seed = 1; seed <= 200; seed += 1) {
    const { server, timeline } = live(seed, false);
    assert.ok(timeline.ready, `seed ${seed}`);
    const shown = timeline.entries.map(seen);
    assert.deepEqual(shown, server.messages().map(seen), `seed ${seed}`);
  }
});

test("a store that goes back in time takes the changes it lost with it", () => {
  let lost = 0;
  for (let seed = 1; seed <= 200; seed += 1) {
    const { server, timeline } = live(seed, true);
    assert.ok(timeline.ready, `seed ${seed}`);
    const there = new Map(server.messages().map((each) => [each.messageId, each]));
    const shown = timeline.entries.filter(({ kind }) => kind === "message");
    const held = shown.filter(({ messageId }) => there.has(messageId));
    const known = held.map(({ messageId }) => there.get(messageId));
    assert.deepEqual(held.map(seen), known.map(seen), `seed ${seed}`);
    assert.equal(new Set(shown.map(({ messageId }) => messageId)).size, shown.length);
    lost += shown.length - held.length;
  }
  assert.ok(lost > 100, "the runs lose messages");
});

test("an event of a type nobody knows moves the position", () => {
  const timeline = joined(0);
  assert.equal(timeline.event({ type: "poll_opened", epoch: "e1", seq: 1 }), "added");
  assert.deepEqual(timeline.position, { epoch: "e1", seq: 1 });
  assert.equal(timeline.event(message(2)), "added");
  assert.deepEqual(order(timeline), [2]);
});

test("a gap is an entry at its place", () => {
  const timeline = joined(3);
  timeline.filled(page(1, 3, false));
  timeline.disconnected();
  timeline.joined({ epoch: "e1", seq: 42, recovered: false });
  assert.equal(timeline.caughtUp, false);
  timeline.gap({ reason: "trimmed", epoch: "e1", fromSeq: 4, toSeq: 40 });
  timeline.event(message(41));
  timeline.event(message(42));
  assert.ok(timeline.caughtUp);
  assert.deepEqual(order(timeline), [1, 2, 3, "trimmed 4-40", 41, 42]);
});

test("an epoch that changes without a hole shows nothing", () => {
  const timeline = joined(0);
  timeline.event(message(1, "e1"));
  timeline.event(message(2, "e2"));
  assert.deepEqual(order(timeline), [1, 2]);
  assert.deepEqual(timeline.position, { epoch: "e2", seq: 2 });
});

test("a reset keeps what was seen above a line", () => {
  const timeline = joined(0);
  for (const seq of [1, 2, 3]) timeline.event(message(seq));
  assert.ok(timeline.gap({ reason: "reset", epoch: "e2", fromSeq: 1, toSeq: 1 }));
  timeline.event(message(2, "e2"));
  assert.deepEqual(order(timeline), [1, 2, 3, "reset 1-1", 2]);
  assert.deepEqual(timeline.entries.map(({ lost }) => lost), [false, true, true, 2, false]);
  assert.deepEqual(timeline.position, { epoch: "e2", seq: 2 });
});

test("a hole in the live stream asks for a new join, and is shown if that does not help", () => {
  const timeline = joined(0);
  assert.deepEqual([1, 3, 2, 3].map((seq) => timeline.event(message(seq))), [
    "added", "hole", "added", "added",
  ]);
  assert.deepEqual([5, 5].map((seq) => timeline.event(message(seq))), ["hole", "added"]);
  assert.deepEqual(order(timeline), [1, 2, 3, "trimmed 4-4", 5]);
});

test("the oldest messages are forgotten, and come back from history", () => {
  const timeline = joined(0, { maxEntries: 600 });
  for (let seq = 1; seq <= 700; seq += 1) timeline.event(message(seq));
  timeline.prune();
  assert.equal(order(timeline).at(0), 501);
  assert.equal(timeline.olderBefore, 501);
  timeline.older(page(451, 500, true, 700));
  assert.equal(order(timeline).at(0), 451);
  assert.equal(timeline.entries.length, 250);
});

test("a room that began with something else than a message is whole, one that was cut is not", () => {
  const timeline = joined(5);
  timeline.filled({ epoch: "e1", headSeq: 5, fromSeq: 1, toSeq: 5, more: false, messages: [message(3)] });
  assert.deepEqual([timeline.hasOlder, timeline.startSeq], [false, 1]);
  const cut = joined(5);
  cut.filled({ epoch: "e1", headSeq: 5, fromSeq: 3, toSeq: 5, more: false, messages: [message(4)] });
  assert.deepEqual([cut.hasOlder, cut.startSeq], [false, 3]);
  assert.equal(joined(0).startSeq, 1);
});
