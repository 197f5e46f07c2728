/** The stream of messages on screen: keyed rows, and where it is scrolled to. */

import { Actions } from "./actions.js";
import { messageNode, updateMessage } from "./message.js";
import { dayOf, element, plural, setText } from "./text.js";

const NEAR_END_PX = 80;
const NEAR_START_PX = 160;

export class Stream {
  #shown = new Map(); // {node, row, signature} by key
  #unread = 0;
  #lastKey = null;
  #atEnd = true;
  #olderState = "idle";
  #top = 0; // where it was scrolled to when last looked

  /**
   * @param {object} handlers onOlder(), onRetry(clientMessageId), onDiscard(clientMessageId),
   *   onReact(row, reaction), onReply(row), onEdit(row), onDelete(row), onBack()
   */
  constructor(handlers) {
    this.handlers = { ...handlers, onShow: (messageId) => this.#show(messageId) };
    this.scroller = document.getElementById("stream");
    this.list = document.getElementById("messages");
    this.olderButton = document.getElementById("older");
    this.toEnd = document.getElementById("to-end");
    this.actions = new Actions(handlers);
    this.olderButton.addEventListener("click", () => handlers.onOlder());
    this.toEnd.addEventListener("click", () => this.scrollToEnd());
    this.scroller.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    this.#listenToMessages();
    new ResizeObserver(() => this.#resized()).observe(this.scroller);
  }

  get atEnd() {
    return this.#atEnd;
  }

  clear() {
    this.actions.hide();
    this.#shown.clear();
    this.list.replaceChildren();
    this.#unread = 0;
    this.#lastKey = null;
    this.#atEnd = true;
  }

  /** @param {object[]} rows  @param {{canLoad: boolean, state: string}} older */
  render(rows, older) {
    // The event of a scroll comes a little after it: a new message must not pull the reader back.
    if (this.scroller.scrollTop !== this.#top) this.#lookWhere();
    const follow = this.#atEnd || rows.at(-1)?.own === true && rows.at(-1).key !== this.#lastKey;
    const fromEnd = this.scroller.scrollHeight - this.scroller.scrollTop;
    const before = this.list.firstElementChild;
    this.#reconcile(rows);
    this.#showOlder(older);
    if (follow) this.scrollToEnd();
    else if (before !== this.list.firstElementChild) {
      this.scroller.scrollTop = this.scroller.scrollHeight - fromEnd;
    }
    this.#top = this.scroller.scrollTop;
    this.#lastKey = rows.at(-1)?.key ?? null;
    this.#showUnread();
    this.#keepActions();
    this.#wantOlder();
  }

  /** A message of someone else came at the end. */
  arrived() {
    if (!this.#atEnd) this.#unread += 1;
  }

  scrollToEnd() {
    this.scroller.scrollTop = this.scroller.scrollHeight;
    this.#top = this.scroller.scrollTop;
    this.#atEnd = true;
    this.#unread = 0;
    this.#showUnread();
  }

  #reconcile(rows) {
    const keys = new Set(rows.map(({ key }) => key));
    for (const [key, { node }] of this.#shown) {
      if (keys.has(key)) continue;
      this.#shown.delete(key);
      node.remove();
    }
    let next = this.list.firstElementChild;
    for (const row of rows) {
      const node = this.#nodeOf(row);
      if (node === next) next = next.nextElementSibling;
      else this.list.insertBefore(node, next);
    }
  }

  #nodeOf(row) {
    let shown = this.#shown.get(row.key);
    if (shown === undefined) {
      shown = { node: NEW_NODE[row.kind](row), row, signature: null };
      shown.node.dataset.key = row.key;
      this.#shown.set(row.key, shown);
    }
    shown.row = row;
    if (row.kind === "message") {
      const signature = JSON.stringify(row);
      if (signature !== shown.signature) updateMessage(shown.node, row, this.handlers);
      shown.signature = signature;
    }
    return shown.node;
  }

  #listenToMessages() {
    const { list, scroller, actions } = this;
    const messageOf = (target) => target.closest?.(".message") ?? null;
    const show = (node) => node !== null && actions.show(node, this.#shown.get(node.dataset.key).row);
    list.addEventListener("pointerover", ({ target, pointerType }) => {
      if (pointerType === "mouse") show(messageOf(target));
    });
    scroller.addEventListener("pointerleave", ({ pointerType }) => {
      if (pointerType === "mouse" && !scroller.contains(document.activeElement)) actions.hide();
    });
    list.addEventListener("focusin", ({ target }) => show(messageOf(target)));
    list.addEventListener("click", ({ target }) => {
      const node = messageOf(target);
      if (node === null || target.closest("a, button")) return;
      if (actions.node === node && matchMedia("(pointer: coarse)").matches) actions.hide();
      else show(node);
    });
    scroller.addEventListener("keydown", (event) => this.#pressed(event));
  }

  // Up and down go from message to message, as in a list; Escape goes back to writing.
  #pressed(event) {
    const { key, target } = event;
    if (key === "Escape") {
      this.actions.hide();
      this.handlers.onBack();
      return;
    }
    if (key === "Tab" && !event.shiftKey && target === this.actions.node) {
      event.preventDefault();
      this.actions.focus();
      return;
    }
    if (key !== "ArrowUp" && key !== "ArrowDown") return;
    const all = [...this.list.querySelectorAll(".message")];
    const here = all.indexOf(target.closest(".message") ?? this.actions.node);
    const step = key === "ArrowUp" ? -1 : 1;
    const next = here < 0 ? all.at(-1) : all[here + step];
    if (next === undefined) return;
    event.preventDefault();
    next.focus({ preventScroll: true });
    next.scrollIntoView({ block: "nearest" });
  }

  #show(messageId) {
    for (const { node, row } of this.#shown.values()) {
      if (row.messageId !== messageId) continue;
      node.scrollIntoView({ block: "center" });
      node.focus({ preventScroll: true });
      return;
    }
  }

  #keepActions() {
    const { node } = this.actions;
    if (node === null) return;
    const shown = this.#shown.get(node.dataset.key);
    if (shown?.node === node) this.actions.show(node, shown.row);
    else this.actions.hide();
  }

