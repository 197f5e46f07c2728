/** The list of messages in which one was mentioned, of all rooms one is in. */

import { inlineNodes } from "./body.js";
import { avatar, element, plural, relative, setText } from "./text.js";

const EXCERPT = 240;
const MOST = 200;

const find = (id) => document.getElementById(id);

export class Activity {
  /** @param {(roomId: string, messageId: string) => void} onGo */
  constructor(onGo) {
    this.onGo = onGo;
    this.list = find("mention-list");
  }

  /**
   * @param {object[]} found as `mentionsIn` returns them
   * @param {(roomId: string) => string} titleOf
   */
  render(found, titleOf) {
    const shown = found.slice(0, MOST);
    const seen = shown.map((each) => ({ ...each, ago: relative(each.entry.timestamp) }));
    const signature = JSON.stringify(seen);
    setText(find("mention-count"), found.length === 0 ? "" : scopeText(found.length));
    find("mention-none").hidden = found.length > 0;
    if (this.list.dataset.signature === signature) return;
    this.list.dataset.signature = signature;
    const focused = document.activeElement?.dataset?.messageId;
    this.list.replaceChildren(...seen.map((each) => this.#node(each, titleOf(each.roomId))));
    if (focused !== undefined) this.list.querySelector(`[data-message-id="${focused}"]`)?.focus();
  }

  #node({ roomId, entry, unread, meant, ago }, title) {
    const { userId, name, content, messageId } = entry;
    const head = element("span", "about-it",
      element("b", "", name), element("span", "", ` in ${title}, ${ago}`));
    const text = element("span", "said", ...inlineNodes(content.slice(0, EXCERPT), meant).map(flat));
    const button = element("button", unread ? "unread" : "", avatar(userId, name), head, text);
    button.type = "button";
    button.dataset.messageId = messageId;
    if (unread) head.append(element("span", "unseen", ", unread"));
    button.addEventListener("click", () => this.onGo(roomId, messageId));
    return element("li", "", button);
  }
}

// A button can hold neither a link nor a block.
function flat(node) {
  return ["A", "PRE"].includes(node.nodeName) ? element("span", "", node.textContent) : node;
}

function scopeText(count) {
  return `${plural(count, "message", "messages")} among those that are loaded`;
}
