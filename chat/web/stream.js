/** A stream of messages on screen: what it follows, where it is scrolled to, how keys move in it. */

import { Actions } from "./actions.js";
import { NEW_LINE, updateLine } from "./lines.js";
import { List } from "./list.js";
import { messageNode, updateMessage } from "./message.js";
import { plural, setText } from "./text.js";
import { isTouch } from "./touch.js";

const NEAR_END_PX = 80;
const NEAR_START_PX = 600;
const LINE_PX = 22;
const CHAR_PX = 7.5;
const GUESS_PX = { day: 48, line: 44, notice: 44, note: 34 };

export class Stream {
  #unread = 0;
  #atEnd = true;
  #older = { canLoad: false, state: "idle" };
  #top = 0; // where it was scrolled to when last looked

  /**
   * @param {HTMLElement} root with `.stream`, `.older` and `.to-end` in it
   * @param {object} handlers onOlder(), onRetry(clientMessageId), onDiscard(clientMessageId),
   *   onReact(row, reaction), onMore(row, beside, node), onReply(row), onThread(messageId), onEdit(row),
   *   onDelete(row), onReport(row),
   *   onBack(), onEnd() the end came into sight, onShown(nodes) other rows are in the document
   */
  constructor(root, handlers) {
    this.handlers = { ...handlers, onShow: (messageId) => this.show(messageId) };
    this.scroller = root.querySelector(".stream");
    this.olderButton = root.querySelector(".older");
    this.toEnd = root.querySelector(".to-end");
    this.actions = new Actions(this.scroller, handlers);
    this.list = new List(this.scroller, {
      make: (row) => (row.kind === "message" ? messageNode(row) : NEW_LINE[row.kind](row)),
      update: (node, row) => {
        if (row.kind === "message") updateMessage(node, row, this.handlers);
        else updateLine(node, row, this.handlers);
      },
      guess: guessPx,
      onShown: () => {
        this.#keepActions();
        handlers.onShown?.(this.list.nodes);
      },
    });
    this.olderButton.addEventListener("click", () => handlers.onOlder());
    this.toEnd.addEventListener("click", () => {
      this.scrollToEnd();
      this.enter();
    });
    this.scroller.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    this.#listenToMessages();
    const sizes = new ResizeObserver(() => this.#resized());
    sizes.observe(this.scroller);
    sizes.observe(this.list.node); // a picture has come, or a font
  }

  get atEnd() {
    return this.#atEnd;
  }

  clear() {
    this.actions.hide();
    this.list.clear();
    this.#unread = 0;
    this.#atEnd = true;
  }

  /**
   * @param {object[]} rows
   * @param {{canLoad: boolean, state: string}} older
   * @param {number} unread how many of them are
   */
  render(rows, older, unread = 0) {
    // The event of a scroll comes a little after it: a new message must not pull the reader back.
    if (this.scroller.scrollTop !== this.#top) this.#lookWhere();
    const follow = this.#atEnd;
    this.#unread = unread;
    const places = follow ? null : this.list.places();
    this.#showOlder(older);
    this.list.render(rows, places);
    this.#lookWhere();
    if (follow) this.#atEnd = true;
    this.#showUnread();
    this.#wantOlder();
  }

  /** Begin here: in the draft, or with a finger in the list, so that the focus is not nowhere. */
  enter() {
    if (isTouch()) this.scroller.focus({ preventScroll: true });
    else this.handlers.onBack();
  }

  scrollToEnd() {
    this.list.render(this.list.rows, null);
    this.#top = this.scroller.scrollTop;
    this.#atEnd = true;
    this.#showUnread();
    this.handlers.onEnd?.();
  }

  /** Begin where the new messages begin, unless all of them are in sight anyway. */
  showLine() {
    if (this.list.reveal("line", 0.2) === undefined) return;
    this.#lookWhere();
    this.#showUnread();
  }

  /**
   * Bring a message into sight.
   *
   * @param {string} messageId
   * @param {boolean} focused whether to go there, too
   * @returns {boolean} whether it is here
   */
  show(messageId, focused = true) {
    const row = this.list.rows.find((each) => each.messageId === messageId);
    const node = row === undefined ? undefined : this.list.reveal(row.key);
    if (node === undefined) return false;
    this.#lookWhere();
    this.#showUnread();
    if (focused) node.focus({ preventScroll: true });
    return true;
  }

  #listenToMessages() {
    const { list, scroller, actions } = this;
    const messageOf = (target) => target.closest?.(".message") ?? null;
    const show = (node) => node !== null && actions.show(node, list.rowOf(node));
    list.node.addEventListener("pointerover", ({ target, pointerType }) => {
      if (pointerType === "mouse") show(messageOf(target));
    });
    scroller.addEventListener("pointerleave", ({ pointerType }) => {
      if (pointerType === "mouse" && !scroller.contains(document.activeElement)) actions.hide();
    });
    list.node.addEventListener("focusin", ({ target }) => show(messageOf(target)));
    let before = null; // whose toolbar was there when a press began, which focuses the message
    list.node.addEventListener("pointerdown", () => {
      before = actions.node;
    });
    list.node.addEventListener("click", ({ target }) => {
      const node = messageOf(target);
      if (node === null || target.closest("a, button")) return;
      if (before === node && isTouch()) actions.hide();
      else show(node);
    });
    scroller.addEventListener("keydown", (event) => this.#pressed(event));
  }

  // Up and down go from message to message, as in a list; Escape goes back to writing.
  #pressed(event) {
    const { key, target } = event;
    if (key === "Escape") {
      event.stopPropagation();
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
    const here = target.closest(".message") ?? this.actions.node;
    const next = this.list.messageBeside(here?.dataset.key, key === "ArrowUp" ? -1 : 1);
    if (next === undefined) return;
    event.preventDefault();
    const node = this.list.nodeOf(next.key) ?? this.list.reveal(next.key);
    node.focus({ preventScroll: true });
    node.scrollIntoView({ block: "nearest" });
  }

  #keepActions() {
    const { node } = this.actions;
    if (node === null) return;
    if (this.list.nodeOf(node.dataset.key) === node) this.actions.show(node, this.list.rowOf(node));
    else this.actions.hide();
  }

  #showOlder(older) {
    this.#older = older;
    this.olderButton.hidden = !older.canLoad;
    this.olderButton.ariaDisabled = String(older.state === "loading");
    const text = { idle: "Load older messages", loading: "Loading older messages\u2026" };
    setText(this.olderButton, text[older.state] ?? "Could not load older messages. Try again");
  }