  #showOlder({ canLoad, state }) {
    this.#olderState = state;
    this.olderButton.hidden = !canLoad;
    this.olderButton.ariaDisabled = String(state === "loading");
    const text = { idle: "Load older messages", loading: "Loading older messages\u2026" };
    setText(this.olderButton, text[state] ?? "Could not load older messages. Try again");
  }

  #showUnread() {
    this.toEnd.hidden = this.#atEnd;
    const news = plural(this.#unread, "new message", "new messages");
    setText(this.toEnd, this.#unread > 0 ? news : "Latest messages");
  }

  #scrolled() {
    this.#lookWhere();
    this.#showUnread();
    this.#wantOlder();
  }

  #lookWhere() {
    const { scrollTop, scrollHeight, clientHeight } = this.scroller;
    this.#top = scrollTop;
    this.#atEnd = scrollHeight - scrollTop - clientHeight < NEAR_END_PX;
    if (this.#atEnd) this.#unread = 0;
  }

  #wantOlder() {
    const near = this.#top < NEAR_START_PX;
    if (near && this.#olderState === "idle" && !this.olderButton.hidden) this.handlers.onOlder();
  }

  // A phone's keyboard or a growing draft must not push the last message out of sight.
  #resized() {
    if (this.#atEnd) this.scrollToEnd();
  }
}

const NEW_NODE = {
  day: ({ timestamp }) => element("li", "day", element("span", "", dayOf(timestamp))),
  notice: ({ text, quiet = false }) =>
    element("li", quiet ? "gap quiet" : "gap", element("span", "", text)),
  message: messageNode,
};
