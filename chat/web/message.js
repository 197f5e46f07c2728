/** One message on screen: made once, changed in place. Nothing here ever parses HTML. */

import { showAttachments } from "./attachments.js";
import { avatar, element, hueOf, linked, setText, timeElement } from "./text.js";

const STATE_TEXT = { queued: "Waiting to be sent", sending: "", acked: "", delivered: "" };
const QUOTED = 160;

/** @param {object} row of kind "message" */
export function messageNode({ userId, name, timestamp, own }) {
  const author = element("span", `author hue-${hueOf(userId)}`, own ? "You" : name);
  const head = element("p", "head", author, timeElement(timestamp));
  const body = element("div", "body");
  body.dir = "auto";
  const bubble = element("div", "bubble", head, body);
  const chips = element("div", "reactions");
  chips.ariaLive = "off";
  const node = element("li", own ? "message own" : "message", avatar(userId, name), bubble);
  node.append(chips, element("p", "delivery"));
  node.tabIndex = -1;
  return node;
}

/**
 * @param {HTMLElement} node
 * @param {object} row
 * @param {object} handlers onRetry, onDiscard (clientMessageId), onReact(row, reaction),
 *   onShow(messageId)
 */
export function updateMessage(node, row, handlers) {
  node.dataset.state = row.state;
  node.classList.toggle("first", row.first);
  node.classList.toggle("last", row.last);
  node.classList.toggle("gone", row.deleted);
  showBody(node.querySelector(".bubble"), row, handlers);
  showAttachments(node.querySelector(".bubble"), row.attachments);
  showReactions(node.querySelector(".reactions"), row, handlers);
  showDelivery(node.querySelector(".delivery"), row, handlers);
}

function showBody(bubble, { content, deleted, edited, quote }, handlers) {
  const body = bubble.querySelector(".body");
  if (deleted) body.replaceChildren("This message was deleted.");
  else body.replaceChildren(...linked(content));
  if (edited) body.append(element("span", "edited", " (edited)"));
  bubble.querySelector(".quote")?.remove();
  if (quote === null) return;
  const author = element("span", "author", quote.name);
  const node = element("button", "quote", author, ` ${quote.content.slice(0, QUOTED)}`);
  node.type = "button";
  node.disabled = quote.messageId === null;
  node.addEventListener("click", () => handlers.onShow(quote.messageId));
  body.before(node);
}

function showReactions(chips, row, handlers) {
  const nodes = row.reactions.map(({ reaction, count, own, names }) => {
    const chip = element("button", "", element("span", "", reaction), ` ${count}`);
    chip.type = "button";
    chip.title = names;
    chip.ariaPressed = String(own);
    chip.ariaLabel = `${reaction} ${count}, ${names}`;
    chip.addEventListener("click", () => handlers.onReact(row, reaction));
    return chip;
  });
  chips.replaceChildren(...nodes);
}

function showDelivery(status, { state, reason, clientMessageId }, handlers) {
  if (state !== "failed") {
    setText(status, STATE_TEXT[state]);
    return;
  }
  status.replaceChildren(
    element("span", "", `Not sent. ${reason}`),
    action("Send again", () => handlers.onRetry(clientMessageId)),
    action("Discard", () => handlers.onDiscard(clientMessageId)),
  );
}

function action(text, onClick) {
  const button = element("button", "", text);
  button.type = "button";
  button.addEventListener("click", onClick);
  return button;
}
