/** Who is in the room and who is typing: pure state. */

const MAX_LISTED = 500;

export class People {
  count = 0;
  #members = new Map();
  #typing = new Map();
  #meanwhile = null; // while the list is read: who came (a member) or left (null)

  counted(memberCount) {
    this.count = memberCount;
  }

  listBegins() {
    this.#meanwhile = new Map();
  }

  /** @param {object[]} members the whole list, as the pages since `listBegins` told it */
  replace(members) {
    this.#members.clear();
    for (const member of members) this.#add(member);
    for (const [userId, member] of this.#meanwhile) {
      if (member === null) this.#members.delete(userId);
      else this.#add(member);
    }
    this.#meanwhile = null;
  }

  joined({ memberCount, ...member }) {
    this.count = memberCount;
    this.#meanwhile?.set(member.userId, member);
    this.#add(member);
  }

  left({ userId, memberCount }) {
    this.count = memberCount;
    this.#meanwhile?.set(userId, null);
    this.#members.delete(userId);
    this.#typing.delete(userId);
  }

  typing({ userId, isTyping, expiresInMs = 6_000 }, now) {
    if (isTyping) this.#typing.set(userId, now + expiresInMs);
    else this.#typing.delete(userId);
  }

  /** Members by name, oneself first. */
  list(selfId) {
    const key = ({ userId, name }) => (userId === selfId ? "" : `1${name.toLowerCase()}`);
    return [...this.#members.values()].sort((a, b) => (key(a) < key(b) ? -1 : 1));
  }

  /** Names of others who are typing now. */
  typists(selfId, now) {
    const names = [];
    for (const [userId, until] of this.#typing) {
      if (until <= now) this.#typing.delete(userId);
      else if (userId !== selfId) names.push(this.#members.get(userId)?.name ?? userId);
    }
    return names;
  }

  forgetTyping() {
    this.#typing.clear();
  }

  #add({ userId, user }) {
    if (this.#members.size < MAX_LISTED) {
      this.#members.set(userId, { userId, name: user?.name ?? userId });
    }
  }
}
