/** What is known of a room: its order, its members, what it is like, up to where one has read. */

import { Commands } from "./commands.js";
import { Members } from "./members.js";
import { Receipts } from "./receipts.js";
import { Standing } from "./standing.js";
import { Timeline } from "./timeline.js";

/** @typedef {import("./protocol.js").Position} Position */

export class RoomState extends Commands {
  /** Set it while a person reads far back: the oldest messages are not forgotten then. */
  readingBack = false;

  /**
   * @param {string} roomId
   * @param {import("./room.js").Link} link
   * @param {{firstPage?: number, maxEntries?: number}} bounds
   */
  constructor(roomId, link, bounds) {
    super(roomId, link);
    this.timeline = new Timeline(bounds);
    this.members = new Members();
    /** @protected */
    this.standing = new Standing();
    /** @protected */
    this.receipts = new Receipts(
      this.timeline,
      (command) => link.isOnline() && link.send({ ...command, roomId }),
      (command) => (link.isOnline() ? this.ask(command) : null),
    );
  }

  /** Joined and complete: what is sent goes out at once. */
  get ready() {
    return this.timeline.ready;
  }

  /** What is set of the room: title, topic and rules. */
  get about() {
    return this.standing.about;
  }

  /** What one is in a private or direct room; null in every other. */
  get role() {
    return this.standing.role;
  }

  /** Up to where one has read, on any device; null while nothing is known to be read. */
  get readSeq() {
    return this.receipts.readSeq;
  }

  /**
   * How many messages of others one has not read. Where history was not read that far back it is
   * the number of places in the order since: of messages and of events about them.
   */
  get unread() {
    return this.receipts.unread(this.link.selfId());
  }

  /**
   * Say that one has read up to a message, or all there is. It is told to one's other devices, at
   * most once a second, and without a connection after the next join.
   *
   * @param {Position} [upTo]
   * @param {{private?: boolean}} options private: other users are not told, where they would be
   */
  markRead(upTo = this.timeline.position ?? undefined, options = {}) {
    if (upTo === undefined) return;
    this.receipts.markRead(upTo, options);
    this.emit("change", "read");
  }

  /**
   * Say that one's device has got everything up to a message, or all there is: as seldom as above.
   *
   * @param {Position} [upTo]
   */
  markDelivered(upTo = this.timeline.position ?? undefined) {
    if (upTo !== undefined) this.receipts.markDelivered(upTo);
  }
}
