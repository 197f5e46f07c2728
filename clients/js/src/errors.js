/** What can go wrong, as types that an application can tell apart. */

/** Base of all errors of this package. */
export class ChatError extends Error {
  /** @param {string} message */
  constructor(message) {
    super(message);
    this.name = new.target.name;
  }
}

/** The server refused a command. */
export class CommandError extends ChatError {
  /** @param {Omit<import("./protocol.js").Refusal, "type">} refusal */
  constructor({ code, message, roomId, retryAfterMs, uncertain = false }) {
    super(message);
    /** Stable; `message` is for a person. */
    this.code = code;
    this.roomId = roomId;
    /** After how long the same command may succeed, where the server says so. */
    this.retryAfterMs = retryAfterMs;
    /** The command may have taken effect all the same. */
    this.uncertain = uncertain;
  }
}

/** The connection ended, or stayed silent, before the answer came. */
export class ConnectionLost extends ChatError {}

/** No token can be had without a person: thrown by the application's token callback. */
export class TokenNeeded extends ChatError {}

/** The client was closed, or the room was left, before this could happen. */
export class Closed extends ChatError {}

/** @type {Record<string, string>} */
const LEFT = {
  kicked: "You were taken out of this room",
  banned: "You are banned from this room",
  removed: "You do not take part in this room any more",
  forbidden: "You may not be in this room any more",
};

/** The server took one out of a room. */
export class RoomLost extends Closed {
  /** @param {import("./protocol.js").RoomLeft} event */
  constructor({ reason = "", message, retryAfterMs }) {
    const why = LEFT[reason] ?? "You are no longer in this room";
    super(message === undefined ? `${why}.` : `${why}: ${message}`);
    /** Stable: `kicked`, `banned`, `removed`, `forbidden` ... */
    this.reason = reason;
    /** After how long a join may succeed, where that is known. */
    this.retryAfterMs = retryAfterMs;
  }
}

/** As many messages wait to be sent as may. */
export class QueueFull extends ChatError {}

/** A queued command will not be sent by itself any more. */
export class NotSent extends ChatError {
  /**
   * @param {string} message
   * @param {import("./protocol.js").ErrorCode | null} code of the refusal, if it was one
   */
  constructor(message, code = null) {
    super(message);
    this.code = code;
  }
}
