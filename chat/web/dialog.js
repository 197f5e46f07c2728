/** One dialog at a time, over all else; the focus goes back to where it was when it closes. */

import { element, setText } from "./text.js";

const find = (id) => document.getElementById(id);

export class Dialog {
  #onClose = null;

  constructor() {
    this.node = find("dialog");
    this.body = find("dialog-body");
    find("dialog-close").addEventListener("click", () => this.close());
    // A press on what lies around it closes it; one that began inside, selecting text, does not.
    this.node.addEventListener("pointerdown", ({ target }) => {
      if (target === this.node) this.close();
    });
    this.node.addEventListener("close", () => this.#closed());
  }

  get isOpen() {
    return this.node.open;
  }

  /**
   * @param {string} title
   * @param {Node[]} parts what is in it; see `choices`, `field`, `button`
   * @param {() => void} onClose
   */
  open(title, parts, onClose = () => {}) {
    if (this.isOpen) this.#closed();
    this.#onClose = onClose;
    setText(find("dialog-title"), title);
    this.body.replaceChildren(...parts);
    if (!this.isOpen) this.node.showModal();
    const chosen = this.body.firstElementChild?.querySelector("input:checked"); // in sight at once
    (this.body.querySelector("[autofocus]") ?? chosen ?? this.node).focus();
  }

  close() {
    this.node.close();
  }

  #closed() {
    const onClose = this.#onClose;
    this.#onClose = null;
    onClose?.();
  }
}

/** A part of a dialog with a heading. */
export function part(heading, ...children) {
  return element("section", "part", element("h3", "", heading), ...children);
}

let groups = 0; // names of radio buttons have to differ between groups

/**
 * One of a few: radio buttons under a heading, in force at once.
 *
 * @param {string} heading
 * @param {{value: string, label: string, about?: string}[]} options
 * @param {string} chosen
 * @param {(value: string) => void} onChoose
 */
export function choices(heading, options, chosen, onChoose) {
  const name = `choice-${groups += 1}`;
  const rows = options.map(({ value, label, about }) => {
    const input = element("input");
    Object.assign(input, { type: "radio", name, value, checked: value === chosen });
    input.addEventListener("change", () => onChoose(value));
    const text = element("span", "", label);
    if (about !== undefined) text.append(element("small", "", about));
    return element("label", "choice", input, text);
  });
  return element("fieldset", "part", element("legend", "", heading), ...rows);
}

/** A labelled line to write in. @returns {{node: HTMLElement, input: HTMLInputElement}} */
export function field(label, value = "", maxLength = 200) {
  const input = element("input");
  Object.assign(input, { value, maxLength, autocomplete: "off" });
  return { node: element("label", "field", element("span", "", label), input), input };
}

/** @param {string} className "primary", "plain" or "danger" */
export function button(text, className, onClick) {
  const node = element("button", className, text);
  node.type = "button";
  node.addEventListener("click", onClick);
  return node;
}
