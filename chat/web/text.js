/** Small pieces of text and DOM that the views share. Nothing here ever parses HTML. */

const HUES = 10;

const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const DAY = { day: "numeric", month: "long" };
const weekday = new Intl.DateTimeFormat(undefined, { ...DAY, weekday: "long" });
const dated = new Intl.DateTimeFormat(undefined, { ...DAY, year: "numeric" });
const ago = new Intl.RelativeTimeFormat(undefined, { numeric: "auto", style: "short" });
const full = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "medium" });

export function element(tag, className, ...children) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  node.append(...children);
  return node;
}

/** Set text only where it differs, so that a screen reader hears each change once. */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

export function avatar(userId, name) {
  const node = element("span", `avatar hue-${hueOf(userId)}`, initials(name));
  node.ariaHidden = "true";
  return node;
}

export function hueOf(userId) {
  let hash = 2166136261; // FNV-1a: spreads similar names over the palette
  for (const char of userId) hash = Math.imul(hash ^ char.codePointAt(0), 16777619);
  return ((hash ^ (hash >>> 15)) >>> 0) % HUES;
}

function initials(name) {
  const words = name.split(/[\s._@-]+/).filter(Boolean);
  const letters = words.length > 1 ? [words[0], words[words.length - 1]] : words;
  return letters.map((word) => [...word][0].toUpperCase()).join("") || "?";
}

export function timeElement(timestamp) {
  const node = element("time", "", clock.format(timestamp));
  node.dateTime = new Date(timestamp).toISOString();
  node.title = full.format(timestamp);
  return node;
}

export function dayOf(timestamp, now = Date.now()) {
  const days = Math.round((startOfDay(now) - startOfDay(timestamp)) / 86_400_000);
  if (days === 0) return "Today";
  if (days === 1) return "Yesterday";
  return (days > 0 && days < 300 ? weekday : dated).format(timestamp);
}

/** How long ago something was: "now", "5 min. ago", "yesterday"; a date from a week on. */
export function relative(timestamp, now = Date.now()) {
  const minutes = Math.max(0, Math.floor((now - timestamp) / 60_000));
  if (minutes < 1) return "just now";
  if (minutes < 60) return ago.format(-minutes, "minute");
  const days = Math.round((startOfDay(now) - startOfDay(timestamp)) / 86_400_000);
  if (days < 1) return ago.format(-Math.floor(minutes / 60), "hour");
  return days < 7 ? ago.format(-days, "day") : dated.format(timestamp);
}

function startOfDay(timestamp) {
  return new Date(timestamp).setHours(0, 0, 0, 0);
}

export function plural(count, one, many) {
  return `${count.toLocaleString()} ${count === 1 ? one : many}`;
}
