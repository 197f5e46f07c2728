/** The theme: the system's, or one chosen by hand. theme.js puts it in force when the page loads. */

import { recall, remember } from "./store.js";

const KEY = "chat.theme"; // theme.js reads it, too
const BARS = { light: "#f6f5f2", dark: "#16181c" };

export const THEMES = [
  { value: "system", label: "As the system" },
  { value: "light", label: "Light" },
  { value: "dark", label: "Dark" },
];

/** @returns {"system" | "light" | "dark"} */
export function theme() {
  const chosen = recall(KEY, "system");
  return THEMES.some(({ value }) => value === chosen) ? chosen : "system";
}

/** @param {"system" | "light" | "dark"} chosen */
export function chooseTheme(chosen) {
  const { documentElement } = document;
  remember(KEY, chosen === "system" ? null : chosen);
  if (chosen === "system") delete documentElement.dataset.theme;
  else documentElement.dataset.theme = chosen;
  showBars();
}

/** A phone colours its own bars like the page. */
export function showBars() {
  const chosen = theme();
  for (const meta of document.querySelectorAll('meta[name="theme-color"]')) {
    const own = meta.media.includes("dark") ? "dark" : "light";
    meta.content = BARS[chosen === "system" ? own : chosen];
  }
}
