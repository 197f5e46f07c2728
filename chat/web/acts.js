/** What a person does in a room: say, answer, edit, react, delete. No DOM. */

import { mentionedIn } from "./markup.js";

export class Acts {
  /**
   * @param {() => object | undefined} room that is looked at
   * @param {() => {userId: string, name: string}[]} people who can be mentioned in it
   * @param {(text: string) => void} tell says why something did not work
   */
  constructor(room, people, tell) {
    this.room = room;
    this.people = people;
    this.tell = tell;
  }

  /**
   * @param {string} text
   * @param {{kind: "reply" | "edit", row: object} | null} about
   * @param {object} more fields of the message, such as `threadId`
   * @returns {boolean} whether it was taken
   */
  send(text, about, more = {}) {
    const room = this.room();
    if (room.outbox.full) return false;
    const found = mentionedIn(text, this.people());
    const mentions = found.length === 0 ? undefined : found;
    if (about?.kind !== "edit") {
      const replyTo = about === null ? undefined : reference(about.row);
      room.send(text, { replyTo, mentions, ...more });
    } else if (text !== about.row.content) {
      this.#tellFailure(room.edit(about.row, text, { mentions }));
    }
    return true;
  }

  react(row, reaction) {
    const room = this.room();
    const own = row.reactions.some((each) => each.reaction === reaction && each.own);
    this.#tellFailure(own ? room.unreact(row, reaction) : room.react(row, reaction));
  }

  delete(row) {
    this.#tellFailure(this.room().delete(row));
  }

  retry(clientMessageId) {
    this.room().retry(clientMessageId);
  }

  discard(clientMessageId) {
    this.room().discard(clientMessageId);
  }

  typing(isTyping) {
    this.room()?.typing(isTyping);
  }

  // A change that failed shows nowhere in the stream: it is said, and given up.
  #tellFailure({ clientMessageId, acknowledged }) {
    const room = this.room();
    acknowledged.catch((error) => {
      room.discard(clientMessageId);
      this.tell(error.message);
    });
  }
}

/** @param {object[]} rows  @returns {object | undefined} one's own last message, to be edited */
export function lastOwn(rows) {
  return rows.findLast((row) => row.own && row.canAct);
}

function reference({ seq, messageId }) {
  return { seq, messageId };
}
