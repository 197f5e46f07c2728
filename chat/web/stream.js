/** The stream of messages on screen: keyed rows, changed in place, and where it is scrolled to. */

import { avatar, dayOf, element, hueOf, linked, plural, setText, timeElement } from "./text.js";

const NEAR_END_PX = 80;
const NEAR_START_PX = 160;

const STATE_TEXT = { queued: "Waiting to be sent", sending: "", acked: "", delivered: "" };

export class Stream {
  #rows = new Map();
  #unread = 0;
  #lastKey = null;
  #atEnd = true;
  #olderState = "idle";
  #top = 0; // where it was scrolled to when last looked

  /** @param {object} handlers onOlder(), onRetry(clientMessageId), onDiscard(clientMessageId) */
  constructor(handlers) {
    this.handlers = handlers;
    this.scroller = document.getElementById("stream");
    this.list = document.getElementById("messages");
    this.olderButton = document.getElementById("older");
    this.toEnd = document.getElementById("to-end");
    this.olderButton.addEventListener("click", () => handlers.onOlder());
    this.toEnd.addEventListener("click", () => this.scrollToEnd());
    this.scroller.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    new ResizeObserver(() => this.#resized()).observe(this.scroller);
  }

  get atEnd() {
    return this.#atEnd;
  }

  clear() {
    this.#rows.clear();
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
    for (const [key, node] of this.#rows) {
      if (keys.has(key)) continue;
      this.#rows.delete(key);
      node.remove();
    }
    let next = this.list.firstElementChild;
    for (const row of rows) {
      let node = this.#rows.get(row.key);
      if (node === undefined) {
        node = NEW_NODE[row.kind](row);
        this.#rows.set(row.key, node);
      }
      if (row.kind === "message") this.#update(node, row);
      if (node === next) next = next.nextElementSibling;
      else this.list.insertBefore(node, next);
    }
  }

  #update(node, row) {
    const signature = `${row.first} ${row.last} ${row.state} ${row.reason}`;
    if (node.dataset.signature === signature) return;
    node.dataset.signature = signature;
    node.dataset.state = row.state;
    node.classList.toggle("first", row.first);
    node.classList.toggle("last", row.last);
    const status = node.querySelector(".delivery");
    if (row.state === "failed") {
      status.replaceChildren(
        element("span", "", `Not sent. ${row.reason}`),
        this.#action("Send again", () => this.handlers.onRetry(row.clientMessageId)),
        this.#action("Discard", () => this.handlers.onDiscard(row.clientMessageId)),
      );
    } else {
      setText(status, STATE_TEXT[row.state]);
    }
  }

  #action(text, onClick) {
    const button = element("button", "", text);
    button.type = "button";
    button.addEventListener("click", onClick);
    return button;
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
  message: ({ userId, name, content, timestamp, own }) => {
    const author = element("span", `author hue-${hueOf(userId)}`, own ? "You" : name);
    const head = element("p", "head", author, timeElement(timestamp));
    const body = element("div", "body", ...linked(content));
    body.dir = "auto";
    const bubble = element("div", "bubble", head, body);
    const className = own ? "message own" : "message";
    return element("li", className, avatar(userId, name), bubble, element("p", "delivery"));
  },
};
