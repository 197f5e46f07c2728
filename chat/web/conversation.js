/**
 * What is said over a connection about one room: join and resume, history, presence, typing.
 * Knows the protocol, not the page.
 */

import { CommandError } from "./connection.js";
import { Outbox } from "./outbox.js";
import { People } from "./people.js";
import { backoffMs, mayRetry, retryDelayMs } from "./policy.js";
import { FIRST_PAGE, Room } from "./room.js";
import { Sender } from "./sender.js";

const TYPING_EVERY_MS = 3_000;
const PRESENCE_PAGE = 100;
const PRESENCE_PAGES = 5;

export class Conversation {
  selfId = null;
  /** Where the latest try to load older messages stands: idle, loading or failed. */
  olderState = "idle";

  #connection;
  #sender;
  #joining = false;
  #filling = false;
  #joinTimer = null;
  #typingSentAt = null;

  /**
   * @param {object} options
   * @param {string} options.roomId
   * @param {object[]} options.unsent what the outbox held in an earlier life of the page
   * @param {(what: string) => void} options.onChange something to show changed
   * @param {(reason: string) => void} options.onRefused the room may not be joined
   */
  constructor({ roomId, unsent, onChange, onRefused }) {
    Object.assign(this, { roomId, onChange, onRefused });
    this.room = new Room(roomId);
    this.outbox = new Outbox(unsent);
    this.people = new People();
  }

