/** A message's text as nodes. Nothing here ever parses HTML: all of it is put in as text. */

import { isEmojiOnly, tokens } from "./markup.js";
import { element } from "./text.js";

/** @param {{content: string, deleted: boolean, edited: boolean, meant: object[]}} row */
export function bodyNode({ content, deleted, edited, meant }) {
  const node = element("div", "body");
  node.dir = "auto";
  if (deleted) {
    node.append("This message was deleted.");
    return node;
  }
  node.classList.toggle("big", isEmojiOnly(content));
  node.append(...inlineNodes(content, meant));
  if (edited) node.append(element("span", "edited", " (edited)"));
  return node;
}

/** @param {string} text  @param {{userId: string, labels: string[], self: boolean}[]} meant */
export function inlineNodes(text, meant) {
  return tokens(text, meant).map((token) => NODES[token.kind](token, meant));
}

const NODES = {
  text: ({ text }) => text,
  code: ({ text }) => element("code", "", text),
  block: ({ text }) => element("pre", "", element("code", "", text)),
  link: ({ text }) => {
    const link = element("a", "", text);
    link.href = text;
    link.target = "_blank";
    link.rel = "noopener noreferrer";
    return link;
  },
  mention: ({ text, userId }, meant) => {
    const self = meant.some((each) => each.self && each.userId === userId);
    return element("span", self ? "mention me" : "mention", text);
  },
};
