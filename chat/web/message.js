/** One message on screen: made once, changed in place. Nothing here ever parses HTML. */

import { PARTS } from "./parts.js";
import { avatar, element, hueOf, plural, setText, timeElement } from "./text.js";

const STATE_TEXT = { queued: "Waiting to be sent", sending: "", acked: "", delivered: "" };

/** @param {object} row of kind "message" */
export function messageNode({ userId, name, timestamp, own }) {
  const author = element("span", `author hue-${hueOf(userId)}`, own ? "You" : name);
  author.title = name;
  const head = element("p", "head", author, timeElement(timestamp));
  const bubble = element("div", "bubble", head, element("div", "parts"));
  const chips = element("div", "reactions");
  const node = element("li", own ? "message own" : "message", avatar(userId, name), bubble);
  node.append(chips, element("div", "in-thread"), element("p", "delivery"));
  node.tabIndex = -1;
  return node;
}

/**
 * @param {HTMLElement} node
 * @param {object} row
 * @param {object} handlers onRetry, onDiscard (clientMessageId), onReact(row, reaction),
 *   onShow(messageId), onThread(messageId)
 */
export function updateMessage(node, row, handlers) {
  node.dataset.state = row.state;
  node.classList.toggle("first", row.first);
  node.classList.toggle("last", row.last);
  node.classList.toggle("gone", row.deleted);
  node.classList.toggle("for-me", row.meant.some(({ self }) => self));
  const parts = PARTS.map((part) => part(row, handlers)).filter((part) => part !== null);
  node.querySelector(".parts").replaceChildren(...parts);
  showReactions(node.querySelector(".reactions"), row, handlers);
  showThread(node.querySelector(".in-thread"), row, handlers);
  showDelivery(node.querySelector(".delivery"), row, handlers);
}

function showReactions(chips, row, handlers) {
  const nodes = row.reactions.map(({ reaction, count, own, names }) => {
    const chip = action("", () => handlers.onReact(row, reaction));
    chip.append(element("span", "", reaction), ` ${count}`);
    chip.title = names;
    chip.ariaPressed = String(own);
    chip.ariaLabel = `${reaction} ${count}, ${names}`;
    return chip;
  });
  chips.replaceChildren(...nodes);
}

/** Under the root of a thread: who answered, how many replies, and when the last one came. */
function showThread(place, { thread, messageId }, handlers) {
  if (thread === null) {
    place.replaceChildren();
    return;
  }
  const faces = thread.people.map(({ userId, name }) => avatar(userId, name));
  const count = element("b", "", plural(thread.count, "reply", "replies"));
  const last = element("span", "when", `Last reply ${thread.ago}`);
  const button = action("", () => handlers.onThread(messageId));
  button.append(element("span", "faces", ...faces), count, " ", last);
  place.replaceChildren(button);
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
