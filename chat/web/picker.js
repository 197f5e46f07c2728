/**
 * Where one chooses any reaction: a search above a list, which is a combobox with a listbox in ARIA.
 * The focus stays in the search; arrows move what Enter takes.
 */

import { offered, used } from "./reactions.js";
import { recall, remember } from "./store.js";
import { element, plural, setText } from "./text.js";
import { isTouch } from "./touch.js";

const RECENT = "chat.reactions";
const GAP_PX = 6;
const LEAST_PX = 8;

const find = (id) => document.getElementById(id);

export class Picker {
  #onChoose = null;
  #back = null; // where the focus goes afterwards
  #options = [];
  #active = null;

  constructor() {
    this.node = find("picker");
    this.input = find("picker-search");
    this.list = find("picker-list");
    this.input.addEventListener("input", () => this.#show());
    this.node.addEventListener("keydown", (event) => this.#pressed(event));
    // Not on press: the search would lose the focus.
    this.list.addEventListener("pointerdown", (event) => event.preventDefault());
    this.list.addEventListener("pointerover", ({ target }) => this.#point(optionOf(target)));
    this.list.addEventListener("click", ({ target }) => this.#choose(optionOf(target)));
    this.node.addEventListener("focusout", ({ relatedTarget }) => {
      if (relatedTarget !== null && !this.node.contains(relatedTarget)) this.node.hidePopover();
    });
    this.node.addEventListener("toggle", ({ newState }) => newState === "closed" && this.#closed());
  }

  /**
   * @param {DOMRect} beside
   * @param {HTMLElement} back gets the focus afterwards
   * @param {(reaction: string) => void} onChoose
   */
  open(beside, back, onChoose) {
    this.#back = back;
    this.#onChoose = onChoose;
    this.input.value = "";
    this.node.showPopover();
    this.#show();
    this.#place(beside);
    (isTouch() ? this.node : this.input).focus(); // a keyboard would cover what there is
  }

  #show() {
    const groups = offered(this.input.value, recall(RECENT, []));
    let number = 0;
    const nodes = groups.map(({ heading, emoji }) => {
      const title = element("p", "", heading);
      title.ariaHidden = "true";
      const options = emoji.map((each) => optionNode(each, `picker-${(number += 1)}`));
      const group = element("div", "group", title, ...options);
      group.role = "group";
      group.ariaLabel = heading;
      return group;
    });
    this.list.replaceChildren(...nodes);
    this.list.scrollTop = 0;
    this.#options = [...this.list.querySelectorAll("[role=option]")];
    const asked = this.input.value.trim() !== "";
    const count = number === 0 ? "Nothing found" : plural(number, "reaction", "reactions");
    setText(find("picker-count"), asked ? count : "");
    this.#point(this.#options[0] ?? null);
  }

  #pressed(event) {
    const { key } = event;
    const at = this.#options.indexOf(this.#active);
    const steps = { ArrowLeft: -1, ArrowRight: 1 };
    const rows = { ArrowUp: -1, ArrowDown: 1 };
    if (key in steps) this.#point(this.#options[at + steps[key]] ?? this.#active);
    else if (key in rows) this.#point(this.#inRow(rows[key]) ?? this.#active);
    else if (key === "Enter") this.#choose(this.#active);
    else if (key === "Escape") this.node.hidePopover(); // the browser would empty the search first
    else return;
    event.preventDefault();
  }

  /** The option that stands nearest in the row above or below. */
  #inRow(step) {
    if (this.#active === null) return undefined;
    const { offsetTop: top, offsetLeft: left } = this.#active;
    const beyond = this.#options.filter(({ offsetTop }) => (offsetTop - top) * step > 0);
    const row = step > 0 ? beyond[0]?.offsetTop : beyond.at(-1)?.offsetTop;
    return beyond.filter(({ offsetTop }) => offsetTop === row)
      .sort((one, other) => Math.abs(one.offsetLeft - left) - Math.abs(other.offsetLeft - left))[0];
  }

  #point(option) {
    if (option === null && this.#options.length > 0) return; // between two of them
    if (this.#active !== null) this.#active.ariaSelected = "false";
    this.#active = option;
    setText(find("picker-name"), option?.ariaLabel ?? "");
    if (option === null) {
      this.input.removeAttribute("aria-activedescendant");
      return;
    }
    option.ariaSelected = "true";
    option.scrollIntoView({ block: "nearest" });
    this.input.setAttribute("aria-activedescendant", option.id);
  }

  #choose(option) {
    if (option === null) return;
    const onChoose = this.#onChoose;
    this.node.hidePopover();
    const reaction = option.textContent;
    remember(RECENT, used([reaction, ...used(recall(RECENT, []))])); // the first the next time
    onChoose(reaction);
  }

  // Above what it belongs to, or below where that is too high; on a phone the style sheet decides.
  #place({ left, top, bottom }) {
    const { offsetWidth, offsetHeight } = this.node;
    const above = top - offsetHeight - GAP_PX;
    const below = Math.min(bottom + GAP_PX, innerHeight - offsetHeight - LEAST_PX);
    const x = Math.min(left, innerWidth - offsetWidth - LEAST_PX);
    this.node.style.setProperty("--x", `${Math.max(x, LEAST_PX)}px`);
    this.node.style.setProperty("--y", `${above >= LEAST_PX ? above : Math.max(below, LEAST_PX)}px`);
  }

  #closed() {
    this.#onChoose = null;
    const here = document.activeElement;
    const lost = here === null || here === document.body || here.getClientRects().length === 0;
    if (lost && this.#back?.isConnected) this.#back.focus({ preventScroll: true });
    this.#back = null;
    this.list.replaceChildren();
    this.#options = [];
    this.#active = null;
  }
}

function optionNode({ reaction, name }, id) {
  const option = element("span", "", reaction);
  option.id = id;
  option.role = "option";
  option.ariaLabel = name;
  option.title = name;
  option.ariaSelected = "false";
  return option;
}

function optionOf(target) {
  return target.closest("[role=option]");
}
