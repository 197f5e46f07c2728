/**
 * Messages of one's own that are not in the room yet: pure state.
 *
 * They are sent one after the other, so that a retry can not overtake or be overtaken. An item is
 * queued, sending, acked (the server has it, its copy is on the way) or failed (with a reason).
 */

import { mayRetry, retryDelayMs } from "./policy.js";

export const MAX_ITEMS = 200;

/** The server remembers a clientMessageId for five minutes; stay well inside. */
const SAFE_RETRY_MS = 240_000;

const UNCERTAIN = "It is not certain whether this was delivered.";

export class Outbox {
  items = [];

  /** @param {object[]} saved what `save` returned, from an earlier life of the page */
  constructor(saved = []) {
    this.items = saved.map((item) => {
      return item.state === "failed" ? item : { ...item, state: "queued" };
    });
  }

  get full() {
    return this.items.length >= MAX_ITEMS;
  }

  save() {
    return this.items.filter(({ state }) => state !== "acked");
  }

  add(content, now) {
    const clientMessageId = crypto.randomUUID?.() ?? fallbackId();
    this.items.push({ clientMessageId, content, createdAt: now, state: "queued", ...FRESH });
  }

  /** The item to send now: the first that is not through, unless it has to wait. */
  next(now) {
    const item = this.items.find(({ state }) => state === "queued" || state === "sending");
    return item?.state === "queued" && item.notBefore <= now ? item : undefined;
  }

  /** When the first item may be sent, if it has to wait. */
  get nextAt() {
    return this.items.find(({ state }) => state === "queued")?.notBefore ?? null;
  }

  sending(item, now) {
    item.state = "sending";
    item.firstSentAt ??= now;
  }

  acked(item, { epoch, seq, messageId, timestamp }) {
    item.state = "acked";
    Object.assign(item, { epoch, seq, messageId, timestamp });
  }

  /** The answer did not come: the same id is sent again. */
  unanswered(item) {
    if (item.state === "sending") item.state = "queued";
  }

  refused(item, error, now) {
    if (!mayRetry(error)) {
      this.fail(item, error.message);
      return;
    }
    item.state = "queued";
    item.notBefore = now + retryDelayMs(error, item.attempt);
    item.attempt += 1;
  }

  fail(item, reason) {
    item.state = "failed";
    item.reason = reason;
  }

  retry(clientMessageId) {
    const item = this.#find(clientMessageId);
    if (item === undefined) return;
    this.remove(clientMessageId);
    this.items.push({ ...item, state: "queued", ...FRESH });
  }

  /** It is in the room, or the person gave it up. */
  remove(clientMessageId) {
    this.items = this.items.filter((item) => item.clientMessageId !== clientMessageId);
  }

  /**
   * The room was entered again with a part of it unseen: what was sent long ago may be in there,
   * and the server no longer recognises a retry. Only the person can decide.
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

  #find(clientMessageId) {
    return this.items.find((item) => item.clientMessageId === clientMessageId);
  }
}

const FRESH = { attempt: 0, notBefore: 0, firstSentAt: null, reason: null };

// randomUUID exists on https and localhost only; a page on plain http elsewhere still works.
function fallbackId() {
  const parts = crypto.getRandomValues(new Uint32Array(4));
  return Array.from(parts, (part) => part.toString(16)).join("-");
}
