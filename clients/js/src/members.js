/** Who is in the room and who is typing: pure state. */

const MAX_LISTED = 500;
const TYPING_MS = 6_000; // where the server does not say

/** @typedef {import("./protocol.js").Member} Member */
/** @typedef {import("./protocol.js").PresenceState} PresenceState */
/** @typedef {{userId: string, name: string, state: PresenceState, status?: string}} NamedMember */

export class Members {
  /** Users in the room, in the whole cluster. */
  count = 0;
  /** @type {Map<string, NamedMember>} */
  #members = new Map();
  /** @type {Map<string, number>} */
  #typing = new Map();
  /** @type {Map<string, Member | null> | null} while the list is read: who came, or left (null) */
  #meanwhile = null;
  /** @type {Map<string, {state: PresenceState, status?: string}>} how they are, while it is read */
  #became = new Map();

  /** @param {number} memberCount */
  counted(memberCount) {
    this.count = memberCount;
  }

  listBegins() {
    this.#meanwhile = new Map();
    this.#became.clear();
  }

  /**
   * A page of the list says how many there are. Who came or left while it was on its way is told by
   * an event, maybe before the page, and with a number that is as new or newer.
   *
   * @param {number} memberCount
   */
  listed(memberCount) {
    if (!this.#meanwhile?.size) this.count = memberCount;
  }

  /** @param {Member[]} members the whole list, as the pages since `listBegins` told it */
  replace(members) {
    this.#members.clear();
    for (const member of members) this.#add(member);
    for (const [userId, member] of this.#meanwhile ?? []) {
      if (member === null) this.#members.delete(userId);
      else this.#add(member);
    }
    for (const [userId, now] of this.#became) {
      const member = this.#members.get(userId);
      if (member !== undefined) this.#members.set(userId, { ...member, ...now });
    }
    this.#meanwhile = null;
  }

  /** @param {Member & {memberCount: number}} event */
  joined({ memberCount, ...member }) {
    this.count = memberCount;
    this.#meanwhile?.set(member.userId, member);
    this.#add(member);
  }

  /** @param {{userId: string, memberCount: number}} event */
  left({ userId, memberCount }) {
    this.count = memberCount;
    this.#meanwhile?.set(userId, null);
    this.#members.delete(userId);
    this.#typing.delete(userId);
  }

  /** @param {{userId: string, state: PresenceState, status?: string}} event how a member is now */
  became({ userId, state, status }) {
    const member = this.#members.get(userId);
    if (member !== undefined) this.#members.set(userId, { ...member, state, status });
    if (this.#meanwhile !== null) this.#became.set(userId, { state, status });
  }

  /**
   * @param {{userId: string, isTyping: boolean, expiresInMs?: number}} event
   * @param {number} now
   */
  typing({ userId, isTyping, expiresInMs = TYPING_MS }, now) {
    if (isTyping) this.#typing.set(userId, now + expiresInMs);
    else this.#typing.delete(userId);
  }

  /**
   * Members by name, oneself first. Of a large room only the first few hundred are known.
   *
   * @param {string | null} selfId
   */
  list(selfId = null) {
    const key = (/** @type {NamedMember} */ { userId, name }) =>
      userId === selfId ? "" : `1${name.toLowerCase()}`;
    return [...this.#members.values()].sort((a, b) => (key(a) < key(b) ? -1 : 1));
  }

  /**
   * Names of others who are typing now.
   *
   * @param {string | null} selfId
   * @param {number} now
   */
  typists(selfId, now) {
    const names = [];
    for (const [userId, until] of this.#typing) {
      if (until <= now) this.#typing.delete(userId);
      else if (userId !== selfId) names.push(this.nameOf(userId));
    }
    return names;
  }

  /** @param {string} userId  @returns {NamedMember | undefined} one that is here, and listed */
  get(userId) {
    return this.#members.get(userId);
  }

  /** @param {string} userId */
  nameOf(userId) {
    return this.#members.get(userId)?.name ?? userId;
  }

  forgetTyping() {
    this.#typing.clear();
  }

  /** @param {Member} member */
  #add({ userId, user, state = "online", status }) {
    if (this.#members.size < MAX_LISTED || this.#members.has(userId)) {
      this.#members.set(userId, { userId, name: user?.name ?? userId, state, status });
    }
  }
}
