/** Commands that wait for the event which carries their id. */

import { CommandError, ConnectionLost } from "./errors.js";

const ANSWER_MS = 15_000;

/** @typedef {import("./protocol.js").Command} Command */
/** @typedef {import("./protocol.js").ServerEvent} ServerEvent */
/** @typedef {ReturnType<typeof setTimeout>} Timer */

export class Answers {
  #nextId = 1;
  /** @type {Map<unknown, {resolve: (event: any) => void, reject: (error: Error) => void, onAnswer?: (event: any) => void, timer: Timer}>} */
  #waiting = new Map();

  /**
   * @param {Command} command
   * @param {(command: Command) => boolean} send whether it was handed to the connection
   * @param {(event: any) => void} [onAnswer] gets the answer before any later event is looked at
   * @returns {Promise<any>} the answer; rejects with CommandError or ConnectionLost
   */
  ask(command, send, onAnswer) {
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      if (!send({ ...command, id })) {
        reject(new ConnectionLost("There is no connection."));
        return;
      }
      const timer = setTimeout(() => {
        this.#waiting.delete(id);
        reject(new ConnectionLost("The server did not answer."));
      }, ANSWER_MS);
      this.#waiting.set(id, { resolve, reject, onAnswer, timer });
    });
  }

  /** @param {ServerEvent} event */
  settle(event) {
    const waiting = this.#waiting.get(event.id);
    if (waiting === undefined) return;
    this.#waiting.delete(event.id);
    clearTimeout(waiting.timer);
    if (event.type === "error") {
      waiting.reject(new CommandError(event));
      return;
    }
    waiting.onAnswer?.(event);
    waiting.resolve(event);
  }

  /** No answer will come: the connection is gone. */
  abandon() {
    for (const { reject, timer } of this.#waiting.values()) {
      clearTimeout(timer);
      reject(new ConnectionLost("The connection was lost."));
    }
    this.#waiting.clear();
  }
}
