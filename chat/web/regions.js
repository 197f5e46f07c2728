/** F6 goes from one part of the page to the next, as in other programs of several panes. */

const REGIONS = ["rooms", "stream", "composer", "side"];
const CAN_FOCUS = "button:not(:disabled), textarea, input, a[href], [tabindex='0']";

/** @param {number} step 1 or -1 */
export function goToRegion(step) {
  const parts = REGIONS.map((id) => document.getElementById(id)).map((node) => ({ node, first: firstIn(node) }))
    .filter(({ first }) => first !== undefined);
  const here = parts.findIndex(({ node }) => node.contains(document.activeElement));
  const next = here < 0 ? parts.length - 1 : (here + step + parts.length) % parts.length;
  parts[next]?.first.focus();
}

function firstIn(node) {
  if (node.tabIndex >= 0 && isSeen(node)) return node;
  const chosen = node.querySelector("[aria-current='page'], textarea");
  const all = chosen === null ? node.querySelectorAll(CAN_FOCUS) : [chosen];
  return [...all].find(isSeen);
}

function isSeen(node) {
  return node.getClientRects().length > 0;
}
