/**
 * What is in a message's bubble, part by part and from top to bottom. Each is a function of the row
 * that returns a node, or null where the row has no such part. A new kind of content is one more.
 */

import { attachmentsPart } from "./attachments.js";
import { bodyNode } from "./body.js";
import { element } from "./text.js";

const QUOTED = 160;

export const PARTS = [quotePart, bodyNode, attachmentsPart];

function quotePart({ quote }, { onShow }) {
  if (quote === null) return null;
  const author = element("span", "author", quote.name);
  const node = element("button", "quote", author, ` ${quote.content.slice(0, QUOTED)}`);
  node.type = "button";
  node.disabled = quote.messageId === null;
  node.addEventListener("click", () => onShow(quote.messageId));
  return node;
}