  attach(connection) {
    const { room, outbox, onChange } = this;
    this.#connection = connection;
    this.#sender = new Sender({
      connection, room, outbox, onChange,
      onNotJoined: () => this.#join(),
      onAcked: () => this.#settleAcked(),
    });
  }

  close() {
    clearTimeout(this.#joinTimer);
    this.#sender.close();
    this.#connection.send({ type: "leave_room", roomId: this.roomId });
  }

  disconnected() {
    clearTimeout(this.#joinTimer);
    this.room.disconnected();
    this.people.forgetTyping();
    this.#typingSentAt = null;
  }

  /** @param {object} event anything the server sent */
  handle(event) {
    if (event.roomId !== undefined && event.roomId !== this.roomId) return;
    const { room, people } = this;
    switch (event.type) {
      case "connected":
        this.selfId = event.userId;
        this.#join();
        break;
      case "room_joined":
        people.counted(event.memberCount);
        room.joined(event);
        break;
      case "chat_message":
        people.typing({ userId: event.userId, isTyping: false });
        if (room.message(event) === "hole") this.#join();
        else this.#delivered([event]);
        break;
      case "message_edited": case "message_deleted":
      case "reaction_added": case "reaction_removed":
        if (room.changed(event) === "hole") this.#join();
        break;
      case "gap":
        this.#gap(event);
        break;
      case "room_left":
        this.onRefused(event.reason ?? "You are no longer a member of this room.");
        break;
      case "user_joined": people.joined(event); break;
      case "user_left": people.left(event); break;
      case "member_count": people.counted(event.memberCount); break;
      case "typing": people.typing(event, Date.now()); break;
      default: return;
    }
    this.#sender.pump();
    this.onChange(event.type);
  }

  submit(content) {
    this.#typingSentAt = null;
    this.outbox.add(content.toWellFormed?.() ?? content, Date.now());
    this.#outboxChanged();
  }

  retry(clientMessageId) {
    this.outbox.retry(clientMessageId);
    this.#outboxChanged();
  }

  discard(clientMessageId) {
    this.outbox.remove(clientMessageId);
    this.#outboxChanged();
  }

  /** @param {boolean} isTyping whether there is unsent text */
  typing(isTyping) {
    const now = Date.now();
    const last = this.#typingSentAt;
    if (isTyping ? last !== null && now - last < TYPING_EVERY_MS : last === null) return;
    if (!this.room.caughtUp) return;
    this.#typingSentAt = isTyping ? now : null;
    this.#connection.send({ type: "typing", roomId: this.roomId, isTyping });
  }

  async loadOlder() {
    const before = this.room.olderBefore;
    if (this.olderState === "loading" || before === null || !this.room.ready) return;
    this.olderState = "loading";
    this.onChange("older");
    try {
      const page = await this.#history({ before, limit: FIRST_PAGE });
      if (this.room.olderBefore === before) this.room.older(page);
      this.olderState = "idle";
    } catch (error) {
      this.olderState = "failed";
      this.#joinAgain(error);
    }
    this.onChange("older");
  }

  #outboxChanged() {
    this.#sender.pump();
    this.onChange("outbox");
  }

  #gap(event) {
    if (this.room.gap(event)) {
      this.outbox.afterReset();
      this.#readHistory();
    }
    this.outbox.doubtOld(Date.now());
    this.#settleAcked();
  }

  async #join(attempt = 0) {
    if (this.#joining) return;
    clearTimeout(this.#joinTimer);
    this.#joining = true;
    const since = this.room.position ?? undefined;
    try {
      await this.#connection.request({ type: "join_room", roomId: this.roomId, since });
    } catch (error) {
      if (error instanceof CommandError && !mayRetry(error)) this.onRefused(error.message);
      else this.#joinAgain(error, attempt + 1);
      return;
    } finally {
      this.#joining = false;
    }
    await Promise.all([this.#readHistory(), this.#readPresence()]);
  }

  // Joining again is the cure for whatever went wrong in between: it resumes from the same place,
  // and learns the epoch should that have changed. Without a connection the next one joins.
  #joinAgain(error, attempt = 1) {
    if (this.#connection.state.phase !== "online") return;
    const changed = error.code === "epoch_changed";
    const delayMs = changed ? backoffMs(0) : retryDelayMs(error, attempt);
    clearTimeout(this.#joinTimer);
    this.#joinTimer = setTimeout(() => this.#join(attempt), delayMs);
  }

  // One reader at a time: a reset in the middle of a page changes what is to be read.
  async #readHistory() {
    if (this.#filling) return;
    this.#filling = true;
    try {
      while (this.room.fills.length > 0) await this.#readFill(this.room.fills[0]);
    } catch (error) {
      this.#joinAgain(error);
    } finally {
      this.#filling = false;
    }
    this.#sender.pump();
    this.onChange("history");
  }

  async #readFill(fill) {
    const page = await this.#history({ before: fill.upTo + 1, limit: fill.limit });
    if (this.room.fills[0] !== fill) return;
    this.room.filled(page);
    this.#delivered(page.messages);
    this.outbox.doubtOld(Date.now());
  }

  #history(range) {
    const { epoch } = this.room.position;
    return this.#connection.request({ type: "history", roomId: this.roomId, epoch, ...range });
  }

  async #readPresence() {
    const command = { type: "presence", roomId: this.roomId, limit: PRESENCE_PAGE };
    const members = [];
    this.people.listBegins();
    try {
      for (let page = 0; page < PRESENCE_PAGES; page += 1) {
        const answer = await this.#connection.request(command);
        members.push(...answer.members);
        this.people.counted(answer.memberCount);
        command.cursor = answer.cursor;
        if (answer.cursor === undefined) break;
      }
    } catch (error) {
      this.#joinAgain(error);
      return;
    }
    this.people.replace(members);
    this.onChange("presence");
  }

  #delivered(messages) {
    for (const { userId, clientMessageId } of messages) {
      if (userId === this.selfId && clientMessageId) this.outbox.remove(clientMessageId);
    }
  }

  // Confirmed at a place that is behind us already: the room will not send that copy again.
  #settleAcked() {
    for (const item of this.outbox.items.filter(({ state }) => state === "acked")) {
      if (this.room.confirmed({ ...item, userId: this.selfId })) {
        this.outbox.remove(item.clientMessageId);
      }
    }
  }
}
