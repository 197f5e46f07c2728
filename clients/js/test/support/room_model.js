/** A room as the server keeps it: a log of events, of which history is the fold. The slow way. */

const USERS = ["ann", "ben", "cleo"];
const OTHERS = ["room_changed", "participant_changed", "of_tomorrow"];
const REACTIONS = ["👍", "🎉"];

export class RoomModel {
  epoch = "e1";
  log = [];
  resets = 0;

  constructor(random) {
    this.random = random;
  }

  get head() {
    return this.log.length;
  }

  /** Something happens. @returns {object} its event */
  happen() {
    const { random } = this;
    // Not all that has a place is a message, or about one, or of a type that is known here.
    if (random.chance(0.15)) return this.#append({ type: random.pick(OTHERS), room: {} });
    const messages = this.log.filter(({ type }) => type === "chat_message");
    const kinds = ["message_edited", "message_deleted", "reaction_added", "reaction_removed"];
    if (messages.length === 0 || random.chance(0.5)) return this.say(`words ${this.head}`);
    const { seq, messageId } = random.pick(messages.slice(-15));
    const reaction = random.pick(REACTIONS);
    const change = { type: random.pick(kinds), messageSeq: seq, messageId };
    if (change.type === "message_edited") change.content = `edited ${this.head}`;
    if (change.type.startsWith("reaction")) change.reaction = reaction;
    if (change.type === "message_deleted" && random.chance(0.7)) return this.say("not deleted");
    return this.#append(change);
  }

  say(content) {
    const messageId = `m-${this.epoch}-${this.head + 1}`;
    return this.#append({ type: "chat_message", messageId, content });
  }

  /** The store goes back in time. @returns {object} the gap that members are told */
  lose(count) {
    const previousEpoch = this.epoch;
    this.log = this.log.slice(0, Math.max(0, this.head - count));
    this.resets += 1;
    this.epoch = `e${this.resets + 1}`;
    return this.#gap(this.head, previousEpoch);
  }

  /** @returns {{joined: object, missed: object[]}} the answer to a join, and what follows it */
  join(since) {
    const joined = { epoch: this.epoch, seq: this.head };
    if (since === null) return { joined, missed: [] };
    const common = this.#common(since);
    const gone = common < since.seq;
    const missed = this.log.slice(Math.min(common, since.seq)).map((each) => this.#later(each));
    if (gone) missed.unshift(this.#gap(common, since.epoch));
    return { joined: { ...joined, recovered: !gone }, missed };
  }

  /** `limit` counts places, so that a page may hold few messages, or none. */
  page({ before, limit }) {
    const places = this.log.slice(0, before - 1).slice(-limit);
    const messages = places.filter(({ type }) => type === "chat_message");
    const fromSeq = places[0]?.seq ?? before;
    const now = messages.map((event) => this.#now(event));
    return { epoch: this.epoch, headSeq: this.head, fromSeq, messages: now, more: fromSeq > 1 };
  }

  /** @returns {object[]} every message with what became of it */
  messages() {
    return this.log.filter(({ type }) => type === "chat_message").map((event) => this.#now(event));
  }

  // What is read later is as it is by now; an edit that was overtaken has lost its words.
  #later(event) {
    if (event.type === "chat_message") return this.#now(event);
    if (event.type !== "message_edited") return event;
    const ends = ["message_edited", "message_deleted"];
    const overtaken = this.log.slice(event.seq).some((each) => {
      return each.messageId === event.messageId && ends.includes(each.type);
    });
    const { content: _, ...rest } = event;
    return overtaken ? rest : event;
  }

  #now(message) {
    const seen = { ...message };
    for (const event of this.log.slice(message.seq)) {
      if (event.messageId === message.messageId && !seen.deleted) this.#touch(seen, event);
    }
    return seen;
  }

  #touch(seen, { type, seq, timestamp, userId, content, reaction }) {
    const { version } = seen;
    seen.version = seq;
    const users = seen.reactions?.[reaction] ?? [];
    if (type === "message_edited") {
      Object.assign(seen, { content, editedAt: timestamp, editedSeq: seq });
    } else if (type === "message_deleted") {
      Object.assign(seen, { content: "", deleted: true, deletedBy: userId });
      for (const field of ["reactions", "editedAt", "editedSeq"]) delete seen[field];
    } else if (type === "reaction_added" && !users.includes(userId)) {
      seen.reactions = { ...seen.reactions, [reaction]: users.concat(userId) };
    } else if (type === "reaction_removed" && users.includes(userId)) {
      const left = Object.entries({
        ...seen.reactions, [reaction]: users.filter((user) => user !== userId),
      });
      seen.reactions = Object.fromEntries(left.filter(([, each]) => each.length > 0));
    } else {
      seen.version = version;
    }
  }

  // Where the epochs of a position and of now part. Each reset is remembered in the events' epochs.
  #common(since) {
    if (since.epoch === this.epoch) return since.seq;
    const at = this.parted.findIndex(({ epoch }) => epoch === since.epoch);
    return Math.min(since.seq, ...this.parted.slice(at).map(({ seq }) => seq));
  }

  parted = [];

  #gap(seq, previousEpoch) {
    if (this.parted.length < this.resets) this.parted.push({ epoch: previousEpoch, seq });
    return {
      type: "gap", reason: "reset", epoch: this.epoch, fromSeq: seq, toSeq: seq, previousEpoch,
    };
  }

  #append(event) {
    const { epoch, head } = this;
    const userId = this.random.pick(USERS);
    const place = { roomId: "r", epoch, seq: head + 1, timestamp: head + 1, userId };
    this.log.push({ ...place, ...event });
    return this.log.at(-1);
  }
}
