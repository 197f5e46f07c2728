/** How somebody is: a dot for the eye, and words. */

import { element, relative } from "./text.js";

const WORDS = { online: "online", away: "away", busy: "busy", offline: "not here" };

/** @param {string} state  @returns {HTMLElement} a dot with its word for who does not see it */
export function stateDot(state) {
  const node = element("span", `state is-${state in WORDS ? state : "online"}`);
  node.title = stateWord(state);
  node.append(element("span", "unseen", ` (${stateWord(state)})`));
  return node;
}

export function stateWord(state) {
  return WORDS[state] ?? state;
}

/** @param {{state: string, lastSeen?: number}} user  @returns {string} */
export function whereabouts({ state, lastSeen }, now = Date.now()) {
  if (state !== "offline") return stateWord(state);
  return lastSeen === undefined ? "not here" : `last seen ${relative(lastSeen, now)}`;
}
