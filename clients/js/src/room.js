/**
 * One room as an application sees it: joins and resumes by itself, knows its messages and members,
 * and queues what one says until the server has it.
 */

import { Emitter } from "./emitter.js";
import { Closed, RoomLost } from "./errors.js";
import { Members } from "./members.js";
import { Membership } from "./membership.js";
import { Moderation } from "./moderation.js";
import { isMessage } from "./entries.js";
import { isUnsentMessage, withPending } from "./pending.js";
import { Queue } from "./queue.js";
import { Reading } from "./reading.js";
import { Timeline } from "./timeline.js";
import { TypingSignal } from "./typing.js";

/** @typedef {import("./protocol.js").Attachment} Attachment */
/** @typedef {import("./protocol.js").Command} Command */
/** @typedef {import("./protocol.js").Gap} Gap */
/** @typedef {import("./protocol.js").HistoryPage} HistoryPage */
/** @typedef {import("./protocol.js").MessageReference} MessageReference */
/** @typedef {import("./protocol.js").Position} Position */
/** @typedef {import("./protocol.js").RoomEvent} RoomEvent */
/** @typedef {import("./protocol.js").ServerEvent} ServerEvent */
/** @typedef {import("./queue.js").Sending} Sending */
/** @typedef {import("./uploads.js").UploadOptions} UploadOptions */

/**
 * @typedef {object} RoomEvents
 * @property {string} change something to show changed; the name of what it was
 * @property {RoomEvent} event every live event of the room's order, each once and in order
 * @property {Gap} gap events that can not be delivered any more, at this place of the order
 * @property {Error} error the room may not be joined (`CommandError`), or was lost (`RoomLost`)
 */

/**
 * @typedef {object} RoomOptions
 * @property {unknown} [unsent] what `room.outbox.save()` returned in an earlier life
 * @property {number} [firstPage] messages of history to read at the first join; 50
 * @property {number} [maxEntries] how many messages to keep; 2,000
 * @property {number} [maxUnsent] how many may wait to be sent; 200
 * @property {boolean} [listMembers] whether to read who is there; true
 */

/**
 * @typedef {object} SendOptions
 * @property {MessageReference} [replyTo]
 * @property {string} [threadId]
 * @property {string[]} [mentions]
 * @property {Attachment[]} [attachments] what `upload` has answered
 */

/**
 * @typedef {object} Link what a room needs of its client
 * @property {(command: Command, onAnswer?: (event: any) => void) => Promise<any>} request
 * @property {(command: Command) => boolean} send
 * @property {() => boolean} isOnline
 * @property {() => number} maxMessageBytes
 * @property {() => string | null} selfId
 * @property {(roomId: string, file: Blob, options?: UploadOptions) => Promise<Attachment>} upload
 */

/** @extends {Emitter<RoomEvents>} */
export class Room extends Emitter {
  /**
   * Where the latest try to load older messages stands.
   *
   * @type {"idle" | "loading" | "failed"}
   */
  olderState = "idle";
  /** Set it while a person reads far back: the oldest messages are not forgotten then. */
  readingBack = false;

  #link;
  #membership;
  #queue;
  #reading;
  #typing;

