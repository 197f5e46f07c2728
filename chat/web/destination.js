/** A message that one wants to see, in whichever room and thread it is. */

import { threadOf } from "./threads.js";

export class Destination {
  #messageId = null; // to be reached once it is on screen

  /**
   * @param {object} handlers look(roomId), openThread(rootId) puts it on screen, streams() returns
   *   `{conversation, thread}`
   */
  constructor(handlers) {
    this.handlers = handlers;
  }

  /** @param {string} roomId  @param {string} messageId */
  go(roomId, messageId) {
    this.handlers.look(roomId);
    this.#messageId = messageId;
  }

  forget() {
    this.#messageId = null;
  }

  /** Go there, if it is loaded by now. @param {object[]} entries that are on screen */
  reach(entries) {
    if (this.#messageId === null) return;
    const message = entries.find(({ messageId }) => messageId === this.#messageId);
    if (message === undefined) return;
    this.#messageId = null;
    this.show(message, true);
  }

  /** @param {object} message that is loaded  @param {boolean} focused whether one goes there */
  show(message, focused) {
    const threadId = threadOf(message);
    const here = document.activeElement;
    if (threadId !== null) this.handlers.openThread(threadId);
    const { conversation, thread } = this.handlers.streams();
    (threadId === null ? conversation : thread).show(message.messageId, focused);
    if (!focused) here.focus();
  }
}
