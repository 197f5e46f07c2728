/** Messages and, below them, where one writes: what the conversation and a thread have in common. */

import { lastOwn } from "./acts.js";
import { Composer } from "./composer.js";
import { Stream } from "./stream.js";
import { Tray } from "./tray.js";

export class Exchange {
  /**
   * @param {HTMLElement} root with a stream in it; files may be dropped there
   * @param {HTMLElement} place of the composer
   * @param {{id: string, label: string}} names of the draft
   * @param {import("./acts.js").Acts} acts
   * @param {object} handlers those of `Stream` that are not here, and answers: whether one may answer
   *   a message, along(): more fields of what is sent, onSaid(): something was, onTell(text)
   */
  constructor(root, place, names, acts, { answers = false, along = () => ({}), onSaid, onTell, ...handlers }) {
    this.stream = new Stream(root, {
      ...handlers,
      onRetry: (id) => acts.retry(id),
      onDiscard: (id) => acts.discard(id),
      onReact: (row, reaction) => acts.react(row, reaction),
      onReply: answers ? (row) => this.composer.reply(row) : undefined,
      onEdit: (row) => this.composer.edit(row),
      onDelete: (row) => acts.delete(row),
      onBack: () => this.composer.focus(),
    });
    this.composer = new Composer(place, names, {
      onSend: (text, about) => {
        const taken = acts.send(text, about, { ...along(), ...this.tray.along(about) });
        if (taken && about?.kind !== "edit") {
          this.tray.sent();
          onSaid();
        }
        return taken;
      },
      onTyping: (isTyping) => acts.typing(isTyping),
      onEditLast: () => {
        const row = lastOwn(this.stream.list.rows);
        if (row !== undefined) this.composer.edit(row);
        return row !== undefined;
      },
      people: () => acts.people(),
    });
    this.tray = new Tray(this.composer, root, onTell);
  }
}