  /**
   * @param {string} roomId
   * @param {Link} link
   * @param {RoomOptions} options
   */
  constructor(roomId, link, { unsent, firstPage, maxEntries, maxUnsent, listMembers = true } = {}) {
    super();
    this.roomId = roomId;
    this.timeline = new Timeline({ firstPage, maxEntries });
    this.members = new Members();
    this.moderation = new Moderation((command) => link.request({ ...command, roomId }));
    this.#link = link;
    this.#reading = new Reading(({ epoch, seq }) => {
      return link.isOnline() && link.send({ type: "mark_read", roomId, epoch, seq });
    });
    this.#membership = new Membership({
      roomId, link, listMembers, timeline: this.timeline, members: this.members,
      reading: this.#reading,
      onRead: (messages) => this.#read(messages),
      onChange: (what) => this.#moved(what),
      onRefused: (error) => this.#ended(error),
    });
    this.#queue = new Queue({
      roomId, link, timeline: this.timeline, unsent, limit: maxUnsent,
      onChange: () => this.emit("change", "outbox"),
      onNotJoined: () => this.#membership.enter(),
    });
    this.outbox = this.#queue.outbox;
    this.#typing = new TypingSignal((isTyping) => {
      return this.timeline.caughtUp && link.send({ type: "typing", roomId, isTyping });
    });
  }

  /** Messages and gaps in order, with one's own changes that are still on their way. */
  get entries() {
    return withPending(this.timeline.entries, this.outbox.items, this.#link.selfId());
  }

  /** Messages of one's own that are not in the order yet. */
  get unsent() {
    return this.outbox.items.filter(isUnsentMessage);
  }

  /** Joined and complete: what is sent goes out at once. */
  get ready() {
    return this.timeline.ready;
  }

  /** Up to where one has read, on any device; null while nothing is known to be read. */
  get readSeq() {
    return this.#reading.readSeq;
  }

  /**
   * How many messages of others one has not read. Where history was not read that far back it is
   * the number of places in the order since: of messages and of events about them.
   */
  get unread() {
    const { entries, olderBefore, position, ready } = this.timeline;
    const read = this.readSeq ?? 0;
    if (ready && (olderBefore === null || olderBefore <= read + 1)) {
      const selfId = this.#link.selfId();
      return entries.filter((entry) => {
        return isMessage(entry) && entry.seq > read && isNews(entry) && entry.userId !== selfId;
      }).length;
    }
    return Math.max(0, (position?.seq ?? 0) - read);
  }

  /**
   * Say that one has read up to a message, or all there is. It is told to one's other devices, at
   * most once a second, and without a connection after the next join.
   *
   * @param {Position} [upTo]
   */
  markRead(upTo = this.timeline.position ?? undefined) {
    if (upTo === undefined) return;
    this.#reading.read({ epoch: this.timeline.position?.epoch ?? upTo.epoch, seq: upTo.seq });
    this.#moved("read");
  }

  /**
   * Be a member from now on, through every reconnect, until `leave`.
   *
   * @returns {Promise<void>} resolves once joined; rejects with CommandError when refused, with Closed
   *   when the client stops before (it joins all the same, should the client go on)
   */
  join() {
    return this.#membership.join();
  }

  /** Leave the room. What waits to be sent is kept, and sent after the next join. */
  leave() {
    this.#queue.close();
    this.#typing.forget();
    this.#reading.forget();
    this.#membership.leave(new Closed("The room was left."));
    const left = this.#link.request({ type: "leave_room", roomId: this.roomId });
    left.catch(() => {}); // without a connection there is nothing to leave
  }

  /**
   * Upload a file that a message in this room is to bring along.
   *
   * @param {Blob} file
   * @param {UploadOptions} [options]
   * @returns {Promise<Attachment>} rejects with UploadRefused or ConnectionLost
   */
  upload(file, options) {
    return this.#link.upload(this.roomId, file, options);
  }

  /**
   * @param {string} content may be empty where files come along
   * @param {SendOptions} options
   * @returns {Sending} throws QueueFull
   */
  send(content, { replyTo, threadId, mentions, attachments } = {}) {
    this.#typing.forget();
    const command = { type: "chat_message", content: wellFormed(content) };
    return this.#send({ ...command, ...given({ replyTo, threadId, mentions, attachments }) });
  }

  /**
   * @param {MessageReference} message
   * @param {string} content
   * @param {{mentions?: string[]}} options
   */
  edit(message, content, { mentions } = {}) {
    const command = { type: "edit_message", content: wellFormed(content), ...given({ mentions }) };
    return this.#send({ ...command, ...reference(message) });
  }

  /** @param {MessageReference} message */
  delete(message) {
    return this.#send({ type: "delete_message", ...reference(message) });
  }

  /** @param {MessageReference} message  @param {string} reaction */
  react(message, reaction) {
    return this.#send({ type: "add_reaction", reaction, ...reference(message) });
  }

  /** @param {MessageReference} message  @param {string} reaction */
  unreact(message, reaction) {
    return this.#send({ type: "remove_reaction", reaction, ...reference(message) });
  }

  /** @param {string} clientMessageId of an item that failed */
  retry(clientMessageId) {
    this.outbox.retry(clientMessageId);
    this.#moved("outbox");
  }

  /** @param {string} clientMessageId of an item that is not in the order yet */
  discard(clientMessageId) {
    this.#queue.discard(clientMessageId);
    this.#moved("outbox");
  }

  /** @param {boolean} isTyping say true with every keystroke; it is throttled, and ends by itself */
  typing(isTyping) {
    this.#typing.set(isTyping);
  }

  /** Read the page of history before the first message here. `olderState` tells how it went. */
  async loadOlder() {
    const before = this.timeline.olderBefore;
    if (this.olderState === "loading" || before === null || !this.timeline.ready) return;
    this.olderState = "loading";
    this.emit("change", "older");
    try {
      const page = await this.#membership.history({ before, limit: 50 });
      if (this.timeline.olderBefore === before) this.timeline.older(page);
      this.olderState = "idle";
    } catch (error) {
      this.olderState = "failed";
      this.#membership.enterLater(error);
    }
    this.emit("change", "older");
  }

  /**
   * Take an event of the server that is about this room, or about all.
   *
   * @param {ServerEvent} event
   */
  handle(event) {
    switch (event.type) {
      case "connected":
        this.#membership.connected();
        break;
      case "gap":
        this.#gap(event);
        break;
      case "room_left":
        if (event.id === undefined) this.#ended(new RoomLost(event));
        break;
      case "typing":
        this.members.typing(event, Date.now());
        break;
      case "read_marker":
        if (event.userId === this.#link.selfId()) this.#reading.heard(event.readSeq);
        break;
      default:
        if (isInOrder(event)) this.#inOrder(event);
        else if (!this.#membership.handle(event)) return;
    }
    this.#moved(event.type);
  }

  /** @param {Error | null} error that will not pass by itself */
  disconnected(error) {
    this.timeline.disconnected();
    this.members.forgetTyping();
    this.#typing.forget();
    this.#membership.disconnected();
    this.#reading.forget();
    if (error !== null) this.#membership.stopped(error);
  }

  /** @param {RoomEvent} event */
  #inOrder(event) {
    const result = this.timeline.event(event);
    if (result === "hole") {
      this.#membership.enter();
      return;
    }
    if (event.type === "chat_message") {
      this.members.typing({ userId: event.userId, isTyping: false }, Date.now());
    }
    this.#queue.delivered([event]);
    if (!this.readingBack) this.timeline.prune();
    if (result === "added") this.emit("event", event);
  }

  /** @param {Gap} event */
  #gap(event) {
    const wentBack = this.timeline.gap(event);
    if (event.reason === "reset") this.#reading.lost(event.fromSeq);
    if (wentBack) this.#membership.readHistory();
    this.#queue.unseen(wentBack);
    this.emit("gap", event);
  }

  /** @param {HistoryPage["messages"]} messages */
  #read(messages) {
    this.#queue.delivered(messages);
    this.#queue.unseen(false); // what lies before them is
  }

  /** @param {Error} error */
  #ended(error) {
    this.#queue.close();
    this.#typing.forget();
    this.#membership.leave(error);
    this.emit("error", error);
  }

  /** @param {Command} command */
  #send(command) {
    const sending = this.#queue.add(command);
    this.#moved("outbox");
    return sending;
  }

  // Whatever moved may have been what the next command waits for.
  /** @param {string} what */
  #moved(what) {
    this.#queue.pump();
    this.emit("change", what);
  }
}

/**
 * @param {ServerEvent} event
 * @returns {event is RoomEvent}
 */
function isInOrder(event) {
  const { type, seq, epoch } = /** @type {{type: string, seq?: number, epoch?: string}} */ (event);
  return seq !== undefined && epoch !== undefined && type !== "room_joined" && type !== "ack";
}

/** @param {import("./entries.js").MessageEntry} entry */
function isNews({ deleted, lost }) {
  return !deleted && !lost;
}

/** @param {MessageReference} message */
function reference({ seq, messageId }) {
  return { seq, messageId };
}

/**
 * @param {Record<string, unknown>} fields
 * @returns {Record<string, unknown>} those that were given
 */
function given(fields) {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

/** @param {string} text  @returns {string} without half characters, which no server accepts */
function wellFormed(text) {
  return text.toWellFormed?.() ?? text; // not in Node 18
}
