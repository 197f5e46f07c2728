/** The first screen: name, room and, where the server does not hand them out, a token. */

import { roomIdOf } from "./session.js";
import { recall, remember } from "./store.js";
import { setText } from "./text.js";

const REMEMBERED = "chat.entry";
const find = (id) => document.getElementById(id);

export class Entry {
  /** @param {(wish: {name: string, roomId: string, token: string}) => void} onJoin */
  constructor(onJoin) {
    this.onJoin = onJoin;
    this.screen = find("entry");
    this.name = find("entry-name");
    this.room = find("entry-room");
    this.token = find("entry-token");
    find("entry-form").addEventListener("submit", (event) => this.#submit(event));
    this.#recall();
  }

  /** @param {{name?: string, roomId?: string, problem?: string, needsToken?: boolean}} start */
  open({ name, roomId, problem = "", needsToken = false } = {}) {
    if (name) this.name.value = name;
    if (roomId) this.room.value = roomId;
    if (needsToken) find("entry-token-field").hidden = false;
    setText(find("entry-error"), problem);
    this.screen.hidden = false;
    const first = this.name.value === "" ? this.name : this.room;
    (needsToken ? this.token : first).focus();
  }

  close() {
    this.screen.hidden = true;
    this.token.value = "";
  }

  #submit(event) {
    event.preventDefault();
    const name = this.name.value.trim();
    const roomId = roomIdOf(this.room.value);
    if (name === "") return this.#complain(this.name, "Please enter a name.");
    if (roomId === null) {
      return this.#complain(this.room, "A room name has letters, digits and _ . : @ + = ~ - only.");
    }
    setText(find("entry-error"), "");
    remember(REMEMBERED, { name, roomId });
    return this.onJoin({ name, roomId, token: this.token.value });
  }

  #complain(input, text) {
    setText(find("entry-error"), text);
    input.focus();
  }

  #recall() {
    const { name, roomId } = recall(REMEMBERED, {});
    if (name) this.name.value = name;
    if (roomId) this.room.value = roomId;
  }
}
