/** The rows between messages: days, what is missing, what is new, replies in threads. */

import { dayOf, element, setText } from "./text.js";

export const NEW_LINE = {
  day: ({ timestamp }) => element("li", "day", element("span", "", dayOf(timestamp))),
  notice: ({ text, quiet = false }) =>
    element("li", quiet ? "gap quiet" : "gap", element("span", "", text)),
  line: () => element("li", "new-line", element("span", "", "New messages")),
  note: () => {
    const button = element("button", "", element("b"), " ", element("span"));
    button.type = "button";
    return element("li", "note", button);
  },
};

/** @param {HTMLElement} node  @param {object} row  @param {{onThread: Function}} handlers */
export function updateLine(node, row, handlers) {
  if (row.kind !== "note") return;
  const button = node.firstElementChild;
  setText(button.querySelector("b"), noteText(row));
  const excerpt = row.excerpt === null ? "an earlier thread" : `\u201c${row.excerpt}\u201d`;
  setText(button.querySelector("span"), excerpt);
  button.title = row.names.join(", ");
  button.onclick = () => handlers.onThread(row.threadId);
}

function noteText({ names, count }) {
  return count === 1 ? `${names[0]} replied in` : `${count} replies in`;
}
