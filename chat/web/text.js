/** Small pieces of text and DOM that the views share. Nothing here ever parses HTML. */

const HUES = 10;
const LINK = /https?:\/\/[^\s<>"']+/g;
const LINK_TAIL = /[.,;:!?)\]}]+$/;

const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const DAY = { day: "numeric", month: "long" };
const weekday = new Intl.DateTimeFormat(undefined, { ...DAY, weekday: "long" });
const dated = new Intl.DateTimeFormat(undefined, { ...DAY, year: "numeric" });
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

/** Text with its web addresses as links. */
export function linked(text) {
  const parts = [];
  let end = 0;
  for (const { 0: match, index } of text.matchAll(LINK)) {
    const address = match.replace(LINK_TAIL, "");
    if (!URL.canParse?.(address)) continue;
    const link = element("a", "", address);
    link.href = address;
    link.target = "_blank";
    link.rel = "noopener noreferrer";
    parts.push(text.slice(end, index), link);
    end = index + address.length;
  }
  return [...parts, text.slice(end)];
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

function startOfDay(timestamp) {
  return new Date(timestamp).setHours(0, 0, 0, 0);
}

export function plural(count, one, many) {
  return `${count.toLocaleString()} ${count === 1 ? one : many}`;
}