  #showUnread() {
    this.toEnd.hidden = this.#atEnd;
    const news = plural(this.#unread, "new message", "new messages");
    setText(this.toEnd, this.#unread > 0 ? news : "Latest messages");
  }

  #scrolled() {
    this.list.scrolled();
    const before = this.#atEnd;
    this.#lookWhere();
    this.#showUnread();
    this.#wantOlder();
    if (this.#atEnd && !before) this.handlers.onEnd?.();
  }

  #lookWhere() {
    const { scrollTop, scrollHeight, clientHeight } = this.scroller;
    this.#top = scrollTop;
    this.#atEnd = scrollHeight - scrollTop - clientHeight < NEAR_END_PX;
  }

  #wantOlder() {
    const near = this.#top < NEAR_START_PX;
    if (near && this.#older.state === "idle" && this.#older.canLoad) this.handlers.onOlder();
  }

  // A phone's keyboard or a growing draft must not push the last message out of sight.
  #resized() {
    this.list.resized();
    if (this.#atEnd) {
      this.scroller.scrollTop = this.scroller.scrollHeight;
      this.#top = this.scroller.scrollTop;
    }
    this.#keepActions(); // at the message, which may have moved
  }
}

/** About how tall a row will be that was never on screen. */
function guessPx({ kind, content, first, quote, thread, reactions }, width) {
  if (kind !== "message") return GUESS_PX[kind];
  const perLine = Math.max(20, Math.min(width * 0.8, 540) / CHAR_PX);
  const lines = content.split("\n").reduce((sum, line) => sum + Math.ceil((line.length || 1) / perLine), 0);
  const extra = (first ? 31 : 0) + (quote ? 25 : 0) + (thread ? 34 : 0);
  return 21 + lines * LINE_PX + extra + (reactions.length > 0 ? 29 : 0);
}
