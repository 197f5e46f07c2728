/**
 * Commands of one's own that are not in the room's order yet: pure state.
 *
 * They are sent one after the other, so that a retry can not overtake or be overtaken. An item is
 * queued, sending, acked (the server has it, its event is on the way) or failed (with a reason).
 * Every item is plain data, so that it can outlive the page.
 */

import { newId } from "./environment.js";
import { QueueFull } from "./errors.js";
import { mayRetry, retryDelayMs } from "./policy.js";

/** The server remembers a clientMessageId for five minutes; stay well inside. */
const SAFE_RETRY_MS = 240_000;

const UNANSWERED_MS = 100;

const UNCERTAIN = "It is not certain whether this was delivered.";

/** @typedef {import("./protocol.js").Command} Command */

/**
 * @typedef {object} OutboxItem
 * @property {string} clientMessageId
 * @property {Command} command without room and ids: a message, an edit, a reaction ...
 * @property {number} createdAt
 * @property {"queued" | "sending" | "acked" | "failed"} state
 * @property {number} attempt refusals so far
 * @property {number} notBefore when it may be sent
 * @property {number | null} firstSentAt
 * @property {string | null} reason why it failed, a sentence for a person
 * @property {import("./protocol.js").ErrorCode | null} code of the refusal that failed it
 * @property {string} [epoch] where it is, once acked
 * @property {number} [seq]
 * @property {string} [messageId]
 * @property {number} [timestamp]
 */

export class Outbox {
  /** @type {OutboxItem[]} */
  items;

  /**
   * @param {unknown} saved what `save` returned, from an earlier life of the page
   * @param {number} limit the most items it holds
   */
  constructor(saved = [], limit = 200) {
    this.limit = limit;
    const items = Array.isArray(saved) ? saved.filter(isItem) : [];
    this.items = items.map((item) => (item.state === "failed" ? item : { ...item, state: "queued" }));
  }

  get full() {
    return this.items.length >= this.limit;
  }

  save() {
    return this.items.filter(({ state }) => state !== "acked");
  }

  /**
   * @param {Command} command
   * @param {number} now
   * @returns {OutboxItem}
   */
  add(command, now) {
    if (this.full) throw new QueueFull(`${this.limit} messages wait to be sent already.`);
    /** @type {OutboxItem} */
    const item = {
      clientMessageId: newId(), command, createdAt: now, state: "queued", ...FRESH,
    };
    this.items.push(item);
    return item;
  }

  /**
   * The item to send now: the first that is not through, unless it has to wait.
   *
   * @param {number} now
   */
  next(now) {
    const item = this.items.find(({ state }) => state === "queued" || state === "sending");
    return item?.state === "queued" && item.notBefore <= now ? item : undefined;
  }

  /** When the first item may be sent, if it has to wait. */
  get nextAt() {
    return this.items.find(({ state }) => state === "queued")?.notBefore ?? null;
  }

  /** @param {OutboxItem} item  @param {number} now */
  sending(item, now) {
    item.state = "sending";
    item.firstSentAt ??= now;
  }

  /** @param {OutboxItem} item  @param {import("./protocol.js").Ack} ack */
  acked(item, { epoch, seq, messageId, timestamp }) {
    item.state = "acked";
    Object.assign(item, { epoch, seq, messageId, timestamp });
  }

  /**
   * The answer did not come: the same id is sent again, and not at once, as a connection that is
   * about to end takes nothing and has not said so yet.
   *
   * @param {OutboxItem} item
   * @param {number} now
   */
  unanswered(item, now) {
    item.state = "queued";
    item.notBefore = now + UNANSWERED_MS;
  }

  /**
   * @param {OutboxItem} item
   * @param {import("./errors.js").CommandError} error
   * @param {number} now
   */
  refused(item, error, now) {
    if (!mayRetry(error)) {
      this.fail(item, error.message, error.code);
      return;
    }
    item.state = "queued";
    item.notBefore = now + retryDelayMs(error, item.attempt);
    item.attempt += 1;
  }

  /**
   * @param {OutboxItem} item
   * @param {string} reason
   * @param {OutboxItem["code"]} code
   */
  fail(item, reason, code = null) {
    item.state = "failed";
    item.reason = reason;
    item.code = code;
  }

  /** @param {string} clientMessageId */
  retry(clientMessageId) {
    const item = this.find(clientMessageId);
    if (item === undefined) return;
    this.remove(clientMessageId);
    this.items.push({ ...item, state: "queued", ...FRESH });
  }

  /**
   * It is in the room, or the person gave it up.
   *
   * @param {string} clientMessageId
   */
  remove(clientMessageId) {
    this.items = this.items.filter((item) => item.clientMessageId !== clientMessageId);
  }

  /**
   * The room was entered again with a part of it unseen: what was sent long ago may be in there,
   * and the server no longer recognises a retry. Only the person can decide.
   *
   * @param {number} now
   */
  doubtOld(now) {
    for (const item of this.items) {
      const old = item.firstSentAt !== null && now - item.firstSentAt > SAFE_RETRY_MS;
      if (old && item.state === "queued") this.fail(item, UNCERTAIN);
    }
  }

  /** The store went back in time after it had confirmed these. */
  afterReset() {
    for (const item of this.items) {
      if (item.state === "acked") this.fail(item, "The server lost this message.");
    }
  }

  /** @param {string} clientMessageId */
  find(clientMessageId) {
    return this.items.find((item) => item.clientMessageId === clientMessageId);
  }
}

const FRESH = { attempt: 0, notBefore: 0, firstSentAt: null, reason: null, code: null };

/**
 * @param {any} item
 * @returns {item is OutboxItem}
 */
function isItem(item) {
  return typeof item?.clientMessageId === "string" && typeof item.command?.type === "string";
}
