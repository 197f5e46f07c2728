/** Where one writes: a message, an answer to one, or other words for one. */

import { setText } from "./text.js";

const MAX_DRAFT_LINES_PX = 168;
const EXCERPT = 120;

const find = (id) => document.getElementById(id);

export class Composer {
  #about = null; // {kind: "reply" | "edit", row}
  #drafts = new Map(); // by room, while another room is open
  #roomId = null;

  /**
   * @param {object} handlers onSend(text, about) returns whether it was taken, onTyping(isTyping),
   *   onEditLast(), filesState() tells whether files are to be sent, and are ready
   */
  constructor(handlers) {
    this.handlers = handlers;
    this.draft = find("draft");
    find("composer").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#send();
    });
    find("about-cancel").addEventListener("click", () => this.#forgetAbout());
    this.draft.addEventListener("input", () => {
      this.#changed();
      handlers.onTyping(this.draft.value.trim() !== "" && this.#about?.kind !== "edit");
    });
    this.draft.addEventListener("keydown", (event) => this.#pressed(event));
    this.draft.addEventListener("blur", () => handlers.onTyping(false));
  }

  /** @param {string | null} roomId null: none is open any more */
  open(roomId) {
    if (this.#roomId !== null) this.#drafts.set(this.#roomId, this.#written());
    if (roomId === null) this.#drafts.clear();
    this.#roomId = roomId;
    this.#setAbout(null);
    this.draft.value = this.#drafts.get(roomId) ?? "";
    this.#changed();
    if (roomId !== null) this.focus();
  }

  /** What may be sent is another: files have come or gone. */
  refresh() {
    this.#changed();
  }

  focus() {
    this.draft.focus();
  }

  reply(row) {
    if (this.#about?.kind === "edit") this.#forgetAbout();
    this.#setAbout({ kind: "reply", row });
    this.focus();
  }

  edit(row) {
    const aside = this.#written();
    this.#setAbout({ kind: "edit", row, aside });
    this.draft.value = row.content;
    this.#changed();
    this.focus();
  }

  #pressed(event) {
    if (event.isComposing) return;
    if (event.key === "Escape" && this.#about !== null) {
      event.stopPropagation();
      this.#forgetAbout();
    } else if (event.key === "ArrowUp" && this.draft.value === "" && this.#about === null) {
      if (this.handlers.onEditLast()) event.preventDefault();
    }
    // On a touch keyboard Enter makes a line, the button sends.
    const touch = matchMedia("(pointer: coarse)").matches;
    if (event.key !== "Enter" || event.shiftKey || touch) return;
    event.preventDefault();
    this.#send();
  }

  #send() {
    const text = this.draft.value.trim();
    const about = this.#about;
    if (!this.#canSend || !this.handlers.onSend(text, about)) return;
    if (about?.kind !== "edit") this.draft.value = "";
    this.#forgetAbout();
    this.focus();
  }

  // What one was writing before an edit comes back after it.
  #forgetAbout() {
    const about = this.#about;
    this.#setAbout(null);
    if (about?.kind === "edit") this.draft.value = about.aside;
    this.#changed();
  }

  #written() {
    return this.#about?.kind === "edit" ? this.#about.aside : this.draft.value;
  }

  #setAbout(about) {
    this.#about = about;
    find("about").hidden = about === null;
    if (about === null) return;
    const { kind, row } = about;
    setText(find("about-what"), kind === "edit" ? "Editing" : `Reply to ${row.name}`);
    setText(find("about-text"), row.content.slice(0, EXCERPT));
  }

  get #canSend() {
    const { empty, ready } = this.handlers.filesState();
    if (this.#about?.kind === "edit" || empty) return this.draft.value.trim() !== "";
    return ready;
  }

  #changed() {
    find("send").disabled = !this.#canSend;
    this.draft.style.height = "auto";
    this.draft.style.height = `${Math.min(this.draft.scrollHeight, MAX_DRAFT_LINES_PX)}px`;
  }
}
