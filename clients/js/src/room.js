/**
 * One room as an application sees it: joins and resumes by itself, knows its messages and members,
 * and queues what one says until the server has it.
 */

import { Closed, RoomLost } from "./errors.js";
import { Membership } from "./membership.js";
import { isUnsentMessage, withPending } from "./pending.js";
import { Queue } from "./queue.js";
import { RoomState } from "./room_state.js";
import { Thread } from "./thread.js";
import { TypingSignal } from "./typing.js";

const OLDER = 100; // messages of history at a time, for who reads back

/** @typedef {import("./protocol.js").Command} Command */
/** @typedef {import("./protocol.js").Gap} Gap */
/** @typedef {import("./protocol.js").HistoryPage} HistoryPage */
/** @typedef {import("./protocol.js").DeliveredMarker} DeliveredMarker */
/** @typedef {import("./protocol.js").ReadMarker} ReadMarker */
/** @typedef {import("./protocol.js").RoomEvent} RoomEvent */
/** @typedef {import("./protocol.js").ServerEvent} ServerEvent */

/**
 * @typedef {object} RoomEvents
 * @property {string} change something to show changed; the name of what it was
 * @property {RoomEvent} event every live event of the room's order, each once and in order
 * @property {Gap} gap events that can not be delivered any more, at this place of the order
 * @property {ReadMarker | DeliveredMarker} receipt a user has read up to a place, or got all up to it
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
 * @typedef {object} Link what a room needs of its client
 * @property {(command: Command, onAnswer?: (event: any) => void) => Promise<any>} request
 * @property {(command: Command) => boolean} send
 * @property {() => boolean} isOnline
 * @property {() => number} maxMessageBytes
 * @property {() => string | null} selfId
 * @property {(roomId: string, file: Blob, options?: import("./uploads.js").UploadOptions) => Promise<import("./protocol.js").Attachment>} upload
 */

export class Room extends RoomState {
  /**
   * Where the latest try to load older messages stands.
   *
   * @type {"idle" | "loading" | "failed"}
   */
  olderState = "idle";

  #membership;
  #queue;
  #typing;
  /** @type {Set<Thread>} that somebody looks at */
  #threads = new Set();

  /**
   * @param {string} roomId
   * @param {Link} link
   * @param {RoomOptions} options
   */
  constructor(roomId, link, { unsent, firstPage, maxEntries, maxUnsent, listMembers = true } = {}) {
    super(roomId, link, { firstPage, maxEntries });
    this.#membership = new Membership({
      roomId, link, listMembers, timeline: this.timeline, members: this.members,
      onJoined: (event) => this.#joined(event),
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
    return this.#withPending(this.timeline.entries);
  }

  /** Messages of one's own that are not in the order yet. */
  get unsent() {
    return this.outbox.items.filter(isUnsentMessage);
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
    this.#quiet();
    this.#queue.close();
    this.#membership.leave(new Closed("The room was left."));
    const left = this.link.request({ type: "leave_room", roomId: this.roomId });
    left.catch(() => {}); // without a connection there is nothing to leave
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
      const page = await this.#membership.history({ before, limit: OLDER });
      if (this.timeline.olderBefore === before) this.timeline.older(page);
      this.olderState = "idle";
    } catch (error) {
      this.olderState = "failed";
      this.#membership.enterLater(error);
    }
    this.emit("change", "older");
  }

  /**
   * One thread, kept up to date until it is closed.
   *
   * @param {string} rootId messageId of the message that it began with
   * @returns {Thread}
   */
  openThread(rootId) {
    const thread = new Thread({
      rootId, timeline: this.timeline,
      history: (range) => this.#membership.history(range),
      withPending: (entries) => this.#withPending(entries),
      onChange: () => this.emit("change", "thread"),
      onClose: (closed) => this.#threads.delete(closed),
    });
    this.#threads.add(thread);
    if (thread.hasOlder) thread.loadOlder();
    return thread;
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
      case "delivered_marker":
        if (event.userId === this.link.selfId()) this.receipts.heard(event);
        this.emit("receipt", event);
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
    this.#quiet();
    this.#membership.disconnected();
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
    for (const thread of this.#threads) thread.event(event);
    if (!this.readingBack) this.timeline.prune();
    if (result === "duplicate") return;
    this.standing.heard(event, this.link.selfId());
    this.emit("event", event);
  }

  /** @param {Gap} event */
  #gap(event) {
    const wentBack = this.timeline.gap(event);
    if (event.reason === "reset") {
      this.receipts.lost(event.fromSeq);
      this.standing.lost(event.fromSeq);
      for (const thread of this.#threads) thread.reset();
    }
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
    this.#quiet();
    this.#queue.close();
    this.#membership.leave(error);
    this.emit("error", error);
  }

  /** @param {import("./entries.js").Entry[]} entries */
  #withPending(entries) {
    return withPending(entries, this.outbox.items, this.link.selfId());
  }

  /**
   * @protected
   * @override
   * @param {Command} command
   */
  submit(command) {
    if (command.type === "chat_message") this.#typing.forget();
    const sending = this.#queue.add(command);
    this.#moved("outbox");
    return sending;
  }

  /** @param {import("./protocol.js").RoomJoined} event */
  #joined(event) {
    this.standing.joined(event);
    this.receipts.joined(event);
  }

  /** Nothing more is told until the next join. */
  #quiet() {
    this.#typing.forget();
    this.receipts.forget();
  }

  // Whatever moved may have been what the next command waits for.
  /** @param {string} what */
  #moved(what) {
    this.#queue.pump();
    this.emit("change", what);
  }
}

/**
 * Whether an event has a place in the order, of whichever type: answers that name one do not.
 *
 * @param {ServerEvent} event
 * @returns {event is RoomEvent}
 */
function isInOrder(event) {
  const { seq, epoch } = /** @type {{seq?: number, epoch?: string}} */ (event);
  return event.id === undefined && seq !== undefined && epoch !== undefined;
}
