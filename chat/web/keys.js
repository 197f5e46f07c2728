/** What keys do everywhere on the page, and the list of all of them. */

import { element } from "./text.js";
import { part } from "./dialog.js";

const isMac = /Mac|iPhone|iPad/.test(navigator.platform);
const MOD = isMac ? "\u2318" : "Ctrl";

const hasMod = ({ ctrlKey, metaKey, altKey, shiftKey }) =>
  (isMac ? metaKey : ctrlKey) && !altKey && !shiftKey;
const isWriting = ({ target }) => target.closest?.("input, textarea, dialog") !== null;

/** `act` is the name of what is done, with `argument`; those of which others take care have none. */
const KEYS = [
  {
    heading: "Everywhere",
    keys: [
      { shown: [[MOD, "K"]], does: "Search in the room", act: "search", is: (event) => hasMod(event) && event.key === "k" },
      { shown: [["Alt", "\u2191"]], does: "The room before", act: "room", argument: -1, is: (event) => isAlt(event, "ArrowUp") },
      { shown: [["Alt", "\u2193"]], does: "The next room", act: "room", argument: 1, is: (event) => isAlt(event, "ArrowDown") },
      { shown: [["Alt", "Shift", "\u2193"]], does: "The next room with something new", act: "news", is: (event) => isAlt(event, "ArrowDown", true) },
      { shown: [["Alt", "M"]], does: "Mentions of you", act: "mentions", is: (event) => event.altKey && event.code === "KeyM" },
      { shown: [["F6"]], does: "The next part of the page", act: "region", argument: 1, is: ({ key, shiftKey }) => key === "F6" && !shiftKey },
      { shown: [["Shift", "F6"]], does: "The part before", act: "region", argument: -1, is: ({ key, shiftKey }) => key === "F6" && shiftKey },
      { shown: [["?"], [MOD, "/"]], does: "This list", act: "help", is: (event) => (event.key === "?" && !isWriting(event)) || (hasMod(event) && event.key === "/") },
    ],
  },
  {
    heading: "Writing",
    keys: [
      { shown: [["Enter"]], does: "Send" },
      { shown: [["Shift", "Enter"]], does: "A new line" },
      { shown: [["\u2191"]], does: "Edit your last message, in an empty draft" },
      { shown: [["@"]], does: "Mention somebody: \u2191 \u2193 to choose, Enter or Tab to take" },
      { shown: [["Esc"]], does: "Stop editing or replying" },
    ],
  },
  {
    heading: "In the messages",
    keys: [
      { shown: [["\u2191"], ["\u2193"]], does: "From message to message" },
      { shown: [["Tab"]], does: "To what you may do with it: \u2190 \u2192 to choose" },
      { shown: [["Esc"]], does: "Back to the draft; in a panel: close it" },
    ],
  },
];

/**
 * @param {Record<string, (argument?: number) => void>} acts by name
 * @param {() => boolean} isActive whether there is anything they could be done to
 */
export function listenToKeys(acts, isActive) {
  const all = KEYS.flatMap(({ keys }) => keys).filter(({ is }) => is !== undefined);
  addEventListener("keydown", (event) => {
    if (event.isComposing || !isActive()) return;
    const key = all.find(({ is }) => is(event));
    if (key === undefined) return;
    event.preventDefault();
    acts[key.act](key.argument);
  });
}

/** @returns {Node[]} parts of the dialog that lists them */
export function helpParts() {
  return KEYS.map(({ heading, keys }) => {
    const lines = keys.flatMap(({ shown, does }) => [
      element("dt", "", ...shown.flatMap((chord, at) => [at > 0 ? " or " : "", ...chordNodes(chord)])),
      element("dd", "", does),
    ]);
    return part(heading, element("dl", "keys", ...lines));
  });
}

function chordNodes(chord) {
  return chord.flatMap((key, at) => [at > 0 ? " " : "", element("kbd", "", key)]);
}

function isAlt({ altKey, shiftKey, key }, wanted, shifted = false) {
  return altKey && shiftKey === shifted && key === wanted;
}
