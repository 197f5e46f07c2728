/** The bar that looks for words in the messages that are loaded. */

import { matching } from "./find.js";
import { highlight } from "./highlight.js";
import { plural, setText } from "./text.js";

const find = (id) => document.getElementById(id);

export class Search {
  #found = [];
  #currentId = null;
  #moved = false; // to another match, which is to be brought into sight
  #query = "";
  #back = null; // where the focus was

  /** @param {object} handlers onChange(), onShow(message), onLoad(), onClose() */
  constructor(handlers) {
    this.handlers = handlers;
    this.bar = find("search");
    this.input = find("search-text");
    this.bar.addEventListener("submit", (event) => event.preventDefault());
    this.input.addEventListener("input", () => this.#asked());
    find("search-older").addEventListener("click", () => this.#step(-1));
    find("search-newer").addEventListener("click", () => this.#step(1));
    find("search-more").addEventListener("click", () => handlers.onLoad());
    find("search-close").addEventListener("click", () => this.close());
    this.bar.addEventListener("keydown", (event) => this.#pressed(event));
  }

  get isOpen() {
    return !this.bar.hidden;
  }

  /** What is looked for; "" where nothing is. */
  get query() {
    return this.isOpen ? this.#query : "";
  }

  /** @returns {string | null} messageId of the match that is shown */
  get currentId() {
    return this.isOpen ? this.#currentId : null;
  }

  open() {
    if (!this.isOpen) this.#back = document.activeElement;
    this.bar.hidden = false;
    this.input.select();
    this.input.focus();
    this.handlers.onChange();
  }

  close() {
    if (!this.isOpen) return;
    const inside = this.bar.contains(document.activeElement);
    this.bar.hidden = true;
    this.handlers.onChange();
    if (inside) this.#goBack();
  }

  /** @param {object[]} entries  @param {{canLoad: boolean, state: string}} older */
  render(entries, older) {
    if (!this.isOpen) return;
    this.#found = matching(entries, this.#query);
    const index = this.#indexOfCurrent();
    const count = this.#found.length;
    if (index < 0) this.#currentId = this.#found.at(-1)?.messageId ?? null;
    const place = `${index < 0 ? count : index + 1} of ${count}`;
    setText(find("search-count"), this.#query === "" ? "" : count === 0 ? "Nothing found" : place);
    find("search-older").disabled = count === 0;
    find("search-newer").disabled = count === 0;
    const messages = entries.filter(({ kind }) => kind === "message").length;
    const loaded = plural(messages, "message that is", "messages that are");
    const all = messages === 1 ? "It is all there is." : "They are all there are.";
    setText(find("search-scope"), `In the ${loaded} loaded. ${older.canLoad ? "" : all}`);
    const more = find("search-more");
    more.hidden = !older.canLoad;
    more.ariaDisabled = String(older.state === "loading");
    setText(more, older.state === "loading" ? "Loading\u2026" : "Load older ones");
    if (this.#moved) this.#showCurrent();
  }

  /** Show in what is on screen what is looked for. @param {import("./list.js").List[]} lists */
  mark(lists) {
    const { query, currentId } = this;
    highlight(lists.flatMap(({ nodes }) => nodes), query);
    for (const list of lists) {
      for (const node of list.nodes) {
        const found = currentId !== null && list.rowOf(node).messageId === currentId;
        node.classList.toggle("found", found);
      }
    }
  }

  #asked() {
    this.#query = this.input.value;
    this.#currentId = null;
    this.#moved = true;
    this.handlers.onChange();
  }

  #step(step) {
    const count = this.#found.length;
    if (count === 0) return;
    const index = (this.#indexOfCurrent() + step + count) % count;
    this.#currentId = this.#found[index].messageId;
    this.#moved = true;
    this.handlers.onChange();
  }

  #showCurrent() {
    this.#moved = false;
    const current = this.#found[this.#indexOfCurrent()];
    if (current !== undefined) this.handlers.onShow(current);
  }

  #indexOfCurrent() {
    return this.#found.findIndex(({ messageId }) => messageId === this.#currentId);
  }

  // Enter goes back in time, as one does who looks for what was said.
  #pressed(event) {
    const steps = { Enter: event.shiftKey ? 1 : -1, ArrowUp: -1, ArrowDown: 1 };
    if (event.key === "Escape") {
      event.stopPropagation();
      this.close();
    } else if (event.key in steps && event.target === this.input) {
      event.preventDefault();
      this.#step(steps[event.key]);
    }
  }

  #goBack() {
    if (this.#back?.isConnected && this.#back !== document.body) this.#back.focus();
    else this.handlers.onClose();
  }
}
