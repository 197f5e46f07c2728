/** The toolbar of the message that is pointed at, focused or tapped: react, reply, edit, delete. */

import { element, setText } from "./text.js";

const REACTIONS = ["👍", "❤️", "😂", "🎉", "😮", "👀"];

const SURE_MS = 4_000;
const BESIDE_PX = 42; // where the bubble of somebody else begins
const UP_PX = 26; // how far the bar stands over the message; see its margin
const LEAST_PX = 4;

const find = (id) => document.getElementById(id);

export class Actions {
  #row = null;
  #node = null;
  #unsure = null;

  /** @param {object} handlers onReact(row, reaction), onReply(row), onEdit(row), onDelete(row) */
  constructor(handlers) {
    this.bar = find("actions");
    this.remove = find("act-delete");
    this.edit = find("act-edit");
    for (const reaction of REACTIONS) {
      const button = element("button", "", reaction);
      button.type = "button";
      button.ariaLabel = `React with ${reaction}`;
      button.addEventListener("click", (event) => this.#act(event, handlers.onReact, reaction));
      find("act-reply").before(button);
    }
    find("act-reply").addEventListener("click", (event) => this.#act(event, handlers.onReply));
    this.edit.addEventListener("click", (event) => this.#act(event, handlers.onEdit));
    this.remove.addEventListener("click", (event) => this.#delete(event, handlers.onDelete));
    this.bar.addEventListener("keydown", (event) => this.#pressed(event));
  }

  /** @returns {Element | null} the message whose toolbar is shown */
  get node() {
    return this.#node;
  }

  /** @param {HTMLElement} node  @param {object} row */
  show(node, row) {
    if (!row.canAct) {
      this.hide();
      return;
    }
    if (row.key !== this.#row?.key) this.#notSure();
    this.#row = row;
    this.#node = node;
    this.edit.hidden = !row.own;
    this.remove.hidden = !row.own;
    this.bar.hidden = false;
    const { offsetLeft, offsetTop, offsetWidth } = node;
    const left = row.own ? offsetLeft + offsetWidth - this.bar.offsetWidth : offsetLeft + BESIDE_PX;
    this.bar.style.left = `${Math.max(left, LEAST_PX)}px`;
    this.bar.style.top = `${Math.max(offsetTop, LEAST_PX + UP_PX)}px`;
  }

  focus() {
    this.bar.querySelector("button").focus();
  }

  hide() {
    this.#row = null;
    this.#node = null;
    this.bar.hidden = true;
    this.#notSure();
  }

  // Left and right go along a toolbar; back is where one came from.
  #pressed(event) {
    const buttons = [...this.bar.querySelectorAll("button:not([hidden])")];
    const here = buttons.indexOf(event.target);
    const steps = { ArrowLeft: -1, ArrowRight: 1 };
    const next = buttons[here + steps[event.key]];
    const back = event.key === "Tab" && event.shiftKey ? this.#node : undefined;
    if (next === undefined && back === undefined) return;
    event.preventDefault();
    (next ?? back).focus();
  }

  #act({ detail }, handler, ...rest) {
    const row = this.#row;
    const node = this.#node;
    this.hide();
    if (detail === 0) node.focus({ preventScroll: true }); // a key: the place is not lost
    handler(row, ...rest);
  }

  // What can not be undone takes two presses.
  #delete(event, handler) {
    if (this.#unsure !== null) {
      this.#act(event, handler);
      return;
    }
    setText(this.remove.querySelector("span"), "Really delete?");
    this.remove.classList.add("sure");
    this.#unsure = setTimeout(() => this.#notSure(), SURE_MS);
  }

  #notSure() {
    clearTimeout(this.#unsure);
    this.#unsure = null;
    setText(this.remove.querySelector("span"), "Delete");
    this.remove.classList.remove("sure");
  }
}
