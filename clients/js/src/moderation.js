/** What a moderator may do in a room. Each rejects with CommandError, say `forbidden`. */

/** @typedef {{durationMs?: number, reason?: string}} Sentence for ever without a duration */

export class Moderation {
  #request;

  /** @param {(command: import("./protocol.js").Command) => Promise<unknown>} request in this room */
  constructor(request) {
    this.#request = request;
  }

  /**
   * Take a user's connections out of the room; they may join again.
   *
   * @param {string} userId
   * @param {{reason?: string}} options
   */
  async kick(userId, { reason } = {}) {
    await this.#request({ type: "kick_user", userId, reason });
  }

  /** @param {string} userId  @param {Sentence} sentence */
  async ban(userId, { durationMs, reason } = {}) {
    await this.#request({ type: "ban_user", userId, durationMs, reason });
  }

  /** @param {string} userId  @param {{reason?: string}} options */
  async unban(userId, { reason } = {}) {
    await this.#request({ type: "unban_user", userId, reason });
  }

  /** @param {string} userId  @param {Sentence} sentence */
  async mute(userId, { durationMs, reason } = {}) {
    await this.#request({ type: "mute_user", userId, durationMs, reason });
  }

  /** @param {string} userId  @param {{reason?: string}} options */
  async unmute(userId, { reason } = {}) {
    await this.#request({ type: "unmute_user", userId, reason });
  }
}
