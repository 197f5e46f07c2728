/** Where one writes: a message, an answer to one, or other words for one. */

import { setText } from "./text.js";
import { isTouch } from "./touch.js";
import { Typeahead } from "./typeahead.js";

const MAX_DRAFT_LINES_PX = 168;
const EXCERPT = 120;

export class Composer {
  /**
   * Whether there is something to send besides text; whoever puts things into `tray` says so here,
   * and calls `changed` when that is another answer.
   *
   * @type {() => boolean}
   */
  holds = () => false;
  /**
   * Whether what is in `tray` cannot be sent yet; text waits for it.
   *
   * @type {() => boolean}
   */
  waits = () => false;

  #about = null; // {kind: "reply" | "edit", row}
  #drafts = new Map(); // by key, while another is open
  #key = null;

  /**
   * @param {HTMLElement} root gets all of it: `.about`, `.tray`, and a form with `.tools`
   * @param {{id: string, label: string}} names of the draft
   * @param {object} handlers onSend(text, about) returns whether it was taken, onTyping(isTyping),
   *   onEditLast(), people() who may be mentioned
   */
  constructor(root, { id, label }, handlers) {
    this.handlers = handlers;
    root.append(document.getElementById("composer-template").content.cloneNode(true));
    this.root = root;
    this.draft = root.querySelector("textarea");
    /** What is sent along is shown here. */
    this.tray = root.querySelector(".tray");
    /** Buttons beside the draft. */
    this.tools = root.querySelector(".tools");
    this.draft.id = id;
    this.draft.placeholder = label;
    const name = root.querySelector("label");
    name.htmlFor = id;
    name.textContent = label;
    this.typeahead = new Typeahead(this.draft, root.querySelector("form"), handlers.people);
    this.sendButton = root.querySelector(".send");
    root.querySelector("form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#send();
    });
    root.querySelector(".about-cancel").addEventListener("click", () => {
      this.#forgetAbout();
      this.focus();
    });
    this.draft.addEventListener("input", () => {
      this.changed();
      handlers.onTyping(this.draft.value.trim() !== "" && this.#about?.kind !== "edit");
    });
    this.draft.addEventListener("keydown", (event) => this.#pressed(event));
    this.draft.addEventListener("blur", () => handlers.onTyping(false));
  }

  /**
   * @param {string | null} key of the room or thread; null: none is open any more
   */
  open(key) {
    if (this.#key !== null) this.#drafts.set(this.#key, this.#written());
    if (key === null) this.#drafts.clear();
    this.#key = key;
    this.#setAbout(null);
    this.typeahead.close();
    this.draft.value = this.#drafts.get(key) ?? "";
    this.changed();
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
    this.changed();
    this.focus();
  }

  changed() {
    this.sendButton.disabled = !this.#canSend;
    this.draft.style.height = "auto";
    this.draft.style.height = `${Math.min(this.draft.scrollHeight, MAX_DRAFT_LINES_PX)}px`;
  }

  #pressed(event) {
    if (event.isComposing || this.typeahead.pressed(event)) return;
    if (event.key === "Escape" && this.#about !== null) {
      event.stopPropagation();
      this.#forgetAbout();
    } else if (event.key === "ArrowUp" && this.draft.value === "" && this.#about === null) {
      if (this.handlers.onEditLast()) event.preventDefault();
    }
    // On a touch keyboard Enter makes a line, the button sends.
    if (event.key !== "Enter" || event.shiftKey || isTouch()) return;
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

  get #canSend() {
    const empty = this.draft.value.trim() === "";
    return this.#about?.kind === "edit" ? !empty : !this.waits() && (!empty || this.holds());
  }

  // What one was writing before an edit comes back after it.
  #forgetAbout() {
    const about = this.#about;
    this.#setAbout(null);
    if (about?.kind === "edit") this.draft.value = about.aside;
    this.changed();
  }

  #written() {
    return this.#about?.kind === "edit" ? this.#about.aside : this.draft.value;
  }

  #setAbout(about) {
    this.#about = about;
    const node = this.root.querySelector(".about");
    node.hidden = about === null;
    if (about === null) return;
    const { kind, row } = about;
    setText(node.querySelector("b"), kind === "edit" ? "Editing" : `Reply to ${row.name}`);
    setText(node.querySelector("span"), row.content.slice(0, EXCERPT));
  }
}
