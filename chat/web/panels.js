/** What stands beside the conversation: the rooms at the left, one panel at the right. */

import { isTouch } from "./touch.js";

const SIDES = ["people", "thread", "mentions"];
// As in layout.css:
const WIDE = matchMedia("(min-width: 1081px)"); // people are always in sight
const OVERLAID = matchMedia("(max-width: 820px)"); // the rooms come over the conversation
const COVERED = matchMedia("(max-width: 720px)"); // so does what stands beside it

const find = (id) => document.getElementById(id);

export class Panels {
  #closed; // what to do when a panel was closed, by name
  #back = null; // where the focus was before the panel was opened

  /** @param {Record<string, () => void>} closed */
  constructor(closed = {}) {
    this.screen = find("chat");
    this.#closed = closed;
    find("rooms-toggle").addEventListener("click", () => this.showRooms(!this.roomsShown));
    find("people-toggle").addEventListener("click", () => this.toggle("people"));
    for (const button of this.screen.querySelectorAll(".panel-close")) {
      button.addEventListener("click", () => this.close());
    }
    this.screen.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && this.#escape(event.target)) event.preventDefault();
    });
    this.#apply("");
  }

  /** @returns {string} "people", "thread", "mentions" or "" */
  get side() {
    return this.screen.dataset.side;
  }

  get roomsShown() {
    return find("rooms-toggle").ariaExpanded === "true";
  }

  /** @param {string} name of a panel */
  open(name) {
    if (this.side === name) return;
    if (!find("side").contains(document.activeElement)) this.#back = document.activeElement;
    const before = this.side;
    this.showRooms(false);
    this.#apply(name);
    this.#closed[before]?.();
  }

  toggle(name) {
    if (this.side === name) this.close();
    else this.open(name);
  }

  /** Close what stands at the right. @param {boolean} returns whether the focus goes back */
  close(returns = true) {
    const { side } = this;
    if (side === "") return;
    const inside = find("side").contains(document.activeElement);
    this.#apply("");
    this.#closed[side]?.();
    if (returns && inside) this.#goBack();
  }

  /** Close what stands at the right where it covers the conversation. */
  uncover() {
    if (COVERED.matches) this.close(false);
  }

  showRooms(shown) {
    const overlaid = shown && OVERLAID.matches;
    this.screen.classList.toggle("rooms-open", overlaid);
    find("rooms-toggle").ariaExpanded = String(overlaid);
    if (!shown) return;
    this.close(false);
    if (!overlaid) find("rooms").querySelector("[aria-current='page']")?.focus(); // they were hidden
  }

  #apply(name) {
    this.screen.dataset.side = name;
    find("people-toggle").ariaExpanded = String(name === "people");
    find("mentions-open").ariaExpanded = String(name === "mentions");
    for (const each of SIDES) find(each).classList.toggle("shown", each === name);
  }

  #escape(target) {
    if (this.roomsShown) {
      this.showRooms(false);
      find("rooms-toggle").focus();
      return true;
    }
    const covered = !WIDE.matches && this.side !== "";
    if (!covered && !find("side").contains(target)) return false;
    if (this.side === "") return false;
    this.close();
    return true;
  }

  #goBack() {
    const seen = this.#back?.isConnected && this.#back.checkVisibility?.() !== false;
    if (seen && this.#back !== document.body) this.#back.focus();
    else find(isTouch() ? "stream" : "draft").focus({ preventScroll: true });
  }
}
