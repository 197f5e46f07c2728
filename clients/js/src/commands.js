/** What one says and asks in a room. What is said is queued until the server has it. */

import { Emitter } from "./emitter.js";
import { Moderation } from "./moderation.js";

const PAGE = 100;
const USERS_AT_ONCE = 100;

/** @typedef {import("./protocol.js").Ack} Ack */
/** @typedef {import("./protocol.js").Command} Command */
/** @typedef {import("./protocol.js").MessageReference} MessageReference */
/** @typedef {import("./protocol.js").Participant} Participant */
/** @typedef {import("./protocol.js").ParticipantsPage} ParticipantsPage */
/** @typedef {import("./protocol.js").Role} Role */
/** @typedef {import("./protocol.js").UserPresence} UserPresence */
/** @typedef {import("./protocol.js").UsersPresence} UsersPresence */
/** @typedef {import("./queue.js").Sending} Sending */
/** @typedef {import("./protocol.js").Attachment} Attachment */
/** @typedef {import("./uploads.js").UploadOptions} UploadOptions */

/**
 * @typedef {object} SendOptions
 * @property {MessageReference} [replyTo]
 * @property {string} [threadId]
 * @property {string[]} [mentions]
 * @property {Attachment[]} [attachments] what `upload` has answered
 */

/**
 * What a room is to be like from now on: what is left out stays, null resets.
 *
 * @typedef {object} RoomChange
 * @property {string | null} [title]
 * @property {string | null} [topic]
 * @property {number | null} [slowModeMs] between two messages of a user
 * @property {number | null} [historySize] so many events are kept
 * @property {number | null} [historyMs] and for so long
 * @property {boolean | null} [readOnly] only moderators write
 * @property {boolean | null} [large] nobody is told who comes and goes
 */

/** @extends {Emitter<import("./room.js").RoomEvents>} */
export class Commands extends Emitter {
  /**
   * @param {string} roomId
   * @param {import("./room.js").Link} link
   */
  constructor(roomId, link) {
    super();
    this.roomId = roomId;
    this.moderation = new Moderation((command) => this.ask(command));
    /** @protected */
    this.link = link;
  }

  /**
   * Queue a command of this room.
   *
   * @protected
   * @param {Command} command
   * @returns {Sending} throws QueueFull
   */
  submit(command) {
    throw new Error(`nothing takes ${command.type}`);
  }

  /**
   * Send a command of this room now and wait for its answer.
   *
   * @param {Command} command without `id` and `roomId`
   * @returns {Promise<any>} rejects with CommandError or ConnectionLost
   */
  ask(command) {
    return this.link.request({ ...command, roomId: this.roomId });
  }

  /**
   * Upload a file that a message in this room is to bring along.
   *
   * @param {Blob} file
   * @param {UploadOptions} [options]
   * @returns {Promise<Attachment>} rejects with UploadRefused or ConnectionLost
   */
  upload(file, options) {
    return this.link.upload(this.roomId, file, options);
  }

  /**
   * @param {string} content may be empty where files come along
   * @param {SendOptions} options
   * @returns {Sending} throws QueueFull
   */
  send(content, { replyTo, threadId, mentions, attachments } = {}) {
    const command = { type: "chat_message", content: wellFormed(content) };
    return this.submit({ ...command, ...given({ replyTo, threadId, mentions, attachments }) });
  }

  /**
   * @param {MessageReference} message
   * @param {string} content
   * @param {{mentions?: string[]}} options
   */
  edit(message, content, { mentions } = {}) {
    const command = { type: "edit_message", content: wellFormed(content), ...given({ mentions }) };
    return this.submit({ ...command, ...reference(message) });
  }

  /** @param {MessageReference} message */
  delete(message) {
    return this.submit({ type: "delete_message", ...reference(message) });
  }

  /** @param {MessageReference} message  @param {string} reaction */
  react(message, reaction) {
    return this.submit({ type: "add_reaction", reaction, ...reference(message) });
  }

  /** @param {MessageReference} message  @param {string} reaction */
  unreact(message, reaction) {
    return this.submit({ type: "remove_reaction", reaction, ...reference(message) });
  }

  /**
   * Tell those who answer for the room what is wrong with a message.
   *
   * @param {MessageReference} message
   * @param {string} reason
   */
  async reportMessage(message, reason) {
    await this.ask({ type: "report_message", reason, ...reference(message) });
  }

  /**
   * Change what the room is like. Needs `moderate`. Queued as a message is, but who asks is told of
   * a refusal and nothing is left in the queue.
   *
   * @param {RoomChange} change
   * @returns {Promise<Ack>} once it is stored; rejects with NotSent
   */
  async change(change) {
    return this.submit({ type: "change_room", ...given({ ...change }) }).acknowledged;
  }

  /**
   * Ask a user to take part in a private room. Queued, as `change` is.
   *
   * @param {string} userId
   * @param {{role?: Role}} options
   * @returns {Promise<Ack>} once it is stored; rejects with NotSent
   */
  async invite(userId, { role } = {}) {
    return this.submit({ type: "invite_user", userId, ...given({ role }) }).acknowledged;
  }

  /** @param {string} userId  @param {Role} role  @returns {Promise<Ack>} as of `invite` */
  async setRole(userId, role) {
    return this.submit({ type: "set_role", userId, role }).acknowledged;
  }

  /**
   * @param {string} userId whose connections are told by `room_left`
   * @returns {Promise<Ack>} as of `invite`
   */
  async removeParticipant(userId) {
    return this.submit({ type: "remove_participant", userId }).acknowledged;
  }

  /** Take part in this private room no more; CommandError `last_owner`: make another one first. */
  async leaveForGood() {
    // Not queued: the room ends with it, and with the room its queue.
    await this.ask({ type: "remove_participant", userId: this.link.selfId() });
  }

  /**
   * Who belongs to this private room, here or not, and with which role.
   *
   * @returns {AsyncGenerator<Participant, void>}
   */
  async *participants() {
    /** @type {string | undefined} */
    let cursor;
    do {
      /** @type {ParticipantsPage} */
      const page = await this.ask({ type: "participants", limit: PAGE, cursor });
      yield* page.participants;
      cursor = page.cursor;
    } while (cursor !== undefined);
  }

  /**
   * How some users are, here or not, and when they were last seen.
   *
   * @param {string[]} userIds
   * @returns {Promise<UserPresence[]>}
   */
  async users(userIds) {
    const found = [];
    for (let start = 0; start < userIds.length; start += USERS_AT_ONCE) {
      const some = userIds.slice(start, start + USERS_AT_ONCE);
      /** @type {UsersPresence} */
      const answer = await this.ask({ type: "users", userIds: some });
      found.push(...answer.users);
    }
    return found;
  }
}

/** @param {MessageReference} message */
function reference({ seq, messageId }) {
  return { seq, messageId };
}

/**
 * @param {Record<string, unknown>} fields
 * @returns {Record<string, unknown>} those that were given
 */
export function given(fields) {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

/** @param {string} text  @returns {string} without half characters, which no server accepts */
function wellFormed(text) {
  return text.toWellFormed?.() ?? text; // not in Node 18
}
