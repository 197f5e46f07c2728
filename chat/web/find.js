/** Looking for words in messages: pure. */

/**
 * @param {object[]} entries in order
 * @param {string} query
 * @returns {object[]} messages that have it in their text, from old to new
 */
export function matching(entries, query) {
  const wanted = query.trim().toLowerCase();
  if (wanted === "") return [];
  return entries.filter(({ kind, deleted, content }) => {
    return kind === "message" && !deleted && content.toLowerCase().includes(wanted);
  });
}

/**
 * @param {string} text  @param {string} query
 * @returns {[number, number][]} where it is, from and to; none where letters change their number
 *   when they become small, as a place would not be one then
 */
export function placesIn(text, query) {
  const wanted = query.trim().toLowerCase();
  const lower = text.toLowerCase();
  if (wanted === "" || lower.length !== text.length) return [];
  const found = [];
  for (let at = lower.indexOf(wanted); at >= 0; at = lower.indexOf(wanted, at + wanted.length)) {
    found.push([at, at + wanted.length]);
  }
  return found;
}
