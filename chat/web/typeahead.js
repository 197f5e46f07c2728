/** The list of people under `@...` in a draft: a combobox with a listbox, as ARIA has it. */

import { queryAt, suggested } from "./suggestions.js";
import { avatar, element } from "./text.js";

export class Typeahead {
  #found = [];
  #active = 0;
  #from = 0;
  #dismissed = -1; // the `@` that Escape was pressed at

  /**
   * @param {HTMLTextAreaElement} draft
   * @param {HTMLElement} box where the list goes
   * @param {() => {userId: string, name: string}[]} people who may be meant
   */
  constructor(draft, box, people) {
    this.draft = draft;
    this.people = people;
    this.list = element("ul", "suggestions");
    this.list.id = `${draft.id}-people`;
    this.list.role = "listbox";
    this.list.ariaLabel = "People";
    this.list.hidden = true;
    box.append(this.list);
    draft.setAttribute("aria-autocomplete", "list");
    draft.addEventListener("input", () => this.#look());
    draft.addEventListener("blur", () => this.close());
    // Not on press: the draft would lose the focus.
    this.list.addEventListener("pointerdown", (event) => event.preventDefault());
    this.list.addEventListener("click", ({ target }) => {
      const index = [...this.list.children].indexOf(target.closest("li"));
      if (index >= 0) this.#take(index);
    });
  }

  get isOpen() {
    return !this.list.hidden;
  }

  /** @param {KeyboardEvent} event  @returns {boolean} whether it was for the list */
  pressed(event) {
    if (!this.isOpen) return false;
    const steps = { ArrowUp: -1, ArrowDown: 1 };
    const { key } = event;
    if (key in steps) this.#point((this.#active + steps[key] + this.#found.length) % this.#found.length);
    else if ((key === "Enter" || key === "Tab") && !event.shiftKey) this.#take(this.#active);
    else if (key === "Escape") {
      this.#dismissed = this.#from;
      this.close();
    } else return false;
    event.preventDefault();
    event.stopPropagation();
    return true;
  }

  close() {
    if (!this.isOpen) return;
    this.list.hidden = true;
    this.draft.removeAttribute("role");
    for (const name of ["aria-expanded", "aria-controls", "aria-activedescendant"]) {
      this.draft.removeAttribute(name);
    }
  }

  #look() {
    const { value, selectionStart } = this.draft;
    const asked = queryAt(value, selectionStart);
    if (asked === null) this.#dismissed = -1;
    const wanted = asked !== null && asked.from !== this.#dismissed;
    this.#found = wanted ? suggested(this.people(), asked.query) : [];
    if (this.#found.length === 0) {
      this.close();
      return;
    }
    this.#from = asked.from;
    this.list.replaceChildren(...this.#found.map((person, index) => this.#option(person, index)));
    this.list.hidden = false;
    this.draft.role = "combobox";
    this.draft.ariaExpanded = "true";
    this.draft.setAttribute("aria-controls", this.list.id);
    this.#point(0);
  }

  #option({ userId, name }, index) {
    const option = element("li", "", avatar(userId, name), element("span", "name", name));
    if (userId !== name) option.append(element("span", "id", userId));
    option.id = `${this.list.id}-${index}`;
    option.role = "option";
    return option;
  }

  #point(index) {
    this.#active = index;
    for (const [at, option] of [...this.list.children].entries()) {
      option.ariaSelected = String(at === index);
      if (at === index) option.scrollIntoView({ block: "nearest" });
    }
    this.draft.setAttribute("aria-activedescendant", `${this.list.id}-${index}`);
  }

  #take(index) {
    const { name } = this.#found[index];
    this.draft.setRangeText(`@${name} `, this.#from, this.draft.selectionStart, "end");
    this.close();
    this.draft.dispatchEvent(new Event("input", { bubbles: true }));
  }
}
