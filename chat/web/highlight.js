/** Marks words in what is on screen without touching it: the browser paints ranges. */

import { placesIn } from "./find.js";

const NAME = "found"; // and ::highlight(found) in the style

/** @param {HTMLElement[]} nodes whose `.body` is looked through  @param {string} query "": none */
export function highlight(nodes, query) {
  const { highlights } = CSS;
  if (highlights === undefined) return; // the message that was found is outlined all the same
  highlights.delete(NAME);
  if (query.trim() === "") return;
  const ranges = nodes.flatMap((node) => [...node.querySelectorAll(".body")])
    .flatMap((body) => rangesIn(body, query));
  if (ranges.length > 0) highlights.set(NAME, new Highlight(...ranges));
}

function rangesIn(body, query) {
  const texts = document.createTreeWalker(body, NodeFilter.SHOW_TEXT);
  const ranges = [];
  for (let text = texts.nextNode(); text !== null; text = texts.nextNode()) {
    for (const [from, to] of placesIn(text.data, query)) {
      const range = new Range();
      range.setStart(text, from);
      range.setEnd(text, to);
      ranges.push(range);
    }
  }
  return ranges;
}
