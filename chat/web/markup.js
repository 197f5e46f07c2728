/** What is in a text: code, web addresses, people who are meant. Pure: no DOM, no markup language. */

const BLOCK = /```[^\S\n]*(?:[\w+-]*\n)?([\s\S]*?)\n?```/g;
const INLINE = /`([^`\n]+)`/g;
const LINK = /https?:\/\/[^\s<>"']+/g;
const LINK_TAIL = /[.,;:!?)\]}]+$/;
const EMOJI_ONLY = /^(?:\p{RI}\p{RI}|\p{Emoji}(?:\p{EMod}|\uFE0F\u20E3?)?(?:\u200D\p{Emoji}\p{EMod}?\uFE0F?)*|\s)+$/u;
const HAS_EMOJI = /\p{Extended_Pictographic}|\p{RI}/u;
const MOST_BIG = 24; // UTF-16 units: half a dozen emoji, made of several each

/**
 * @typedef {{kind: "text" | "code" | "block" | "link", text: string}
 *   | {kind: "mention", text: string, userId: string}} Token
 */

/**
 * @param {string} text
 * @param {{userId: string, labels: string[]}[]} meant the mentioned, with what each may be called
 * @returns {Token[]}
 */
export function tokens(text, meant = []) {
  return split(text, BLOCK, "block", (rest) => split(rest, INLINE, "code", (plain) => (
    links(plain).flatMap((token) => (token.kind === "text" ? mentions(token.text, meant) : [token]))
  )));
}

/** Whether a text is a few emoji and nothing else, to be shown larger. */
export function isEmojiOnly(text) {
  return text.length <= MOST_BIG && HAS_EMOJI.test(text) && EMOJI_ONLY.test(text);
}

function split(text, pattern, kind, inBetween) {
  const found = [];
  let end = 0;
  for (const { 0: whole, 1: inside, index } of text.matchAll(pattern)) {
    if (inside.trim() === "") continue;
    found.push(...inBetween(text.slice(end, index)), { kind, text: inside });
    end = index + whole.length;
  }
  return [...found, ...inBetween(text.slice(end))];
}

function links(text) {
  const found = [];
  let end = 0;
  for (const { 0: match, index } of text.matchAll(LINK)) {
    const address = match.replace(LINK_TAIL, "");
    if (!URL.canParse?.(address)) continue;
    found.push(...plain(text.slice(end, index)), { kind: "link", text: address });
    end = index + address.length;
  }
  return [...found, ...plain(text.slice(end))];
}

function mentions(text, meant) {
  const named = meant
    .flatMap(({ userId, labels }) => labels.map((label) => ({ userId, sign: `@${label}` })))
    .sort((one, other) => other.sign.length - one.sign.length);
  const found = [];
  let end = 0;
  for (let at = text.indexOf("@"); at >= 0; at = text.indexOf("@", at + 1)) {
    if (at < end) continue;
    const here = named.find(({ sign }) => isAt(text, at, sign));
    if (here === undefined) continue;
    const sign = text.slice(at, at + here.sign.length);
    found.push(...plain(text.slice(end, at)), { kind: "mention", text: sign, userId: here.userId });
    end = at + sign.length;
  }
  return [...found, ...plain(text.slice(end))];
}

function plain(text) {
  return text === "" ? [] : [{ kind: "text", text }];
}

/** Whether a sign like `@Ada` stands at a place as a word of its own. */
function isAt(text, at, sign) {
  if (text.slice(at, at + sign.length).toLowerCase() !== sign.toLowerCase()) return false;
  return !isWord(text[at - 1]) && !isWord(text[at + sign.length]);
}

function isWord(char) {
  return char !== undefined && /[\p{L}\p{N}_]/u.test(char);
}

/**
 * Who is meant by a text: the people whose `@name` is in it, outside of code.
 *
 * @param {string} text
 * @param {{userId: string, name: string}[]} people
 * @param {number} most as many as the server takes
 * @returns {string[]} user ids
 */
export function mentionedIn(text, people, most = 20) {
  const meant = people.map(({ userId, name }) => ({ userId, labels: [name, userId] }));
  const found = tokens(text, meant).filter(({ kind }) => kind === "mention");
  return [...new Set(found.map(({ userId }) => userId))].slice(0, most);
}
