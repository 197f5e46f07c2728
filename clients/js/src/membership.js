/** Being in a room: join and resume, the history and the members that are to be read then. */

import { CommandError } from "./errors.js";
import { backoffMs, mayRetry, retryDelayMs } from "./policy.js";

const MEMBERS_PAGE = 100;
const MEMBERS_PAGES = 5;

/** @typedef {import("./protocol.js").HistoryPage} HistoryPage */
/** @typedef {import("./protocol.js").PresencePage} PresencePage */
/** @typedef {import("./protocol.js").RoomJoined} RoomJoined */

/**
 * @typedef {object} MembershipOptions
 * @property {string} roomId
 * @property {import("./room.js").Link} link
 * @property {import("./timeline.js").Timeline} timeline
 * @property {import("./members.js").Members} members
 * @property {(event: RoomJoined) => void} onJoined
 * @property {boolean} listMembers
 * @property {(messages: HistoryPage["messages"]) => void} onRead a page of history was read
 * @property {(what: string) => void} onChange
 * @property {(error: Error) => void} onRefused
 */

export class Membership {
  #options;
  #wanted = false;
  #joined = false;
  #joining = false;
  #filling = false;
  #run = 0; // answers to what was asked in an earlier one are void
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  /** @type {{resolve: () => void, reject: (error: Error) => void}[]} */
  #waiting = [];

  /** @param {MembershipOptions} options */
  constructor(options) {
    this.#options = options;
  }

  /** @returns {Promise<void>} */
  join() {
    this.#wanted = true;
    if (this.#joined) return Promise.resolve();
    const joined = new Promise((/** @type {(value: void) => void} */ resolve, reject) => {
      this.#waiting.push({ resolve, reject });
    });
    joined.catch(() => {}); // who does not ask hears of it by the event `error`
    if (this.#options.link.isOnline()) this.enter();
    return joined;
  }

  /** @param {Error} error why, for those who wait to be in */
  leave(error) {
    this.#wanted = false;
    this.disconnected();
    this.#options.timeline.disconnected();
    this.stopped(error);
  }

  /** @param {Error} error for those who wait to be in: that will not be by itself */
  stopped(error) {
    for (const { reject } of this.#waiting.splice(0)) reject(error);
  }

  connected() {
    this.enter();
  }

  disconnected() {
    this.#run += 1;
    this.#joined = false;
    this.#joining = false;
    clearTimeout(this.#timer);
  }

  /**
   * @param {import("./protocol.js").ServerEvent} event
   * @returns {boolean} whether it was about the members
   */
  handle(event) {
    const { members } = this.#options;
    switch (event.type) {
      case "user_joined": members.joined(event); break;
      case "user_left": members.left(event); break;
      case "presence_changed": members.became(event); break;
      case "member_count": members.counted(event.memberCount); break;
      default: return false;
    }
    return true;
  }

  /** Join, or join again: from the position, if there is one. */
  async enter(attempt = 0) {
    if (this.#joining || !this.#wanted) return;
    clearTimeout(this.#timer);
    this.#joining = true;
    const run = this.#run;
    const { roomId, link, timeline, onRefused } = this.#options;
    const command = { type: "join_room", roomId, since: timeline.position ?? undefined };
    try {
      await link.request(command, (event) => {
        if (run === this.#run) this.#entered(event);
      });
    } catch (error) {
      if (run !== this.#run) return;
      this.#joining = false;
      if (error instanceof CommandError && !mayRetry(error)) onRefused(error);
      else this.enterLater(error, attempt + 1);
      return;
    }
    if (run !== this.#run) return;
    this.#joining = false;
    await Promise.all([this.readHistory(), this.#readMembers()]);
  }

  /**
   * Joining again is the cure for whatever went wrong in between: it resumes from the same place,
   * and learns the epoch should that have changed. Without a connection the next one joins.
   *
   * @param {unknown} error
   */
  enterLater(error, attempt = 1) {
    if (!this.#options.link.isOnline() || !this.#wanted) return;
    const refusal = error instanceof CommandError ? error : {};
    const changed = error instanceof CommandError && error.code === "epoch_changed";
    const delayMs = changed ? backoffMs(0) : retryDelayMs(refusal, attempt);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.enter(attempt), delayMs);
  }

  /** One reader at a time: a reset in the middle of a page changes what is to be read. */
  async readHistory() {
    if (this.#filling) return;
    this.#filling = true;
    const { timeline, onRead, onChange } = this.#options;
    try {
      for (let [fill] = timeline.fills; fill !== undefined; [fill] = timeline.fills) {
        const page = await this.history({ before: fill.upTo + 1, limit: fill.limit });
        if (timeline.fills[0] !== fill) continue;
        timeline.filled(page);
        onRead(page.messages);
      }
    } catch (error) {
      this.enterLater(error);
    } finally {
      this.#filling = false;
    }
    onChange("history");
  }

  /**
   * @param {{before?: number, after?: number, threadId?: string, limit: number}} range
   * @returns {Promise<HistoryPage>}
   */
  history(range) {
    const { roomId, link, timeline } = this.#options;
    const epoch = timeline.position?.epoch;
    return link.request({ type: "history", roomId, epoch, ...range });
  }

  /** @param {RoomJoined} event */
  #entered(event) {
    const { timeline, members, onJoined, onChange } = this.#options;
    this.#joined = true;
    members.counted(event.memberCount);
    timeline.joined(event);
    onJoined(event);
    for (const { resolve } of this.#waiting.splice(0)) resolve();
    onChange(event.type);
  }

  async #readMembers() {
    const { roomId, link, members, listMembers, onChange } = this.#options;
    if (!listMembers) return;
    const found = [];
    let cursor;
    const listed = (/** @type {PresencePage} */ { memberCount }) => members.listed(memberCount);
    members.listBegins();
    try {
      for (let page = 0; page < MEMBERS_PAGES; page += 1) {
        const command = { type: "presence", roomId, limit: MEMBERS_PAGE, cursor };
        /** @type {PresencePage} */
        const answer = await link.request(command, listed);
        found.push(...answer.members);
        cursor = answer.cursor;
        if (cursor === undefined) break;
      }
    } catch (error) {
      this.enterLater(error);
      return;
    }
    members.replace(found);
    onChange("presence");
  }
}
