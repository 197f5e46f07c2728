/** Choosing users: out of those that are known here, or by their ids. */

import { field, part } from "./dialog.js";
import { checkbox, userIdsIn } from "./forms.js";
import { element } from "./text.js";

const MOST = 30;

/**
 * @param {{userId: string, name: string}[]} people that are known
 * @param {string} heading
 * @returns {{nodes: Node[], chosen: () => string[]}}
 */
export function peopleChoice(people, heading) {
  const boxes = people.slice(0, MOST).map(({ userId, name }) => {
    return { userId, ...checkbox(name, false, name === userId ? undefined : userId) };
  });
  const other = field(boxes.length === 0 ? "User ids" : "Or other user ids", "", 1_000);
  other.input.autocapitalize = "none";
  other.input.spellcheck = false;
  other.node.append(element("small", "", "Several between spaces or commas."));
  const list = element("div", "people-choice", ...boxes.map(({ node }) => node));
  const known = boxes.length === 0 ? [] : [part(heading, list)];
  return {
    nodes: [...known, other.node],
    chosen: () => [
      ...boxes.filter(({ input }) => input.checked).map(({ userId }) => userId),
      ...userIdsIn(other.input.value),
    ],
  };
}
