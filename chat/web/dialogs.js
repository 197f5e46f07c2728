/** The dialogs that the page opens by itself: about the room, about the page, about keys. */

import { Dialog } from "./dialog.js";
import { helpParts } from "./keys.js";
import { preferenceParts, roomParts } from "./settings.js";

const find = (id) => document.getElementById(id);

export class Dialogs {
  #notifier = null;

  /**
   * @param {object} handlers onLeave(roomId), onChange(), here() returns the {roomId, title} that is
   *   looked at
   */
  constructor(handlers) {
    this.dialog = new Dialog();
    this.handlers = handlers;
    find("room-about").addEventListener("click", () => this.openRoom());
    find("preferences-open").addEventListener("click", () => this.openPreferences());
    find("help-open").addEventListener("click", () => this.openHelp());
  }

  get isOpen() {
    return this.dialog.isOpen;
  }

  /** @param {import("./notifier.js").Notifier} notifier of the person who came in */
  use(notifier) {
    this.#notifier = notifier;
  }

  openRoom() {
    const { roomId, title } = this.handlers.here();
    const leave = () => {
      this.dialog.close();
      this.handlers.onLeave(roomId);
    };
    const parts = roomParts({
      roomId, notifier: this.#notifier, onLevel: this.handlers.onChange, onLeave: leave,
    });
    this.dialog.open(title, parts);
  }

  openPreferences() {
    this.dialog.open("Preferences", preferenceParts(this.#notifier));
  }

  openHelp() {
    this.dialog.open("Keyboard shortcuts", helpParts());
  }
}
