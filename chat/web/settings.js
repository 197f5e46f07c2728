/** The dialogs about a room, and about the page: what is in them. */

import { chooseTheme, theme, THEMES } from "./appearance.js";
import { button, choices, part } from "./dialog.js";
import { LEVELS } from "./notifier.js";
import { element } from "./text.js";

const PERMISSION_TEXT = {
  granted: "This browser shows notifications while the page is in the background.",
  denied: "This browser does not let the page show notifications; its settings for this page say so.",
  default: "Be told of mentions while the page is in the background.",
  none: "This browser has no notifications for pages.",
};

/** @param {import("./notifier.js").Notifier} notifier  @returns {Node[]} */
export function preferenceParts(notifier) {
  return [choices("Theme", THEMES, theme(), chooseTheme), permissionPart(notifier)];
}

/**
 * @param {{roomId: string, notifier: import("./notifier.js").Notifier, onLevel: () => void}} room
 * @returns {Node[]}
 */
export function roomParts({ roomId, notifier, onLevel }) {
  const choose = (level) => {
    notifier.setLevel(roomId, level);
    onLevel();
  };
  return [
    choices("Tell me about", LEVELS, notifier.level(roomId), choose),
    permissionPart(notifier),
  ];
}

function permissionPart(notifier) {
  const { permission } = notifier;
  const text = element("p", "", PERMISSION_TEXT[permission]);
  const node = part("Notifications", text);
  if (permission !== "default") return node;
  const ask = async () => {
    await notifier.ask();
    node.replaceWith(permissionPart(notifier));
  };
  node.append(button("Allow notifications", "plain", ask));
  return node;
}
