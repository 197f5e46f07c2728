/** Which reactions are offered, and in what order: pure. */

import { EMOJI } from "./emoji.js";

/** Those that are always at hand. */
export const QUICK = ["👍", "❤️", "😂", "🎉", "😮", "👀"];

const MOST_RECENT = 16;
const MOST_CHARS = 32; // docs/protocol.md#add_reaction-and-remove_reaction
const IS_EMOJI = /^(?:\p{Extended_Pictographic}|\p{Regional_Indicator}|[#*0-9]\ufe0f?\u20e3)/u;
const graphemes = new Intl.Segmenter(undefined, { granularity: "grapheme" });

/** @typedef {import("./emoji.js").Emoji} Emoji */

/**
 * What is shown for what was typed.
 *
 * @param {string} query  @param {string[]} recent
 * @returns {{heading: string, emoji: Emoji[]}[]}
 */
export function offered(query, recent) {
  const text = query.trim();
  if (text === "") return [{ heading: "Recent", emoji: used(recent).map(known) }, ...EMOJI];
  const found = isReaction(text) ? [known(text)] : matching(text.toLowerCase());
  return found.length === 0 ? [] : [{ heading: "Found", emoji: found }];
}

/** The last ones that were used, the latest first; before there are any, those at hand. */
export function used(recent) {
  const plain = Array.isArray(recent) ? recent.filter(isReaction) : [];
  return [...new Set([...plain, ...QUICK])].slice(0, MOST_RECENT);
}

/** @param {any} text  @returns {boolean} whether it is one emoji, and short enough for the server */
export function isReaction(text) {
  if (typeof text !== "string" || !IS_EMOJI.test(text)) return false;
  return [...graphemes.segment(text)].length === 1 && [...text].length <= MOST_CHARS;
}

/** Every word of what is looked for begins a word of it; names that begin so come first. */
function matching(text) {
  const wanted = text.split(/[\s-]+/);
  return EMOJI.flatMap(({ emoji }) => emoji)
    .filter(({ words }) => wanted.every((each) => words.some((word) => word.startsWith(each))))
    .sort((one, other) => Number(other.name.startsWith(text)) - Number(one.name.startsWith(text)));
}

function known(reaction) {
  for (const { emoji } of EMOJI) {
    const found = emoji.find((each) => each.reaction === reaction);
    if (found !== undefined) return found;
  }
  return { reaction, name: reaction, words: [] }; // pasted
}
