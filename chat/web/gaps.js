/** Sentences about messages that are not there: pure. */

/**
 * The row at the top, once history has nothing before the first entry.
 *
 * @param {object[]} entries  @param {number} startSeq the first place that history has
 * @returns {object | null}
 */
export function startRow(entries, startSeq) {
  if (entries[0]?.kind === "gap") return null;
  const missing = startSeq - 1;
  if (missing === 0) {
    const text = "This is the beginning of the room.";
    return { kind: "notice", key: "start", text, quiet: true };
  }
  return { kind: "notice", key: "trimmed", text: `${span(1, missing)} no longer available.` };
}

export function gapRow(entry) {
  return { kind: "notice", key: `gap-${entry.segment}-${entry.seq}`, text: gapText(entry) };
}

function gapText({ reason, fromSeq, toSeq, lost }) {
  if (reason === "trimmed") return `${span(fromSeq, toSeq)} no longer available.`;
  if (lost === 0) return "The server\u2019s history was reset.";
  const exist = lost === 1 ? "message above exists" : `${lost} messages above exist`;
  return `The server\u2019s history was reset. The last ${exist} in this window only.`;
}

function span(from, to) {
  return from === to ? `Message ${from} is` : `Messages ${from}\u2013${to} are`;
}
