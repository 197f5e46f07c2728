/** The toolbar of the message that is pointed at, focused or tapped: react, reply, edit, delete, report. */

import { QUICK } from "./reactions.js";
import { element, setText } from "./text.js";
import { isTouch } from "./touch.js";

const SURE_MS = 4_000;
const BESIDE_PX = 42; // where the bubble of somebody else begins
const UP_PX = { mouse: 26, touch: 40 }; // how far the bar stands over the message
const LEAST_PX = 4;

export class Actions {
  #row = null;
  #node = null;
  #unsure = null;

  /**
   * @param {HTMLElement} scroller that the messages are in
   * @param {object} handlers onReact(row, reaction), onMore(row, beside, node) to choose another one,
   *   onReply(row), onThread(messageId), onEdit(row), onDelete(row), onReport(row); without one of
   *   them there is no such button
   */
  constructor(scroller, handlers) {
    this.bar = document.getElementById("actions-template").content.firstElementChild.cloneNode(true);
    this.remove = this.bar.querySelector(".act-delete");
    this.edit = this.bar.querySelector(".act-edit");
    this.report = this.bar.querySelector(".act-report");
    const reply = this.bar.querySelector(".act-reply");
    const thread = this.bar.querySelector(".act-thread");
    const more = this.bar.querySelector(".act-more");
    for (const reaction of QUICK) {
      const button = element("button", "act-react", reaction);
      button.type = "button";
      button.ariaLabel = `React with ${reaction}`;
      button.title = button.ariaLabel;
      button.addEventListener("click", (event) => this.#act(event, handlers.onReact, reaction));
      more.before(button);
    }
    more.addEventListener("click", () => this.#more(handlers.onMore));
    reply.addEventListener("click", (event) => this.#act(event, handlers.onReply));
    thread.addEventListener("click", (event) => {
      this.#act(event, ({ messageId }) => handlers.onThread(messageId));
    });
    reply.hidden = handlers.onReply === undefined;
    thread.hidden = handlers.onThread === undefined;
    this.edit.addEventListener("click", (event) => this.#act(event, handlers.onEdit));
    this.remove.addEventListener("click", (event) => this.#delete(event, handlers.onDelete));
    this.report.addEventListener("click", (event) => this.#act(event, handlers.onReport));
    this.bar.addEventListener("keydown", (event) => this.#pressed(event));
    scroller.append(this.bar);
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
    this.report.hidden = row.own;
    this.bar.hidden = false;
    this.#place();
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

  #place() {
    const { offsetLeft, offsetTop, offsetWidth } = this.#node;
    const { offsetWidth: width, parentElement } = this.bar;
    const right = offsetLeft + offsetWidth - width;
    const wanted = this.#row.own ? right : offsetLeft + BESIDE_PX;
    const most = parentElement.clientWidth - width - LEAST_PX;
    this.bar.style.left = `${Math.max(Math.min(wanted, most), LEAST_PX)}px`;
    const up = isTouch() ? UP_PX.touch : UP_PX.mouse;
    this.bar.style.top = `${Math.max(offsetTop - up, LEAST_PX)}px`;
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

  #more(handler) {
    const row = this.#row;
    const node = this.#node;
    const beside = this.bar.getBoundingClientRect();
    this.hide();
    handler(row, beside, node);
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
    this.#place();
  }

  #notSure() {
    clearTimeout(this.#unsure);
    this.#unsure = null;
    setText(this.remove.querySelector("span"), "Delete");
    this.remove.classList.remove("sure");
  }
}
